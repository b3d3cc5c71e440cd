#include "base/lru_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

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

TEST(LruCache, DropsWhatIsStaleAndHasRoomForOthersThen) {
  LruCache<int> cache(3);
  for (const int i : {1, 2, 3}) cache.insert(std::to_string(i), std::make_shared<int>(i), 1);
  cache.erase_if([](int value) { return value != 2; });
  EXPECT_EQ(cache.find("1"), nullptr);
  EXPECT_EQ(cache.find("3"), nullptr);
  EXPECT_EQ(cache.counts().bytes, 1U);
  cache.insert("4", std::make_shared<int>(4), 1);
  cache.insert("5", std::make_shared<int>(5), 1);
  EXPECT_NE(cache.find("2"), nullptr);
  EXPECT_NE(cache.find("4"), nullptr);
}

TEST(LruCache, ManyThreadsFindWhatTheyOrOthersInserted) {
  LruCache<int> cache(64);  // room for 64 of the 100 keys: evictions go on all the time
  std::atomic<int> n_wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&cache, &n_wrong, t] {
        for (int i = 0; i < 2000; ++i) {
          const int key = (i * 7 + t * 13) % 100;
          const auto found = cache.find(std::to_string(key));
          if (found && *found != key) ++n_wrong;
          if (!found) cache.insert(std::to_string(key), std::make_shared<int>(key), 1);
        }
      });
    }
  }
  EXPECT_EQ(n_wrong.load(), 0);
  EXPECT_LE(cache.counts().bytes, 64U);
}

}  // namespace
}  // namespace spanqa
