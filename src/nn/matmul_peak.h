// The yardstick of encoder speed: what oneDNN's matmul alone reaches on this machine.
#pragma once

#include "nn/precision.h"

namespace spanqa {

/// Floating-point operations per nanosecond (GFLOPS) of oneDNN's bare matmul: M 2048, K 384, N 1536, weights in its
/// preferred layout, no bias, on `n_threads` OpenMP threads; the best of five runs of 0.2 s each. With
/// Precision::kBFloat16 the operands are bfloat16 and the result float32.
/// Cost: about 1.1 s of all those threads. Returns 0 when oneDNN fails; AVX2 has no bfloat16 matmul.
double bare_matmul_gflops(int n_threads, Precision precision = Precision::kFloat32);

}  // namespace spanqa
