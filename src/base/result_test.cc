#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace spanqa {
namespace {

Status check_even(int n) {
  if (n % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd: " + std::to_string(n));
  return {};
}

Result<int> half(int n) {
  SPANQA_TRY(check_even(n));
  return n / 2;
}

Result<int> quarter(int n) {
  SPANQA_ASSIGN(const int once, half(n));
  SPANQA_ASSIGN(const int twice, half(once));
  return twice;
}

Result<std::unique_ptr<int>> boxed_quarter(int n) {
  SPANQA_ASSIGN(const int value, quarter(n));
  SPANQA_ASSIGN(auto box, Result<std::unique_ptr<int>>(std::make_unique<int>(value)));  // moves, never copies
  return box;
}

TEST(Macros, PassValuesOnAndReturnTheFirstError) {
  EXPECT_EQ(quarter(12).value(), 3);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message, "odd: 3");
  EXPECT_EQ(quarter(7).error().message, "odd: 7");
  EXPECT_EQ(quarter(7).error().code, ErrorCode::kInvalidArgument);
}

TEST(Macros, WorkWithValuesThatOnlyMove) {
  EXPECT_EQ(**boxed_quarter(8), 2);
  EXPECT_FALSE(boxed_quarter(9));
}

TEST(ErrorCodeName, IsItsOwnForEveryCode) {
  const ErrorCode codes[] = {ErrorCode::kInvalidArgument, ErrorCode::kNotFound,    ErrorCode::kIo,
                             ErrorCode::kCorrupt,         ErrorCode::kUnsupported, ErrorCode::kMismatch,
                             ErrorCode::kModelFault,      ErrorCode::kCancelled};
  std::set<std::string> names;
  for (const ErrorCode code : codes) names.insert(error_code_name(code));
  EXPECT_EQ(names.size(), std::size(codes));
  EXPECT_EQ(names.count("unknown"), 0U);
}

}  // namespace
}  // namespace spanqa
