// Which vector instructions the kernels run on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace spanqa {

enum class Isa : std::uint8_t { kRef, kSse4, kAvx2, kAvx512, kBest };

/// "ref", "sse4", "avx2", "avx512"; anything else is nullopt.
std::optional<Isa> parse_isa(std::string_view name);

/// The limit that environment variable SPANQA_ISA sets (ref, sse4, avx2 or avx512; unset or unknown: kBest). Read once,
/// at the first call of a kernel; holds for the kernels and for oneDNN. `ref` runs the plain `_ref` loops.
Isa isa_limit();

/// kInvalidArgument, naming the values, when SPANQA_ISA is set to anything but one of them or nothing: for programs to
/// ask before they begin, since isa_limit() reads it as no limit.
Status check_isa_limit();

/// What the kernels run on here: "ref" under SPANQA_ISA=ref, otherwise Highway's name of the chosen target ("AVX3",
/// "AVX2", "SSE4", "SSSE3", "EMU128").
const char* kernel_target_name();

}  // namespace spanqa
