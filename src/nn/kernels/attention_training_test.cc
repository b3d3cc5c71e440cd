#include "nn/kernels/attention_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

struct Shape {
  std::vector<std::size_t> lengths;
  std::size_t n_heads = 1;
  std::size_t head_size = 32;
  std::size_t extra_stride = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << "lengths " << testing::PrintToString(shape.lengths) << ", " << shape.n_heads << " heads of "
             << shape.head_size << ", " << shape.extra_stride << " floats between rows";
}

// What lies between the rows of d_qkv, and must stay there.
constexpr float kUntouched = -77.0F;

// A batch of random numbers with all that a forward pass and the way back write.
class Batch {
 public:
  Batch(const Shape& shape, RandomFloats& random, float spread = 1.0F)
      : n_heads_(shape.n_heads),
        head_size_(shape.head_size),
        stride_(3 * shape.n_heads * shape.head_size + shape.extra_stride) {
    for (const std::size_t n : shape.lengths) offsets_.push_back(offsets_.back() + static_cast<std::uint32_t>(n));
    qkv = random.normal(n_tokens() * stride_, spread);
    d_out = random.normal(n_tokens() * hidden());
    out.assign(d_out.size(), kUntouched);
    log_sums.assign(n_tokens() * n_heads_, kUntouched);
    d_qkv.assign(qkv.size(), kUntouched);
  }
  AttentionInput input() const {
    return {
        .qkv = qkv.data(), .row_stride = stride_, .offsets = offsets_, .n_heads = n_heads_, .head_size = head_size_};
  }
  AttentionGradient gradient() {
    return {.out = out.data(), .log_sums = log_sums.data(), .d_out = d_out.data(), .d_qkv = d_qkv.data()};
  }
  void run_ref(const Dropout& dropout) {
    attention_train_ref(input(), dropout, out.data(), log_sums.data());
    attention_backward_ref(input(), dropout, gradient());
  }
  void run(const Dropout& dropout, AttentionScratch& scratch, int n_threads = 1) {
    attention_train(input(), dropout, out.data(), log_sums.data(), scratch, n_threads);
    attention_backward(input(), dropout, gradient(), scratch, n_threads);
  }
  // sum of out * d_out, whose gradient by qkv is d_qkv.
  double loss(const Dropout& dropout) {
    attention_train_ref(input(), dropout, out.data(), log_sums.data());
    double sum = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += static_cast<double>(out[i]) * static_cast<double>(d_out[i]);
    return sum;
  }
  std::size_t n_tokens() const { return offsets_.back(); }
  std::size_t hidden() const { return n_heads_ * head_size_; }
  std::size_t stride() const { return stride_; }

  std::vector<float> qkv;
  std::vector<float> d_out;
  std::vector<float> out;
  std::vector<float> log_sums;
  std::vector<float> d_qkv;

 private:
  std::size_t n_heads_;
  std::size_t head_size_;
  std::size_t stride_;
  std::vector<std::uint32_t> offsets_ = {0};
};

const Dropout kOff;

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance,
                 const char* name) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << name << " " << i;
}

// Sums of up to some hundred products of numbers of size 1, of weights that are exact to 5e-7.
constexpr double kTolerance = 2e-5;

void expect_agrees(const Shape& shape, const Dropout& dropout, RandomFloats& random) {
  SCOPED_TRACE(testing::Message() << shape << ", threshold " << dropout.threshold);
  Batch fast(shape, random);
  Batch ref = fast;
  AttentionScratch scratch;
  fast.run(dropout, scratch);
  ref.run_ref(dropout);
  expect_near(fast.out, ref.out, kTolerance, "out");
  expect_near(fast.log_sums, ref.log_sums, kTolerance, "log_sums");
  expect_near(fast.d_qkv, ref.d_qkv, kTolerance, "d_qkv");
}

TEST(AttentionTraining, AgreesWithTheFormulaForEveryLengthUpToTwoBlocks) {
  const std::uint32_t seed = 9711;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    const Dropout dropout = make_dropout(0.3F, seed, 1);
    for (std::size_t n = 0; n <= 100; ++n) {
      expect_agrees({.lengths = {n}, .head_size = 8}, n % 2 == 0 ? dropout : kOff, random);
    }
  });
}

TEST(AttentionTraining, AgreesWithTheFormulaForEveryHeadSize) {
  const std::uint32_t seed = 9712;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    const Dropout dropout = make_dropout(0.1F, seed, 2);
    for (const std::size_t size : {1U, 5U, 16U, 20U, 31U, 32U, 33U, 48U, 64U, 96U, 130U}) {
      const Shape shape{.lengths = {random.below(60) + 1}, .n_heads = 2, .head_size = size, .extra_stride = 5};
      expect_agrees(shape, kOff, random);
      expect_agrees(shape, dropout, random);
    }
  });
}

TEST(AttentionTraining, SequencesDoNotSeeEachOther) {
  const std::uint32_t seed = 9713;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    const Dropout dropout = make_dropout(0.1F, seed, 3);
    for (const std::size_t size : {5U, 32U, 64U}) {
      expect_agrees({.lengths = {1, 0, 17, 130}, .n_heads = 3, .head_size = size, .extra_stride = 16}, dropout, random);
    }
  });
}

TEST(AttentionTraining, LongSequences) {
  const std::uint32_t seed = 9714;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    expect_agrees({.lengths = {384}, .head_size = 32}, make_dropout(0.1F, seed, 4), random);
  });
}

}  // namespace
}  // namespace spanqa
