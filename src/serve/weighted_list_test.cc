#include "serve/weighted_list.h"

#include <gtest/gtest.h>

#include <string>

namespace spanqa::serve {
namespace {

std::string shown(std::string_view value) {
  std::string text;
  for (const WeightedName& entry : parse_weighted_list(value)) {
    text += std::string(entry.name) + "=" + std::to_string(entry.quality).substr(0, 3) + " ";
  }
  return text;
}

TEST(ParseWeightedList, GivesNamesWithTheirQualities) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("gzip"), "gzip=1.0 ");
  EXPECT_EQ(shown("gzip;q=0.5,br"), "gzip=0.5 br=1.0 ");
  EXPECT_EQ(shown(" text/html ; level=1;\tQ=0.3 , */*;q=0"), "text/html=0.3 */*=0.0 ");
  EXPECT_EQ(shown(",, ;q=1, x"), "x=1.0 ");
  EXPECT_EQ(shown("x;q=much, y;q=0.5z"), "x=0.0 y=0.0 ");
}

TEST(QualityFor, TakesTheNameBeforeTheStar) {
  EXPECT_EQ(quality_for(parse_weighted_list("GZIP;q=0.5, *;q=0"), "gzip"), 0.5);
  EXPECT_EQ(quality_for(parse_weighted_list("*;q=0.2, br"), "gzip"), 0.2);
  EXPECT_EQ(quality_for(parse_weighted_list("br"), "gzip"), 0.0);
  EXPECT_EQ(quality_for({}, "gzip"), 0.0);
}

TEST(Trimmed, CutsBlanksAtBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\t"), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
}

}  // namespace
}  // namespace spanqa::serve
