// The tokenizer alone: ids, and where each token stands in bytes, code points and UTF-16 units.
//
//   03_tokens "text"
#include <fmt/format.h>

#include "base/utf8.h"
#include "qa/default_model.h"
#include "text/tokenizer.h"

namespace {

spanqa::Status run(std::string_view text) {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto tokenizer, spanqa::Tokenizer::open(folder));
  const spanqa::TokenizedText tokens = tokenizer->tokenize(text);
  const spanqa::TextIndex index(text);
  fmt::print("{:<14}{:>7}{:>8}{:>13}{:>8}\n", "token", "id", "bytes", "code points", "UTF-16");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const spanqa::TextPosition at = index.at_byte(tokens.spans[i].begin);
    fmt::print("{:<14}{:>7}{:>8}{:>13}{:>8}\n", tokenizer->token(tokens.ids[i]), tokens.ids[i], at.byte, at.code_point,
               at.utf16);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (const auto done = run(argv[1]); !done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
}
