// Which file is believed, what is refused and how, and that damaged files are errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "base/file.h"
#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

using nlohmann::json;
using testing::source_path;

std::string fixture(const std::string& name) {
  auto text = read_file(source_path("tests/fixtures/text") / name);
  if (!text) ADD_FAILURE() << text.error().message;
  return text ? *text : std::string();
}

json fixture_json() { return json::parse(fixture("uncased/tokenizer.json")); }

Result<std::shared_ptr<const Tokenizer>> open_json(const json& root) {
  return Tokenizer::from_files({.name = "test", .tokenizer_json = root.dump()});
}

/// Opens vocab.txt under a name, with a tokenizer_config.json if that is not empty.
std::shared_ptr<const Tokenizer> open_vocab(const std::string& name, const std::string& config = "",
                                            const TokenizerOverrides& overrides = {}) {
  TokenizerFiles files{.name = name, .vocab_txt = fixture("vocab.txt")};
  if (!config.empty()) files.tokenizer_config_json = config;
  auto opened = Tokenizer::from_files(files, overrides);
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *opened : nullptr;
}

bool mentions(const std::vector<std::string>& notes, std::string_view part) {
  return std::ranges::any_of(notes, [part](const std::string& note) { return note.find(part) != std::string::npos; });
}

TEST(TokenizerOpen, FlagGoesOverConfigGoesOverJson) {
  TokenizerFiles files{.name = "test", .tokenizer_json = fixture("uncased/tokenizer.json")};
  const auto source_and_value = [&files](const TokenizerOverrides& overrides) {
    const auto opened = Tokenizer::from_files(files, overrides);
    EXPECT_TRUE(opened);
    return std::pair((*opened)->settings().lowercase_source, (*opened)->settings().lowercase);
  };
  EXPECT_EQ(source_and_value({}), std::pair(std::string("tokenizer.json"), true));
  files.tokenizer_config_json = R"({"do_lower_case": false})";
  EXPECT_EQ(source_and_value({}), std::pair(std::string("tokenizer_config.json"), false));
  EXPECT_EQ(source_and_value({.lowercase = true}), std::pair(std::string("flag"), true));
}

TEST(TokenizerOpen, AccentsFollowLowercaseUnlessSaid) {
  EXPECT_TRUE(open_vocab("bert-uncased")->settings().strip_accents);
  EXPECT_FALSE(open_vocab("bert-cased")->settings().strip_accents);
  EXPECT_FALSE(open_vocab("bert-uncased", R"({"strip_accents": false})")->settings().strip_accents);
  EXPECT_TRUE(open_vocab("bert-uncased", R"({"strip_accents": null})")->settings().strip_accents);
  EXPECT_TRUE(
      open_vocab("bert-cased", R"({"strip_accents": false})", {.strip_accents = true})->settings().strip_accents);
}

TEST(TokenizerOpen, ANullInTheConfigUndoesTheJsonsAccents) {
  TokenizerFiles files{.name = "test", .tokenizer_json = fixture("keep_accents/tokenizer.json")};
  EXPECT_FALSE((*Tokenizer::from_files(files))->settings().strip_accents);
  files.tokenizer_config_json = R"({"strip_accents": null})";
  EXPECT_TRUE((*Tokenizer::from_files(files))->settings().strip_accents);
}

TEST(TokenizerOpen, WithoutAnyWordOnItCasingIsGuessedAndSaid) {
  const auto uncased = open_vocab("models/BERT-Uncased/");
  EXPECT_TRUE(uncased->settings().lowercase);
  EXPECT_EQ(uncased->settings().lowercase_source, "guess from the name");
  EXPECT_TRUE(mentions(uncased->settings().notes, "BERT-Uncased"));
  EXPECT_FALSE(open_vocab("bert-base-cased")->settings().lowercase);
  const auto unnamed = open_vocab("biobert");  // the vocabulary has "Paris"
  EXPECT_FALSE(unnamed->settings().lowercase);
  EXPECT_EQ(unnamed->settings().lowercase_source, "guess from the vocabulary");
}

TEST(TokenizerOpen, CasingThatDoesNotSuitTheVocabularyIsNoted) {
  const auto opened = Tokenizer::from_files({.name = "x",
                                             .vocab_txt = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nThe\nCat\nthe\n",
                                             .tokenizer_config_json = R"({"do_lower_case": true})"});
  ASSERT_TRUE(opened);
  EXPECT_TRUE(mentions((*opened)->settings().notes, "is this a cased model"));
}

