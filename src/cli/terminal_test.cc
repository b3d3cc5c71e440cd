#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace spanqa::cli {
namespace {

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("Z\u00fcrich"), 6U);
  EXPECT_EQ(display_width("cafe\u0301"), 4U);    // the accent stands on the e
  EXPECT_EQ(display_width("\u5317\u4eac"), 4U);  // two columns each
  EXPECT_EQ(display_width("\xFF"), 1U);          // shown as U+FFFD
}

TEST(FormatSeconds, UsesTheUnitsAPersonWould) {
  EXPECT_EQ(format_seconds(0.04), "0.0 s");
  EXPECT_EQ(format_seconds(1.25), "1.2 s");
  EXPECT_EQ(format_seconds(59.94), "59.9 s");
  EXPECT_EQ(format_seconds(200.0), "3 min 20 s");
  EXPECT_EQ(format_seconds(3725.0), "1 h 2 min");
}

TEST(Terminal, OutputToAFileHas80ColumnsAndNoColour) {
  // ctest runs tests with a pipe as standard output.
  if (use_colour()) GTEST_SKIP() << "standard output is a terminal";
  EXPECT_EQ(bold("x"), "x");
  EXPECT_EQ(faint("x"), "x");
  EXPECT_EQ(highlight("x"), "[x]");
}

TEST(ProgressBar, PrintsNothingInTheFirstSecond) {
  ::testing::internal::CaptureStderr();
  {
    ProgressBar bar("reading");
    for (int i = 0; i <= 10; ++i) bar.update(0.1 * i, "note");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace spanqa::cli
