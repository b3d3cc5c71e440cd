#include "qa/worst_errors.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

Example example(const std::string& id) {
  Example out;
  out.id = id;
  out.question = "Who?";
  out.context = std::make_shared<const std::string>("Ada wrote it. Bob did not.");
  out.answers.push_back({"Ada", 0});
  return out;
}

RunQaResult said_bob(double probability) {
  RunQaResult result;
  result.prediction = "Bob";
  result.n_best.push_back({.text = "Bob", .span = {14, 17}, .probability = probability});
  return result;
}

TEST(WorstErrors, KeepsTheSurestOfTheWrongOnes) {
  WorstErrors worst(2);
  worst.add(example("a"), said_bob(0.5), {.exact = 0, .f1 = 0.0});
  worst.add(example("b"), said_bob(0.9), {.exact = 0, .f1 = 0.0});
  worst.add(example("c"), said_bob(0.7), {.exact = 0, .f1 = 0.0});
  worst.add(example("right"), said_bob(1.0), {.exact = 1, .f1 = 1.0});
  const auto errors = worst.take();
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].id, "b");
  EXPECT_EQ(errors[1].id, "c");
  EXPECT_EQ(errors[0].golds, std::vector<std::string>{"Ada"});
  EXPECT_NE(errors[0].sentence.find("Bob did not."), std::string::npos);
}

TEST(WorstErrors, ACapacityOfNoneKeepsNone) {
  WorstErrors worst(0);
  worst.add(example("a"), said_bob(0.5), {.exact = 0, .f1 = 0.0});
  EXPECT_TRUE(worst.take().empty());
}

}  // namespace
}  // namespace spanqa
