#include "nn/matmul_context.h"

#include <algorithm>

#include "nn/matmul_context_impl.h"

namespace spanqa {

MatmulContext::MatmulContext(int n_threads)
    : impl_(new Impl{.n_threads = std::max(n_threads, 1),
                     .stream = dnnl::stream(cpu_engine()),
                     .products = {},
                     .gradient_products = {},
                     .scratchpads = std::vector<AlignedBuffer>(static_cast<std::size_t>(std::max(n_threads, 1))),
                     .x_operand = {},
                     .d_y_operand = {}}) {}
MatmulContext::~MatmulContext() = default;
MatmulContext::MatmulContext(MatmulContext&&) noexcept = default;
MatmulContext& MatmulContext::operator=(MatmulContext&&) noexcept = default;
int MatmulContext::n_threads() const { return impl_->n_threads; }

}  // namespace spanqa
