#include "serve/worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace spanqa::serve {
namespace {

TEST(Worker, DoesJobsInTheirOrderOnAThreadOfItsOwn) {
  Worker worker;
  std::vector<int> done;
  std::promise<std::thread::id> last;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(worker.post(1, [&done, i] { done.push_back(i); }));
  ASSERT_TRUE(worker.post(1, [&last] { last.set_value(std::this_thread::get_id()); }));
  EXPECT_NE(last.get_future().get(), std::this_thread::get_id());
  ASSERT_EQ(done.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(Worker, RefusesMoreThanMayWait) {
  Worker worker(10);
  std::promise<void> begun;
  std::promise<void> go;
  std::promise<void> end;
  ASSERT_TRUE(worker.post(100, [&] {  // alone it is taken
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(worker.post(6, [] {}));
  EXPECT_FALSE(worker.post(6, [] { FAIL() << "it was refused"; }));
  EXPECT_TRUE(worker.post(4, [&] { end.set_value(); }));
  go.set_value();
  end.get_future().wait();
  EXPECT_TRUE(worker.post(10, [] {}));
}

TEST(Worker, DropsWhatHasNotBegunWhenItEnds) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  {
    Worker worker;
    std::promise<void> begun;
    ASSERT_TRUE(worker.post(1, [&] {
      begun.set_value();
      while (worker.post(0, [] { FAIL() << "the worker has ended"; })) {  // refused once it ends
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }));
    begun.get_future().wait();
    worker.post(1, [held] { FAIL() << "the worker has ended"; });
    held.reset();
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace spanqa::serve
