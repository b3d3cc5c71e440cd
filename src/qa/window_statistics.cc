#include "qa/window_statistics.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace spanqa {
namespace {

constexpr std::size_t kLengthStep = 32;

std::size_t count_unknown(const TokenizedText& tokens, std::int32_t unknown) {
  return static_cast<std::size_t>(std::count(tokens.ids.begin(), tokens.ids.end(), unknown));
}

}  // namespace

std::optional<ByteSpan> answer_span(const GoldAnswer& gold, const TextIndex& index) {
  if (gold.start < 0) return std::nullopt;
  const std::size_t begin = static_cast<std::size_t>(gold.start);
  const std::size_t end = begin + count_code_points(gold.text);
  if (end > index.end().code_point) return std::nullopt;
  return ByteSpan{static_cast<std::uint32_t>(index.at_code_point(begin).byte),
                  static_cast<std::uint32_t>(index.at_code_point(end).byte)};
}

std::optional<ByteSpan> first_answer_span(const Example& example) {
  if (example.answers.empty()) return std::nullopt;
  return answer_span(example.answers.front(), TextIndex(*example.context));
}

WindowStatistics::WindowStatistics(const Tokenizer& tokenizer, const WindowOptions& options)
    : tokenizer_(&tokenizer), options_(options) {}

Status WindowStatistics::add(const Example& example) {
  const TokenizedText question = tokenizer_->tokenize(example.question);
  if (context_ != example.context) {
    context_tokens_ = tokenizer_->tokenize(*example.context);
    context_ = example.context;
  }
  SPANQA_ASSIGN(const WindowPlan plan, plan_windows(question.size(), context_tokens_.size(), options_));
  ++n_examples;
  n_windows += plan.windows.size();
  n_text_tokens += question.size() + context_tokens_.size();
  n_unknown += count_unknown(question, tokenizer_->specials().unk);
  n_unknown += count_unknown(context_tokens_, tokenizer_->specials().unk);
  longest_question = std::max(longest_question, question.size());
  ++by_window_count[std::min(plan.windows.size(), by_window_count.size()) - 1];
  const std::optional<ByteSpan> answer = first_answer_span(example);
  bool found = false;
  for (const Window& window : plan.windows) {
    const std::size_t length = plan.n_tokens(window);
    n_tokens += length;
    ++by_window_length[std::min(length / kLengthStep, by_window_length.size() - 1)];
    if (answer && label_window(plan, window, context_tokens_, *answer).start != 0) {
      ++n_answerable_windows;
      found = true;
    }
  }
  if (answer && !found) beyond_windows.push_back(example.where);
  return {};
}

}  // namespace spanqa
