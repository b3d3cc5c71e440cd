#include "cli/self_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace spanqa::cli {
namespace {

SelfCheck passed(std::string name, std::string detail) { return {std::move(name), std::move(detail), true}; }
SelfCheck failed(std::string name, std::string detail) { return {std::move(name), std::move(detail), false}; }

/// Tokens lie in order, within the text and on borders of code points, and the three counts lead to the same place.
SelfCheck check_places(const TextIndex& index, const TokenizedText& tokens) {
  const std::string name = "tokens stand where they say";
  std::uint32_t last_begin = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const ByteSpan span = tokens.spans[t];
    if (span.begin > span.end || span.end > index.text().size() || span.begin < last_begin) {
      return failed(name, fmt::format("token {} spans bytes {} to {}", t, span.begin, span.end));
    }
    for (const std::uint32_t byte : {span.begin, span.end}) {
      if (index.at_code_point(index.at_byte(byte).code_point).byte != byte) {
        return failed(name, fmt::format("token {}: byte {} is no border of a character", t, byte));
      }
    }
    last_begin = span.begin;
  }
  return passed(name, fmt::format("{} tokens over {} characters", tokens.size(), index.end().code_point));
}

/// Every context token is in a window, and neighbours share exactly the overlap asked for.
SelfCheck check_windows(const TokenizedText& tokens) {
  const std::string name = "windows cover the text";
  constexpr std::array<WindowOptions, 4> kSizes = {{{.max_length = 384, .overlap = 128},
                                                    {.max_length = 64, .overlap = 16},
                                                    {.max_length = 16, .overlap = 5},
                                                    {.max_length = 9, .overlap = 0}}};
  std::size_t n_windows = 0;
  for (const WindowOptions& options : kSizes) {
    const auto plan = plan_windows(3, tokens.size(), options);
    if (!plan) return failed(name, plan.error().message);
    std::size_t reached = 0;
    for (std::size_t w = 0; w < plan->windows.size(); ++w) {
      const Window& window = plan->windows[w];
      const std::size_t expected = w == 0 ? 0 : reached - options.overlap;
      if (window.context_begin != expected || plan->n_tokens(window) > options.max_length) {
        return failed(name, fmt::format("window {} of {} tokens begins at token {}, not {}", w, options.max_length,
                                        window.context_begin, expected));
      }
      reached = window.context_end;
    }
    if (reached != tokens.size()) {
      return failed(name,
                    fmt::format("windows of {} end at token {} of {}", options.max_length, reached, tokens.size()));
    }
    n_windows += plan->windows.size();
  }
  return passed(name, fmt::format("{} windows of 4 sizes", n_windows));
}

/// The context between an answer's borders is the answer, counted in bytes and in code points.
SelfCheck check_answers(const Reader& reader, const TextIndex& index, AskOptions options) {
  const std::string name = "slices are the answers";
  options.decoder = GlobalOptions{.top_k = 5};
  const auto answers = reader.ask("What is said here?", index.text(), options);
  if (!answers) return failed(name, answers.error().message);
  for (const Answer& answer : answers->answers) {
    const std::size_t begin = index.at_code_point(index.at_byte(answer.span.begin).code_point).byte;
    const std::size_t end = index.at_code_point(index.at_byte(answer.span.end).code_point).byte;
    if (end < begin || index.text().substr(begin, end - begin) != answer.text) {
      return failed(name, fmt::format("'{}' is not what stands at bytes {} to {}", answer.text, begin, end));
    }
  }
  return passed(name, fmt::format("{} answers from {} windows", answers->answers.size(), answers->n_windows));
}

}  // namespace

std::vector<SelfCheck> self_check(const Reader& reader, std::string_view text, const AskOptions& options) {
  const TextIndex index(text);
  const auto tokens = reader.tokenize_context(text, options.specials_in_text);
  return {check_places(index, *tokens), check_windows(*tokens), check_answers(reader, index, options)};
}

std::string_view self_check_text() {
  return "The Zürich café, spelt cafe\u0301 by some, sold 1,500 cups on 3 May 2019.\n"
         "\u5317\u4eac and \u6771\u4eac were on the menu \u2615\U0001F600, and so was \u05e9\u05dc\u05d5\u05dd.\n"
         "A literal [SEP] in a text is five characters. Antidisestablishmentarianism is one word of many pieces.\n";
}

}  // namespace spanqa::cli
