// Any bytes as tokenizer.json: an error, or a tokenizer whose tokens stand within the text.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(data, data + size);
  const auto opened = spanqa::Tokenizer::from_files({.name = "fuzz", .tokenizer_json = bytes});
  if (!opened) {
    SPANQA_CHECK(!opened.error().message.empty());
  } else {
    const std::string text = "The cat [SEP] caf\u00e9 e\u0327\u0301 \u4e2d\u6587 \u0130 unbelievably <go>\t.";
    for (const auto specials : {spanqa::SpecialsInText::kText, spanqa::SpecialsInText::kMatch}) {
      for (const spanqa::ByteSpan span : (*opened)->tokenize(text, specials).spans)
        SPANQA_CHECK(span.end <= text.size());
    }
  }
  const spanqa::TokenizerFiles as_others{.name = "fuzz", .vocab_txt = bytes, .tokenizer_config_json = bytes};
  if (const auto other = spanqa::Tokenizer::from_files(as_others)) SPANQA_CHECK((*other)->specials().unk >= 0);
  const spanqa::TokenizerFiles as_config{
      .name = "fuzz", .vocab_txt = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n", .tokenizer_config_json = bytes};
  if (const auto other = spanqa::Tokenizer::from_files(as_config)) SPANQA_CHECK((*other)->vocabulary_size() >= 4);
  return 0;
}
