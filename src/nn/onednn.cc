#include "nn/onednn.h"

#include "nn/kernels/isa.h"

namespace spanqa {
namespace {

void limit_onednn(Isa isa) {
  // A refusal (oneDNN has already run in this process, or was built without the control) leaves its own choice.
  switch (isa) {
    case Isa::kRef:
    case Isa::kSse4:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
      break;
    case Isa::kAvx2:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
      break;
    case Isa::kAvx512:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core_bf16);
      break;
    case Isa::kBest:
      break;
  }
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine = [] {
    limit_onednn(isa_limit());
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

std::mutex& creation_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace spanqa
