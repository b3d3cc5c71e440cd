// Any bytes as text: both ways to the tokens agree, places ascend within the text, windows cover all tokens.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "text/tokenizer.h"

namespace {

using spanqa::Tokenizer;

std::shared_ptr<const Tokenizer> open_small(bool lowercase) {
  std::string vocabulary =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nThe\n##s\n##ing\n\u4e2d\n##\u4e2d\n\u00e9\n##\u00e9\n";
  for (char c = '!'; c <= '~'; ++c) vocabulary += std::string(1, c) + "\n##" + c + "\n";
  auto opened = Tokenizer::from_files({.name = "fuzz", .vocab_txt = vocabulary}, {.lowercase = lowercase});
  SPANQA_CHECK(opened.has_value());
  return *opened;
}

void check(const Tokenizer& tokenizer, std::string_view text, spanqa::SpecialsInText specials) {
  const spanqa::TokenizedText tokens = tokenizer.tokenize(text, specials);
  const spanqa::TokenizedText plain = tokenizer.tokenize_ref(text, specials);
  SPANQA_CHECK(tokens.ids == plain.ids && tokens.spans == plain.spans && tokens.words == plain.words);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    SPANQA_CHECK(tokens.spans[i].begin < tokens.spans[i].end && tokens.spans[i].end <= text.size());
    SPANQA_CHECK(i == 0 || tokens.spans[i - 1].end <= tokens.spans[i].end);
    SPANQA_CHECK(!tokenizer.token(tokens.ids[i]).empty());
  }
  const auto windows = tokenizer.encode(
      "the", text,
      {.truncation = spanqa::Truncation::kOnlySecond, .max_length = 12, .stride = 3, .specials_in_text = specials});
  SPANQA_CHECK(windows.has_value());
  std::size_t n_context = 0;
  for (const spanqa::Encoding& window : *windows) n_context += window.ids.size() - 4;
  SPANQA_CHECK(n_context == tokens.size() + 3 * (windows->size() - 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const Tokenizer> uncased = open_small(true);
  static const std::shared_ptr<const Tokenizer> cased = open_small(false);
  const std::string text(data, data + size);
  check(*uncased, text, spanqa::SpecialsInText::kText);
  check(*cased, text, spanqa::SpecialsInText::kMatch);
  return 0;
}
