#include "serve/model_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/scratch_file.h"
#include "serve/answer_cache.h"
#include "serve/batching_engine.h"
#include "serve/engine_future.h"
#include "serve/testing_engine.h"

namespace spanqa::serve {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests
namespace fs = std::filesystem;

/// A copy of a fixture's folder, to be damaged and mended. Never in the weights: a model has their file mapped.
class ModelCopy {
 public:
  explicit ModelCopy(std::string_view fixture) : config_("config.json", "") {
    const fs::path from = spanqa::testing::source_path("tests/fixtures/nn") / fixture;
    text_ = read_file(from / "config.json").value();
    fs::copy(from, folder(), fs::copy_options::recursive | fs::copy_options::skip_existing);
    mend();
  }
  fs::path folder() const { return config_.path().parent_path(); }
  void damage() const { fs::remove(config_.path()); }
  void mend() const { config_.write(text_); }

 private:
  ScratchFile config_;
  std::string text_;
};

// How wide a pass is has its tests elsewhere.
BatchingOptions two_threads() { return {.n_threads = 2, .n_wide_threads = 1}; }

/// The messages of what failed.
std::string faults_of(ModelSet& models) {
  std::string faults;
  for (const LoadFailure& failure : models.load()) faults += failure.name + ": " + failure.error.message + "\n";
  return faults;
}

/// Answers everything with one error.
class RefusingEngine final : public Engine {
 public:
  explicit RefusingEngine(ErrorKind kind) : kind_(kind) {}
  Ticket submit(EngineRequest, Done done, Progress) override {
    done(refuse(kind_));
    return 1;
  }
  void cancel(Ticket) override {}
  std::optional<int> seconds_to_wait(std::size_t) const override { return std::nullopt; }

 private:
  ErrorKind kind_;
};

TEST(ModelSet, IsReadyOnceEveryModelHasAnsweredAQuestion) {
  BatchingEngine engine(two_threads());
  const ModelCopy bert("tiny-bert");
  const ModelCopy distilbert("tiny-distilbert");
  ModelSet models({.folders = {{"org/first", bert.folder()}, {"second", distilbert.folder()}}}, engine);
  EXPECT_FALSE(models.is_ready());
  EXPECT_TRUE(models.knows("second"));
  EXPECT_TRUE(models.knows(""));
  EXPECT_FALSE(models.knows("third"));
  EXPECT_EQ(models.find("second"), nullptr);

  EXPECT_EQ(faults_of(models), "");
  EXPECT_TRUE(models.is_ready());
  EXPECT_EQ(models.default_name(), "org/first");
  EXPECT_EQ(models.find(""), models.find("org/first"));
  EXPECT_EQ(models.find("third"), nullptr);
  ASSERT_EQ(models.models().size(), 2U);
  EXPECT_EQ(models.models()[1]->name, "second");
  EXPECT_NE(models.models()[0]->generation, models.models()[1]->generation);
  EXPECT_NE(engine.tokens_per_second(), BatchingOptions{}.tokens_per_second * 2) << "the warm-up measures";
}

TEST(ModelSet, AFolderThatDoesNotOpenIsTold) {
  BatchingEngine engine(two_threads());
  const ModelCopy good("tiny-bert");
  const ModelCopy bad("tiny-bert");
  bad.damage();
  ModelSet models({.folders = {{"bad", bad.folder()}, {"good", good.folder()}}}, engine);
  const std::vector<LoadFailure> failures = models.load();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].name, "bad");
  EXPECT_FALSE(failures[0].error.message.empty());
  EXPECT_FALSE(models.is_ready());
  EXPECT_EQ(models.find(""), nullptr);
  EXPECT_NE(models.find("good"), nullptr) << "the others are loaded";
}

TEST(ModelSet, AFolderThatDoesNotOpenAgainLeavesTheModelInItsPlace) {
  BatchingEngine engine(two_threads());
  const ModelCopy copy("tiny-bert");
  std::vector<std::uint64_t> replaced;
  ModelSet models({.folders = {{"m", copy.folder()}},
                   .replaced = [&replaced](const LoadedModel& old) { replaced.push_back(old.generation); }},
                  engine);
  ASSERT_EQ(faults_of(models), "");
  const auto first = models.find("m");
  copy.damage();
  EXPECT_EQ(models.load().size(), 1U);
  EXPECT_EQ(models.find("m"), first);
  EXPECT_TRUE(models.is_ready());
  EXPECT_TRUE(replaced.empty());
  EXPECT_TRUE(submitted(engine, one_question(first)).get());

  copy.mend();
  EXPECT_EQ(faults_of(models), "");
  EXPECT_NE(models.find("m"), first);
  EXPECT_GT(models.find("m")->generation, first->generation);
  EXPECT_EQ(replaced, std::vector<std::uint64_t>{first->generation});
}

TEST(ModelSet, AModelThatDoesNotAnswerIsNotTaken) {
  const ModelCopy copy("tiny-bert");
  for (const ErrorKind kind : {ErrorKind::kInternal, ErrorKind::kInvalidField, ErrorKind::kShuttingDown}) {
    RefusingEngine engine(kind);
    ModelSet models({.folders = {{"m", copy.folder()}}}, engine);
    EXPECT_EQ(models.load().size(), 1U);
    EXPECT_FALSE(models.is_ready());
  }
  RefusingEngine full(ErrorKind::kQueueFull);
  ModelSet models({.folders = {{"m", copy.folder()}}}, full);
  EXPECT_EQ(faults_of(models), "") << "an engine under load cannot ask, and need not be warmed";
}

TEST(ModelSet, ReloadsUnderLoadLoseNoRequestAndLetOldModelsGo) {
  BatchingOptions options = two_threads();
  options.cache = std::make_shared<AnswerCache>(1 << 20);
  BatchingEngine engine(options);
  const ModelCopy copy("tiny-bert");
  ModelSet models({.folders = {{"m", copy.folder()}},
                   .replaced = [cache = options.cache](const LoadedModel& old) { cache->forget(old.generation); }},
                  engine);
  ASSERT_EQ(faults_of(models), "");
  const auto expected = models.find("m")->reader->ask(kQuestion, kContext);
  ASSERT_TRUE(expected);
  std::atomic<bool> is_over = false;
  std::atomic<int> n_right = 0;
  std::atomic<int> n_wrong = 0;
  std::vector<std::weak_ptr<const LoadedModel>> old;
  {
    std::vector<std::jthread> clients;
    clients.reserve(3);
    for (int c = 0; c < 3; ++c) {
      clients.emplace_back([&] {
        for (int i = 0; !is_over; ++i) {
          EngineRequest request = one_question(models.find("m"));
          request.keep_windows = i % 2 == 0;  // these are not answered by the cache
          const EngineOutcome outcome = submitted(engine, std::move(request)).get();
          const bool is_right = outcome && outcome->by_pair[0].answers[0].span == expected->answers[0].span;
          ++(is_right ? n_right : n_wrong);
        }
      });
    }
    for (int round = 0; round < 6; ++round) {
      old.push_back(models.find("m"));
      if (round == 3) copy.damage();
      EXPECT_EQ(models.load().empty(), round != 3);
      if (round == 3) copy.mend();
    }
    is_over = true;
  }
  EXPECT_EQ(n_wrong.load(), 0);
  EXPECT_GT(n_right.load(), 6);
  // The last pass over an old model may be ending still.
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  for (const auto& model : old) {
    while (!model.expired() && Clock::now() < limit) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(model.expired());
  }
}

}  // namespace
}  // namespace spanqa::serve
