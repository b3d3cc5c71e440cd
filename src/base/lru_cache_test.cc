#include "base/lru_cache.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

TEST(LruCache, DropsTheLeastRecentlyUsedFirst) {
  LruCache<int> cache(10);
  cache.insert("a", std::make_shared<int>(1), 5);
  cache.insert("b", std::make_shared<int>(2), 5);
  ASSERT_NE(cache.find("a"), nullptr);  // b is now the oldest
  cache.insert("c", std::make_shared<int>(3), 5);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_EQ(*cache.find("c"), 3);
  EXPECT_EQ(cache.counts().bytes, 10U);
}

TEST(LruCache, RefusesWhatIsLargerThanItself) {
  LruCache<int> cache(10);
  cache.insert("big", std::make_shared<int>(1), 11);
  EXPECT_EQ(cache.find("big"), nullptr);
}

TEST(LruCache, AValueInUseSurvivesItsEviction) {
  LruCache<int> cache(1);
  cache.insert("a", std::make_shared<int>(7), 1);
  const auto held = cache.find("a");
  cache.insert("b", std::make_shared<int>(8), 1);
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(*held, 7);
}

}  // namespace
}  // namespace spanqa
