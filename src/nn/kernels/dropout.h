// Dropout from a counter-based generator, Philox4x32 with 7 rounds (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011; the round count that the paper finds to pass all tests). A number is kept or dropped by its row
// and column alone, whatever the thread, the order or the instruction set, and the way back asks the same question
// again instead of storing a mask.
//
// Threads: free functions on the caller's buffers, single-threaded; see parallel_rows to spread rows over threads.
// Kernels that drop numbers of their own use dropout-inl.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace spanqa {

/// Which numbers of a matrix are dropped.
struct Dropout {
  std::uint64_t seed = 0;       // the generator's key: one for a whole run
  std::uint64_t stream = 0;     // high half of its counter: another for each step and place in the model
  std::uint16_t threshold = 0;  // a random 16-bit number below it drops; 0: nothing is dropped
  float scale = 1.0F;           // of what is kept: 65536 / (65536 - threshold)
  bool is_off() const { return threshold == 0; }
};

/// The largest share that can be dropped: above it, scale would blow up the few numbers that are kept.
inline constexpr double kMaxDropout = 0.9;

/// `p`, in [0, kMaxDropout], is the share that is dropped, rounded to a multiple of 1/65536.
Dropout make_dropout(float p, std::uint64_t seed, std::uint64_t stream);

/// The definition. Columns go in chunks of 128: 16 blocks of the generator, 8 numbers of 16 bits each. Column c = 128
/// chunk + i takes number k = i / 16 of block i % 16, whose counter is {16 chunk + i % 16, row, stream's low and high
/// word} and whose key is seed's low and high word; number k is the low (k even) or high half of output word k / 2.
/// Costs a whole block: for tests.
bool is_kept(const Dropout& dropout, std::uint32_t row, std::uint32_t column);

/// out[r, c] = x[r, c] * scale if (first_row + r, c) is kept, else 0. x, out: [rows, width]; `out` may be `x`.
/// first_row + rows <= 2^32.
void dropout(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
             float* out);
void dropout_ref(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
                 float* out);

/// Constants of Philox4x32, and the generator itself.
inline constexpr std::array<std::uint32_t, 2> kPhiloxMultipliers = {0xD2511F53U, 0xCD9E8D57U};
inline constexpr std::array<std::uint32_t, 2> kPhiloxKeySteps = {0x9E3779B9U, 0xBB67AE85U};
inline constexpr int kDropoutRounds = 7;

template <int kRounds>
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultipliers[0]} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultipliers[1]} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key = {key[0] + kPhiloxKeySteps[0], key[1] + kPhiloxKeySteps[1]};
  }
  return counter;
}

}  // namespace spanqa
