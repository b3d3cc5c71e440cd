#include "train/training_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "shared_data.h"

namespace spanqa {
namespace {

/// Ids: 5 "who", 6 "?", 7 "a", 8 "b", 9 "é", 10 "c".
std::shared_ptr<const Tokenizer> small_tokenizer() {
  return Tokenizer::from_files(
             {.name = "uncased", .vocab_txt = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwho\n?\na\nb\né\nc\n"},
             {.lowercase = true, .strip_accents = false})
      .value();
}

Example example_of(const std::string& question, const std::string& context, std::vector<GoldAnswer> answers) {
  Example example;
  example.question = question;
  example.context = std::make_shared<const std::string>(context);
  example.answers = std::move(answers);
  example.has_answers_field = true;
  example.where = "made.json: question " + question;
  return example;
}

TrainingSet make_set(const std::vector<Example>& examples, const TrainingSetOptions& options = {}) {
  return TrainingSet::from_examples(examples, *small_tokenizer(), options).value();
}

TEST(TrainingSet, LaysOutWindowsWithLabelsCountedInCodePoints) {
  const TrainingSet set = make_set({example_of(" who ? ", "é a b c", {{"b", 4}, {"a", 2}})});
  ASSERT_EQ(set.n_windows(), 1U);
  PackedBatch batch;
  std::vector<WindowLabels> labels;
  set.append(0, batch, labels);
  set.append(0, batch, labels);
  const std::vector<std::int32_t> window = {2, 5, 6, 3, 9, 7, 8, 10, 3};
  EXPECT_EQ(std::vector<std::int32_t>(batch.ids.begin(), batch.ids.begin() + 9), window);
  EXPECT_EQ(batch.offsets, (std::vector<std::uint32_t>{0, 9, 18}));
  EXPECT_EQ(labels, (std::vector<WindowLabels>{{6, 6}, {6, 6}})) << "of the first gold, from the window's first token";
  EXPECT_EQ(set.n_tokens(0), 9U);
  EXPECT_EQ(set.weight(0), 1.0F);
}

TEST(TrainingSet, WindowsWithoutTheAnswerPointAtTheFirstToken) {
  const TrainingSet set =
      make_set({example_of("who", "a a b b c c", {{"c c", 8}})}, {.windows = {.max_length = 6, .overlap = 0}});
  ASSERT_EQ(set.n_windows(), 3U);
  EXPECT_EQ(set.labels(0), WindowLabels{});
  EXPECT_EQ(set.labels(1), WindowLabels{});
  EXPECT_EQ(set.labels(2), (WindowLabels{3, 4}));
  EXPECT_EQ(set.counts().n_answer_windows, 1U);
  EXPECT_EQ(set.counts().n_tokens, 18U);
  EXPECT_EQ(set.question(2), 0U);
}

TEST(TrainingSet, LastTokenBugIsAChoice) {
  const std::vector<Example> examples = {example_of("who", "a b", {{"b", 2}})};
  EXPECT_EQ(make_set(examples).labels(0), (WindowLabels{4, 4}));
  EXPECT_EQ(make_set(examples, {.last_token_bug = true}).labels(0), (WindowLabels{5, 4}));
}

TEST(TrainingSet, GoldsThatDoNotStandAtTheirPlaceAreCountedAndNamed) {
  const TrainingSet set = make_set({
      example_of("who 1", "a b", {{"b", 1}}),
      example_of("who 2", "a b", {{"b", -1}}),
      example_of("who 3", "a b", {{"b", 3}}),
      example_of("who 4", "a b", {{"b c", 2}}),
      example_of("who 5", "a b", {{"", 0}}),
      example_of("who 6", "a b", {{"b", std::numeric_limits<std::int64_t>::max()}}),
      example_of("who 7", "a b", {{"b", 2}}),
  });
  EXPECT_EQ(set.n_questions(), 1U);
  EXPECT_EQ(set.counts().misplaced.n, 6U);
  ASSERT_EQ(set.counts().misplaced.first.size(), 5U);
  EXPECT_EQ(set.counts().misplaced.first[0], "made.json: question who 1");
  EXPECT_EQ(set.counts().n_skipped(), 6U);
}

TEST(TrainingSet, UnanswerableQuestionsNeedVersionTwo) {
  Example without_golds = example_of("who b", "a b", {});
  without_golds.has_answers_field = false;
  const std::vector<Example> examples = {example_of("who a", "a b", {}), without_golds,
                                         example_of("who c", "a b", {{"a", 0}})};
  const TrainingSet first = make_set(examples);
  EXPECT_EQ(first.n_questions(), 1U);
  EXPECT_EQ(first.counts().unanswerable.n, 1U);
  EXPECT_EQ(first.counts().without_golds.n, 1U);
  const TrainingSet second = make_set(examples, {.squad_v2 = true});
  EXPECT_EQ(second.n_questions(), 2U);
  EXPECT_EQ(second.counts().n_unanswerable, 1U);
  EXPECT_EQ(second.counts().without_golds.n, 1U) << "nobody said that it has no answer";
  EXPECT_EQ(second.labels(0), WindowLabels{});
  EXPECT_EQ(second.counts().n_contexts, 1U) << "equal contexts are one, wherever their strings lie";
}

TEST(TrainingSet, LongQuestionsAreSkippedUnlessTruncated) {
  const std::vector<Example> examples = {example_of("who who who who who", "a b", {{"a", 0}}),
                                         example_of("who", "a b", {{"a", 0}})};
  WindowOptions windows{.max_length = 8, .overlap = 0, .max_question_length = 2};
  EXPECT_EQ(make_set(examples, {.windows = windows}).counts().long_questions.n, 1U);
  windows.long_question = LongQuestion::kTruncate;
  const TrainingSet set = make_set(examples, {.windows = windows});
  EXPECT_EQ(set.n_questions(), 2U);
  EXPECT_EQ(set.n_tokens(0), 7U);
}

TEST(TrainingSet, WindowsWithoutRoomAreAnError) {
  const auto set = TrainingSet::from_examples({}, *small_tokenizer(), {.windows = {.max_length = 10, .overlap = 6}});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kInvalidArgument);
}

TEST(TrainingSet, DoesNotDependOnTheThreads) {
  std::vector<Example> examples;
  for (int i = 0; i < 500; ++i) {
    const std::string context = std::string(static_cast<std::size_t>(i % 7), 'a') + " b c";
    examples.push_back(example_of("who", context, {{"c", static_cast<std::int64_t>(context.size()) - 1}}));
  }
  const TrainingSet one = make_set(examples);
  const TrainingSet four = make_set(examples, {.n_threads = 4});
  ASSERT_EQ(one.n_windows(), four.n_windows());
  PackedBatch batch;
  PackedBatch other;
  std::vector<WindowLabels> labels;
  std::vector<WindowLabels> other_labels;
  for (std::size_t i = 0; i < one.n_windows(); ++i) {
    one.append(i, batch, labels);
    four.append(i, other, other_labels);
  }
  EXPECT_EQ(batch.ids, other.ids);
  EXPECT_EQ(labels, other_labels);
}

/// Files in a folder that goes away with the object.
class TrainingSetFiles : public ::testing::Test {
 protected:
  TrainingSetFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-training-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~TrainingSetFiles() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static Result<TrainingSet> load(const std::vector<TrainingFile>& files) {
    TrainOptions options;
    options.train = files;
    return TrainingSet::load(options, *small_tokenizer(), {}, 1);
  }

