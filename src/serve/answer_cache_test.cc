#include "serve/answer_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace spanqa::serve {
namespace {

AnswerKey key_of(std::string_view question, std::string_view context, const AskOptions& options = {},
                 std::uint64_t generation = 1) {
  return answer_key(generation, options, sha256(question), sha256(context));
}

Answers answers_of(const std::string& text) {
  Answers answers;
  answers.answers = {Answer{.text = text, .score = 0.5}};
  answers.n_windows = 1;
  return answers;
}

TEST(AnswerKey, DiffersWithEverythingThatAnAnswerDependsOn) {
  std::vector<AskOptions> options = {{},
                                     {.windows = {.max_length = 128}},
                                     {.windows = {.overlap = 64}},
                                     {.windows = {.max_question_length = 32}},
                                     {.windows = {.long_question = LongQuestion::kFit}},
                                     {.specials_in_text = SpecialsInText::kMatch}};
  for (const DecoderOptions& decoder : std::vector<DecoderOptions>{
           GlobalOptions{.top_k = 2}, GlobalOptions{.max_answer_tokens = 15}, GlobalOptions{.temperature = 1.0},
           GlobalOptions{.temperature = 0.0}, GlobalOptions{.align_to_words = false},
           GlobalOptions{.no_answer_threshold = 0.5}, PipelineOptions{}, PipelineOptions{.top_k = 2},
           PipelineOptions{.max_answer_tokens = 30}, PipelineOptions{.handle_impossible_answer = true},
           PipelineOptions{.align_to_words = false}, PipelineOptions{.compat = PipelineCompat::kHf52}, RunQaOptions{},
           RunQaOptions{.n_best = 5}, RunQaOptions{.max_answer_tokens = 15}, RunQaOptions{.version_2 = true},
           RunQaOptions{.null_threshold = 1.0F}}) {
    options.push_back({.decoder = decoder});
  }
  std::set<std::string> digests;
  for (const AskOptions& each : options) digests.insert(key_of("q", "c", each).digest);
  EXPECT_EQ(digests.size(), options.size());
  for (const AnswerKey& key : {key_of("q", "d"), key_of("r", "c"), key_of("c", "q"), key_of("q", "c", {}, 2)}) {
    EXPECT_TRUE(digests.insert(key.digest).second);
  }
  EXPECT_EQ(key_of("q", "c").digest, key_of("q", "c").digest);
}

TEST(AnswerCache, GivesBackWhatWasKeptAndCounts) {
  AnswerCache cache(10'000);
  EXPECT_TRUE(cache.is_on());
  EXPECT_EQ(cache.find(key_of("q", "c")), nullptr);
  cache.insert(key_of("q", "c"), answers_of("one"));
  const auto found = cache.find(key_of("q", "c"));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->answers.at(0).text, "one");
  EXPECT_EQ(found->answers.at(0).score, 0.5);
  EXPECT_EQ(cache.find(key_of("q", "c", {}, 2)), nullptr) << "of another model";
  EXPECT_EQ(cache.counts().hits, 1U);
  EXPECT_EQ(cache.counts().misses, 2U);
  EXPECT_GT(cache.counts().bytes, sizeof(Answers));
}

TEST(AnswerCache, StaysWithinItsBytesAndDropsTheOldestFirst) {
  constexpr std::size_t kCapacity = 100'000;
  AnswerCache cache(kCapacity);
  const std::string text(5000, 'x');
  for (int i = 0; i < 50; ++i) cache.insert(key_of(std::to_string(i), "c"), answers_of(text));
  EXPECT_LE(cache.counts().bytes, kCapacity);
  EXPECT_GT(cache.counts().bytes, kCapacity / 2) << "the texts count";
  EXPECT_EQ(cache.find(key_of("0", "c")), nullptr);
  EXPECT_NE(cache.find(key_of("49", "c")), nullptr);
  cache.insert(key_of("large", "c"), answers_of(std::string(kCapacity, 'x')));
  EXPECT_EQ(cache.find(key_of("large", "c")), nullptr);
  EXPECT_NE(cache.find(key_of("49", "c")), nullptr) << "what does not fit drives nothing out";
}

TEST(AnswerCache, WithoutRoomIsOffAndKeepsNothing) {
  AnswerCache cache(0);
  EXPECT_FALSE(cache.is_on());
  cache.insert(key_of("q", "c"), answers_of("one"));
  EXPECT_EQ(cache.find(key_of("q", "c")), nullptr);
}

TEST(AnswerCache, ForgetsAModelAndNoOther) {
  AnswerCache cache(100'000);
  for (const std::uint64_t generation : {1U, 2U}) {
    for (const char* question : {"a", "b", "c"}) {
      cache.insert(key_of(question, "c", {}, generation), answers_of(question));
    }
  }
  const std::size_t bytes = cache.counts().bytes;
  cache.forget(1);
  EXPECT_EQ(cache.counts().bytes * 2, bytes);
  EXPECT_EQ(cache.find(key_of("a", "c", {}, 1)), nullptr);
  EXPECT_NE(cache.find(key_of("a", "c", {}, 2)), nullptr);
}

TEST(AnswerCache, ManyThreadsFindTheirOwnAnswersWhileModelsAreForgotten) {
  AnswerCache cache(40'000);  // room for some of the 100 answers: they come and go
  std::atomic<int> n_wrong = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&cache, &n_wrong, t] {
        for (int i = 0; i < 1000; ++i) {
          const std::string question = std::to_string((i * 7 + t * 13) % 100);
          const AnswerKey key = key_of(question, "c", {}, static_cast<std::uint64_t>(i / 200));
          const auto found = cache.find(key);
          if (found == nullptr) {
            cache.insert(key, answers_of(question));
          } else if (found->answers.at(0).text != question) {
            ++n_wrong;
          }
          if (i % 200 == 0) cache.forget(static_cast<std::uint64_t>(i / 200));
        }
      });
    }
  }
  EXPECT_EQ(n_wrong.load(), 0);
  EXPECT_LE(cache.counts().bytes, 40'000U);
  EXPECT_EQ(cache.counts().hits + cache.counts().misses, 4000U);
}

}  // namespace
}  // namespace spanqa::serve
