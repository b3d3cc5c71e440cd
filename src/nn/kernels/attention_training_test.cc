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

// Central differences with a step of 1e-2 err by its square times a sixth of the third derivative, and by what `out`, a
// float, is rounded by over the step: some 1e-5 each.
constexpr float kStep = 1e-2F;
constexpr double kDifferenceTolerance = 2e-4;
TEST(AttentionTraining, TheWayBackIsTheDerivative) {
  const std::uint32_t seed = 9715;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  for (const Dropout& dropout : {kOff, make_dropout(0.3F, seed, 5)}) {
    SCOPED_TRACE(dropout.threshold);
    Batch batch({.lengths = {3, 0, 7, 1}, .n_heads = 2, .head_size = 5, .extra_stride = 3}, random);
    batch.run_ref(dropout);
    for (std::size_t i = 0; i < batch.qkv.size(); ++i) {
      if (i % batch.stride() >= 3 * batch.hidden()) {
        ASSERT_EQ(batch.d_qkv[i], kUntouched) << i;
        continue;
      }
      const float value = batch.qkv[i];
      batch.qkv[i] = value + kStep;
      const double above = batch.loss(dropout);
      batch.qkv[i] = value - kStep;
      const double below = batch.loss(dropout);
      batch.qkv[i] = value;
      ASSERT_NEAR(batch.d_qkv[i], (above - below) / (2.0 * static_cast<double>(kStep)), kDifferenceTolerance) << i;
    }
  }
}

// Values that are unit vectors show the weights themselves.
TEST(AttentionTraining, DropsWhatIsKeptSaysOfRowAndColumn) {
  const std::uint32_t seed = 9716;
  SCOPED_TRACE(seed);
  const std::size_t n_heads = 3;
  const std::size_t size = 40;
  const std::vector<std::size_t> lengths = {40, 0, 7, 33};
  for_each_target([&] {
    RandomFloats random(seed);
    const Dropout dropout = make_dropout(0.4F, seed, 6);
    Batch batch({.lengths = lengths, .n_heads = n_heads, .head_size = size}, random);
    std::vector<std::size_t> begins;
    for (const std::size_t n : lengths) {
      for (std::size_t u = 0; u < n; ++u) begins.push_back(begins.size() - u);
    }
    for (std::size_t t = 0; t < batch.n_tokens(); ++t) {
      for (std::size_t c = 0; c < batch.hidden(); ++c) {
        batch.qkv[t * batch.stride() + 2 * batch.hidden() + c] = c % size == t - begins[t] ? 1.0F : 0.0F;
      }
    }
    AttentionScratch scratch;
    batch.run(dropout, scratch);
    const std::vector<std::uint32_t> offsets(batch.input().offsets.begin(), batch.input().offsets.end());
    for (std::size_t t = 0; t < batch.n_tokens(); ++t) {
      const std::size_t end = *std::upper_bound(offsets.begin(), offsets.end(), t);
      for (std::size_t c = 0; c < batch.hidden(); ++c) {
        const auto row = static_cast<std::uint32_t>(t * n_heads + c / size);
        const bool kept = c % size < end - begins[t] && is_kept(dropout, row, static_cast<std::uint32_t>(c % size));
        ASSERT_EQ(batch.out[t * batch.hidden() + c] != 0.0F, kept) << "row " << row << ", column " << c % size;
      }
    }
  });
}

TEST(AttentionTraining, WithoutDropoutForwardIsInferenceBitForBit) {
  const std::uint32_t seed = 9717;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    Batch batch({.lengths = {12, 0, 100, 7}, .n_heads = 4, .head_size = 20, .extra_stride = 4}, random);
    std::vector<float> out(batch.out.size());
    AttentionScratch scratch;
    attention(batch.input(), out.data(), scratch, 1);
    batch.run(kOff, scratch);
    EXPECT_EQ(batch.out, out);
  });
}

TEST(AttentionTraining, ThreadsAndUsedScratchChangeNothing) {
  const std::uint32_t seed = 9718;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  for (const Dropout& dropout : {kOff, make_dropout(0.1F, seed, 7)}) {
    Batch once({.lengths = {12, 0, 100, 7, 176}, .n_heads = 4, .head_size = 32}, random);
    AttentionScratch fresh;
    once.run(dropout, fresh);
    AttentionScratch scratch;
    for (const int n_threads : {2, 3, 5, 1}) {
      Batch again = once;
      std::fill(again.d_qkv.begin(), again.d_qkv.end(), kUntouched);
      Batch other({.lengths = {200}, .head_size = 64}, random, 5.0F);
      other.run(dropout, scratch, n_threads);
      again.run(dropout, scratch, n_threads);
      EXPECT_EQ(again.out, once.out) << n_threads;
      EXPECT_EQ(again.log_sums, once.log_sums) << n_threads;
      EXPECT_EQ(again.d_qkv, once.d_qkv) << n_threads;
    }
  }
}

// Scores reach 5000 (in log2 units), where floats lie 4.9e-4 apart and weights are no more exact than that. Largest
// error of a gradient seen: 1.2e-3.
TEST(AttentionTraining, LargeScoresDoNotOverflow) {
  const std::uint32_t seed = 9719;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    Batch fast({.lengths = {50}}, random, 30.0F);
    Batch ref = fast;
    AttentionScratch scratch;
    fast.run(kOff, scratch);
    ref.run_ref(kOff);
    expect_near(fast.out, ref.out, 1e-2, "out");
    expect_near(fast.log_sums, ref.log_sums, 1e-2, "log_sums");
    expect_near(fast.d_qkv, ref.d_qkv, 1e-2, "d_qkv");
  });
}

}  // namespace
}  // namespace spanqa
