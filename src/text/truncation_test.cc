#include "text/truncation.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

std::vector<WindowRanges> plan(std::size_t n_first, std::optional<std::size_t> n_second, const EncodeOptions& options) {
  auto planned = plan_truncation(n_first, n_second, 0, options);
  if (!planned) ADD_FAILURE() << planned.error().message;
  return planned ? *planned : std::vector<WindowRanges>();
}

TEST(PlanTruncation, TheLastWindowIsShortAndNotMovedBack) {
  const auto windows = plan(2, 9, {.truncation = Truncation::kOnlySecond, .max_length = 6, .stride = 1});
  EXPECT_EQ(windows, (std::vector<WindowRanges>{{{0, 2}, {0, 4}}, {{0, 2}, {3, 7}}, {{0, 2}, {6, 9}}}));
}

TEST(PlanTruncation, FromTheLeftItCountsFromTheEnd) {
  const auto windows =
      plan(0, 9, {.truncation = Truncation::kOnlySecond, .max_length = 4, .stride = 1, .truncation_side = Side::kLeft});
  EXPECT_EQ(windows, (std::vector<WindowRanges>{{{0, 0}, {5, 9}}, {{0, 0}, {2, 6}}, {{0, 0}, {0, 3}}}));
}

TEST(PlanTruncation, BothTextsOverflowAsACrossProduct) {
  const auto windows = plan(4, 4, {.truncation = Truncation::kLongestFirst, .max_length = 4});
  EXPECT_EQ(windows,
            (std::vector<WindowRanges>{{{0, 2}, {0, 2}}, {{2, 4}, {0, 2}}, {{2, 4}, {2, 4}}, {{0, 2}, {2, 4}}}));
}

TEST(PlanTruncation, NothingIsCutWhereAllFits) {
  const EncodeOptions options{.truncation = Truncation::kOnlySecond, .max_length = 5, .stride = 400};
  EXPECT_EQ(plan(2, 3, options), (std::vector<WindowRanges>{{{0, 2}, {0, 3}}}));
  EXPECT_EQ(plan(2, std::nullopt, options), (std::vector<WindowRanges>{{{0, 2}, {0, 0}}}));
  EXPECT_EQ(plan(200, 300, {}), (std::vector<WindowRanges>{{{0, 200}, {0, 300}}}));
}

TEST(PlanTruncation, WithoutRoomEverythingOverflows) {
  const auto windows = plan(2, std::nullopt, {.truncation = Truncation::kOnlyFirst, .max_length = 0});
  EXPECT_EQ(windows, (std::vector<WindowRanges>{{{0, 0}, {0, 0}}, {{0, 2}, {0, 0}}}));
}

struct ErrorCase {
  const char* name;
  std::size_t n_first;
  std::optional<std::size_t> n_second;
  EncodeOptions options;
  const char* part;  // of the message
};

TEST(PlanTruncation, ErrorsNameTheNumbers) {
  const ErrorCase cases[] = {
      {"question fills the window",
       9,
       5,
       {.truncation = Truncation::kOnlySecond, .max_length = 12},
       "second text has 5"},
      {"no second", 20, std::nullopt, {.truncation = Truncation::kOnlySecond, .max_length = 12}, "not provided"},
      {"stride",
       4,
       20,
       {.truncation = Truncation::kOnlySecond, .max_length = 12, .stride = 5},
       "stride 5 must be less than the 5"},
      {"no room for specials", 4, 20, {.truncation = Truncation::kLongestFirst, .max_length = 2}, "max_length 2"},
  };
  for (const ErrorCase& c : cases) {
    const auto planned = plan_truncation(c.n_first, c.n_second, 3, c.options);
    ASSERT_FALSE(planned) << c.name;
    EXPECT_EQ(planned.error().code, ErrorCode::kInvalidArgument) << c.name;
    EXPECT_NE(planned.error().message.find(c.part), std::string::npos) << planned.error().message;
  }
}

}  // namespace
}  // namespace spanqa
