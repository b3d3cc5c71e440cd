#include "nn/kernels/isa.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "hwy/targets.h"

namespace spanqa {
namespace {

constexpr std::array<std::pair<std::string_view, Isa>, 4> kNames = {
    {{"ref", Isa::kRef}, {"sse4", Isa::kSse4}, {"avx2", Isa::kAvx2}, {"avx512", Isa::kAvx512}}};

// Highway's targets are bits, better ones lower: everything below the limit's bit is switched off.
void limit_highway(Isa isa) {
#if HWY_ARCH_X86
  if (isa == Isa::kSse4) hwy::DisableTargets(HWY_SSE4 - 1);
  if (isa == Isa::kAvx2) hwy::DisableTargets(HWY_AVX2 - 1);
  if (isa == Isa::kAvx512) hwy::DisableTargets(HWY_AVX3 - 1);
#else
  static_cast<void>(isa);
#endif
}

Isa read_limit() {
  const char* name = std::getenv("SPANQA_ISA");
  const Isa isa = parse_isa(name == nullptr ? "" : name).value_or(Isa::kBest);
  limit_highway(isa);
  return isa;
}

}  // namespace

std::optional<Isa> parse_isa(std::string_view name) {
  for (const auto& [known, isa] : kNames) {
    if (known == name) return isa;
  }
  return std::nullopt;
}

Status check_isa_limit() {
  const char* name = std::getenv("SPANQA_ISA");
  if (name == nullptr || *name == '\0' || parse_isa(name)) return {};
  std::string values;
  for (const auto& [known, isa] : kNames) values += fmt::format("{}{}", values.empty() ? "" : ", ", known);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("SPANQA_ISA is set to '{}'; it takes one of {}, or is not set", name, values));
}

Isa isa_limit() {
  static const Isa limit = read_limit();
  return limit;
}

}  // namespace spanqa
