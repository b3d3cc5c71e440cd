#include "data/context_set.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace spanqa {
namespace {

Example about(const std::string& context) {
  Example example;
  example.context = std::make_shared<const std::string>(context);
  return example;
}

TEST(ContextSet, KnowsATextHoweverItIsSpaced) {
  ContextSet set;
  set.add(about("Ada (1815) wrote \"notes\"."));
  EXPECT_TRUE(set.contains(about("Ada (1815) wrote \"notes\".")));
  EXPECT_TRUE(set.contains(about("ada ( 1815 ) wrote \u201Cnotes\u201D .")));
  EXPECT_FALSE(set.contains(about("Ada (1816) wrote \"notes\".")));
  EXPECT_FALSE(set.contains(about("Ada (1815) wrote")));
  EXPECT_EQ(set.size(), 1U);
}

TEST(ContextSet, TextsWithoutLettersEqualNoOther) {
  ContextSet set;
  set.add(about(""));
  set.add(about("..."));
  set.add(about("\u6771\u4EAC"));
  EXPECT_EQ(set.size(), 0U);
  EXPECT_FALSE(set.contains(about("...")));
  EXPECT_FALSE(set.contains(about("\u6771\u4EAC")));
}

}  // namespace
}  // namespace spanqa