  std::filesystem::path folder_;
};

TEST_F(TrainingSetFiles, FilesHaveWeightsAndLimits) {
  const std::string row = R"({"question": "who", "context": "a b", "answers": {"text": ["b"], "answer_start": [2]}})";
  const auto one = write("one.jsonl", row + "\n" + row + "\n" + row + "\n");
  const auto two = write("two.jsonl", row + "\n");
  const auto set = load({{.path = one, .limit = 2}, {.path = two, .weight = 0.25}});
  ASSERT_TRUE(set) << set.error().message;
  ASSERT_EQ(set->n_windows(), 3U);
  EXPECT_EQ(set->weight(1), 1.0F);
  EXPECT_EQ(set->weight(2), 0.25F);
}

TEST_F(TrainingSetFiles, FaultsOfFilesAreErrors) {
  EXPECT_EQ(load({{.path = folder_ / "none.json"}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load({{.path = write("cut.json", R"({"data": [)")}}).error().code, ErrorCode::kCorrupt);
  const auto nothing = write("nothing.jsonl", R"({"question": "who", "context": "a b", "answers": []})");
  const auto set = load({{.path = nothing}});
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().message.find("1 without an answer"), std::string::npos) << set.error().message;
}

TEST(TrainingSetSpeed, PreparesATrainingFileInAMoment) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/train-articles.json");
  const auto tokenizer = Tokenizer::open(testing::shared_path("models/minilm-squad")).value();
  TrainOptions options;
  options.train = {{.path = testing::shared_path("data/squad-v1.1/train-articles.json")}};
  const auto set = TrainingSet::load(options, *tokenizer, {}, 1);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->n_questions(), 14348U);
  EXPECT_EQ(set->counts().n_skipped(), 0U);
  RecordProperty("seconds_tokenising", std::to_string(set->counts().seconds_tokenising));
  // The bar is 0.4 s; sanitizers, debug builds and busy machines get ten times that.
  EXPECT_LT(set->counts().seconds_tokenising, 4.0);
}

}  // namespace
}  // namespace spanqa