TEST(TokenizerOpen, CasedAndUncasedReadTheSameTextDifferently) {
  const std::string text = "Paris PARIS caf\u00e9";
  const auto tokens = [&text](const Tokenizer& tokenizer) {
    std::vector<std::string> out;
    for (const std::int32_t id : tokenizer.tokenize(text).ids) out.emplace_back(tokenizer.token(id));
    return out;
  };
  EXPECT_EQ(tokens(*open_vocab("uncased")), (std::vector<std::string>{"paris", "paris", "cafe"}));
  EXPECT_EQ(tokens(*open_vocab("cased")), (std::vector<std::string>{"Paris", "[UNK]", "c", "##a", "##f", "##é"}));
}

TEST(TokenizerOpen, ReadsLengthPaddingSideAndNamesFromTheConfig) {
  const auto tokenizer = open_vocab("uncased", R"({"model_max_length": 512, "padding_side": "left",
      "cls_token": {"content": "[MASK]", "lstrip": false}, "extra": [1, {"a": null}]})");
  EXPECT_EQ(tokenizer->settings().model_max_length, 512);
  EXPECT_FALSE(tokenizer->settings().pads_right);
  EXPECT_EQ(tokenizer->token(tokenizer->specials().cls), "[MASK]");
  const auto endless = open_vocab("uncased", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(endless->settings().model_max_length, std::nullopt);
}

TEST(TokenizerOpen, LinesOfTheVocabularyAreTheIds) {
  const auto opened =
      Tokenizer::from_files({.name = "uncased", .vocab_txt = "[PAD]\r\n[UNK]\n[CLS]\n[SEP] \u00a0\n\nthe\ncat\nthe"});
  ASSERT_TRUE(opened) << opened.error().message;
  const Tokenizer& tokenizer = **opened;
  EXPECT_EQ(tokenizer.specials().pad, 0);
  EXPECT_EQ(tokenizer.specials().sep, 3);
  EXPECT_EQ(tokenizer.specials().mask, -1);
  EXPECT_EQ(tokenizer.token(4), "");     // an empty line uses up its number
  EXPECT_EQ(tokenizer.id_of("the"), 7);  // of two equal lines the later holds
  EXPECT_EQ(tokenizer.token(5), "");
  EXPECT_EQ(tokenizer.vocabulary_size(), 8U);
  EXPECT_EQ(tokenizer.token(-1), "");
  EXPECT_EQ(tokenizer.token(8), "");
}

TEST(TokenizerOpen, AcceptsOldAndUnusualButValidFiles) {
  json root = fixture_json();
  root["model"].erase("type");
  root["truncation"] = {{"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  root["padding"] = {{"strategy", {{"Fixed", 128}}}, {"direction", "Left"}, {"pad_id", 0}};
  root["something_new"] = {{"a", {1, 2, 3}}};
  root["decoder"] = nullptr;
  root["post_processor"] = nullptr;
  const auto opened = open_json(root);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE((*opened)->settings().pads_right);
  EXPECT_TRUE(mentions((*opened)->settings().notes, "post_processor"));
  const auto encodings = (*opened)->encode("the cat sat on the mat", std::nullopt, {});
  ASSERT_TRUE(encodings);
  EXPECT_EQ(encodings->front().ids.size(), 8U);  // neither cut nor padded
}

TEST(TokenizerOpen, RefusesWhatItCannotDoAndSaysWhatItCan) {
  const auto expect_unsupported = [](const json& root, std::string_view what, std::string_view supported) {
    const auto opened = open_json(root);
    ASSERT_FALSE(opened) << what;
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported) << opened.error().message;
    EXPECT_NE(opened.error().message.find(what), std::string::npos) << opened.error().message;
    EXPECT_NE(opened.error().message.find(supported), std::string::npos) << opened.error().message;
  };
  json root = fixture_json();
  root["model"]["type"] = "BPE";
  expect_unsupported(root, "BPE", "WordPiece");
  root["model"].erase("type");
  root["model"]["merges"] = json::array();
  expect_unsupported(root, "BPE", "WordPiece");
  root = fixture_json();
  root["pre_tokenizer"] = {{"type", "Metaspace"}};
  expect_unsupported(root, "Metaspace", "BertPreTokenizer");
  root = fixture_json();
  root["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFKC"}}}}};
  expect_unsupported(root, "NFKC", "BertNormalizer");
  root["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", "b"}};
  expect_unsupported(root, "Replace", "String");
  root = fixture_json();
  root["post_processor"]["pair"].push_back(root["post_processor"]["pair"][2]);
  expect_unsupported(root, "template", "[CLS] A [SEP] B [SEP]");
  root["post_processor"] = {{"type", "ByteLevel"}};
  expect_unsupported(root, "ByteLevel", "BertProcessing");
}

