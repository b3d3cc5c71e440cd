#include "train/progress.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/utf8.h"

namespace spanqa {
namespace {

StepRecord record() {
  return {.step = 1240,
          .n_steps = 4530,
          .loss = 1.2341,
          .learning_rate = 4.2e-5,
          .windows_per_second = 24.06,
          .seconds_left = 754.0,
          .peak_memory_bytes = 1'840'000'000};
}

TEST(Progress, SaysEverythingInEightyColumns) {
  const std::string line = progress_line(record(), 200);
  EXPECT_EQ(line, "━━─────  1240/4530  loss 1.234  24.1 windows/s  12 min left  lr 4.20e-05  1.8 GB");
  EXPECT_LE(count_code_points(line), 80U);
}

TEST(Progress, NeverTakesMoreColumnsThanThereAre) {
  StepRecord large = record();
  large.step = large.n_steps = 123'456'789;
  large.seconds_left = 1e12;
  large.loss = 1e9;
  for (std::size_t columns = 0; columns <= 120; ++columns) {
    EXPECT_LE(count_code_points(progress_line(record(), columns)), columns);
    EXPECT_LE(count_code_points(progress_line(large, columns)), std::min<std::size_t>(columns, 80));
  }
}

TEST(Progress, LeavesOutTheLeastImportantFirst) {
  EXPECT_EQ(progress_line(record(), 26), "1240/4530  loss 1.234");
  EXPECT_EQ(progress_line(record(), 27), "━───  1240/4530  loss 1.234");
}

TEST(Progress, FillsTheBarAtTheEnd) {
  StepRecord last = record();
  last.step = last.n_steps;
  last.seconds_left = 0.0;
  const std::string line = progress_line(last, 80);
  EXPECT_EQ(line.find("─"), std::string::npos);
  EXPECT_NE(line.find("0 s left"), std::string::npos);
}

TEST(Progress, BearsNumbersThatAreNone) {
  StepRecord odd;
  odd.loss = std::numeric_limits<double>::quiet_NaN();
  odd.seconds_left = std::numeric_limits<double>::infinity();
  EXPECT_EQ(progress_line(odd, 80), "0/0  loss nan  0.0 windows/s  lr 0.00e+00");
}

TEST(Progress, ShowsHoursOfALongRun) {
  StepRecord slow = record();
  slow.seconds_left = 3600.0 * 2 + 65.0;
  EXPECT_NE(progress_line(slow, 80).find("2 h 01 min left"), std::string::npos);
}

}  // namespace
}  // namespace spanqa
