// The yardstick of encoder speed: what oneDNN's matmul alone reaches on this machine.
#pragma once

namespace spanqa {

/// Floating-point operations per nanosecond (GFLOPS) of oneDNN's bare float32 matmul: M 2048, K 384, N 1536, weights in
/// its preferred layout, no bias, on `n_threads` OpenMP threads; the best of five runs of 0.2 s each.
/// Cost: about 1.1 s of all those threads. Returns 0 when oneDNN fails.
double bare_matmul_gflops(int n_threads);

}  // namespace spanqa