TEST(TokenizerOpen, AJapaneseTokenizerIsNotMistakenForBerts) {
  const auto opened =
      Tokenizer::from_files({.name = "x",
                             .vocab_txt = fixture("vocab.txt"),
                             .tokenizer_config_json = R"({"tokenizer_class": "BertJapaneseTokenizer"})"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
}

TEST(TokenizerOpen, AFlagAgainstAFixedNormalizerIsRefused) {
  TokenizerFiles files{.name = "x", .tokenizer_json = fixture("sequence/tokenizer.json")};
  EXPECT_TRUE(Tokenizer::from_files(files, {.lowercase = true}));
  const auto opened = Tokenizer::from_files(files, {.lowercase = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  files.tokenizer_config_json = R"({"do_lower_case": false})";
  const auto with_note = Tokenizer::from_files(files);
  ASSERT_TRUE(with_note);
  EXPECT_TRUE((*with_note)->settings().lowercase);
  EXPECT_TRUE(mentions((*with_note)->settings().notes, "not followed"));
}

TEST(TokenizerOpen, MissingFilesSayWhatToDo) {
  const auto missing = Tokenizer::open(source_path("tests/fixtures/text/no-such-folder"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  const auto empty = Tokenizer::open(source_path("tests/fixtures"));
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kNotFound);
  EXPECT_NE(empty.error().message.find("neither tokenizer.json nor vocab.txt"), std::string::npos);
}

TEST(TokenizerOpen, AVocabularyWithoutAControlTokenIsRefusedByName) {
  for (const std::string missing : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
    std::string vocabulary;
    for (const std::string token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "the"}) {
      vocabulary += (token == missing ? "other" : token) + "\n";
    }
    const auto opened = Tokenizer::from_files({.name = "uncased", .vocab_txt = vocabulary});
    ASSERT_FALSE(opened) << missing;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(opened.error().message.find(missing), std::string::npos) << opened.error().message;
  }
}

TEST(TokenizerOpen, AddedTokensMustFitTheVocabulary) {
  json root = fixture_json();
  root["added_tokens"][2]["id"] = 7;
  const auto moved = open_json(root);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::kMismatch);
  root = fixture_json();
  root["added_tokens"].push_back({{"id", 7}, {"content", "brand new"}});
  const auto taken = open_json(root);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kCorrupt);
}

TEST(TokenizerOpen, ImpossibleIdsAreRefused) {
  for (const json& id : {json(-1), json(1e9), json("7"), json(1 << 24), json(nullptr)}) {
    json root = fixture_json();
    root["model"]["vocab"]["zebra"] = id;
    const auto opened = open_json(root);
    ASSERT_FALSE(opened) << id;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << id;
  }
}

TEST(TokenizerOpen, EveryCutOfTheFilesIsAnError) {
  const std::string whole = fixture("uncased/tokenizer.json");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto opened = Tokenizer::from_files({.name = "x", .tokenizer_json = whole.substr(0, n)});
    ASSERT_FALSE(opened) << n;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  }
  const std::string config = R"({"do_lower_case": true, "model_max_length": 512, "cls_token": "[CLS]"})";
  for (std::size_t n = 0; n < config.size(); ++n) {
    EXPECT_FALSE(Tokenizer::from_files(
        {.name = "x", .vocab_txt = fixture("vocab.txt"), .tokenizer_config_json = config.substr(0, n)}));
  }
}

TEST(TokenizerOpen, FlippedBitsAreAnErrorOrAnotherTokenizerThatWorks) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string whole = fixture("added/tokenizer.json");
  int n_opened = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string damaged = whole;
    damaged[random() % damaged.size()] ^= static_cast<char>(1U << (random() % 8));
    const auto opened = Tokenizer::from_files({.name = "x", .tokenizer_json = damaged});
    if (!opened) {
      EXPECT_FALSE(opened.error().message.empty());
      continue;
    }
    ++n_opened;
    const std::string text = "The cat <go> sat caf\u00e9 [SEP] new york";
    const TokenizedText tokens = (*opened)->tokenize(text, SpecialsInText::kMatch);
    for (const ByteSpan& span : tokens.spans) EXPECT_LE(span.end, text.size());
  }
  EXPECT_GT(n_opened, 0);  // many bits only rename an entry
}

}  // namespace
}  // namespace spanqa
