#include "nn/precision.h"

#include "nn/onednn.h"

namespace spanqa {

std::optional<Precision> parse_precision(std::string_view name) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    if (name == precision_name(precision)) return precision;
  }
  return std::nullopt;
}

bool has_fast_bfloat16() {
  static const bool has = [] {
    cpu_engine();  // sets the limit of SPANQA_ISA
    const auto bits = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);  // a subset of AMX's
    return (bits & needed) == needed;
  }();
  return has;
}

}  // namespace spanqa
