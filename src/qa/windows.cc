#include "qa/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr std::size_t kSpecials = 3;  // [CLS], and a [SEP] after either text

Status check_room(const WindowPlan& plan, std::size_t n_context, const WindowOptions& options) {
  const std::size_t taken = plan.n_question + kSpecials;
  if (taken > options.max_length || (taken == options.max_length && n_context > 0)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the question has {} tokens and fills the window: of max_length {} tokens, {} special ones "
                            "included, none is left for the context; shorten or truncate the question, or raise "
                            "max_length",
                            plan.n_question, options.max_length, kSpecials));
  }
  const std::size_t room = options.max_length - taken;
  if (n_context > room && options.overlap >= room) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the overlap of {} tokens must be smaller than the {} tokens a window has for the context "
                    "(max_length {} less {} of the question and {} special ones); lower the overlap (doc_stride) "
                    "or raise max_length",
                    options.overlap, room, options.max_length, plan.n_question, kSpecials));
  }
  return {};
}

/// LongQuestion::kFit: lowers the question's tokens, then the overlap, until windows fit.
void fit(std::size_t& n_question, std::size_t& overlap, std::size_t n_context, std::size_t max_length) {
  if (max_length <= kSpecials) return;
  const std::size_t usable = max_length - kSpecials;
  if (n_question + n_context <= usable || n_question + overlap < usable) return;
  const std::size_t beside_overlap = usable > overlap ? usable - overlap - 1 : 0;
  n_question = std::min(n_question, std::max(usable / 2, beside_overlap));
  const std::size_t room = usable - n_question;
  if (overlap >= room) overlap = room / 2;
}

}  // namespace

WindowOptions fit_windows(const WindowOptions& options, const ModelConfig& config, const Tokenizer& tokenizer) {
  WindowOptions windows = options;
  windows.max_length = std::min(windows.max_length, static_cast<std::size_t>(config.max_positions));
  if (const auto limit = tokenizer.settings().model_max_length; limit && *limit > 0) {
    windows.max_length = std::min(windows.max_length, static_cast<std::size_t>(*limit));
  }
  if (windows.max_length < options.max_length) windows.overlap = std::min(windows.overlap, windows.max_length / 2);
  return windows;
}

Result<WindowPlan> plan_windows(std::size_t n_question, std::size_t n_context, const WindowOptions& asked) {
  SPANQA_CHECK(n_context < std::numeric_limits<std::uint32_t>::max());
  WindowOptions options = asked;
  WindowPlan plan;
  plan.n_question = n_question;
  if (options.long_question != LongQuestion::kError) {
    plan.n_question = std::min(n_question, options.max_question_length);
  }
  if (options.long_question == LongQuestion::kFit) {
    fit(plan.n_question, options.overlap, n_context, options.max_length);
  }
  plan.question_truncated = plan.n_question < n_question;
  SPANQA_TRY(check_room(plan, n_context, options));
  const std::size_t room = options.max_length - plan.n_question - kSpecials;
  for (std::size_t begin = 0;; begin += room - options.overlap) {
    const std::size_t end = std::min(begin + room, n_context);
    plan.windows.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    if (end == n_context) return plan;
  }
}

void append_window(const WindowPlan& plan, const Window& window, const TokenizedText& question,
                   const TokenizedText& context, const SpecialIds& specials, PackedBatch& batch) {
  SPANQA_CHECK(plan.n_question <= question.size());
  SPANQA_CHECK(window.context_begin <= window.context_end && window.context_end <= context.size());
  const auto slice = [&batch](const std::vector<std::int32_t>& ids, std::size_t begin, std::size_t end) {
    batch.ids.insert(batch.ids.end(), ids.data() + begin, ids.data() + end);
  };
  batch.ids.push_back(specials.cls);
  slice(question.ids, 0, plan.n_question);
  batch.ids.push_back(specials.sep);
  slice(context.ids, window.context_begin, window.context_end);
  batch.ids.push_back(specials.sep);
  batch.type_ids.insert(batch.type_ids.end(), plan.context_position(), std::uint8_t{0});
  batch.type_ids.insert(batch.type_ids.end(), window.n_context() + 1, std::uint8_t{1});
  batch.offsets.push_back(static_cast<std::uint32_t>(batch.ids.size()));
}

WindowLabels label_window(const WindowPlan& plan, const Window& window, const TokenizedText& context, ByteSpan answer,
                          bool last_token_bug) {
  SPANQA_CHECK(window.context_begin <= window.context_end && window.context_end <= context.size());
  if (window.n_context() == 0 || answer.begin >= answer.end) return {};
  const auto first = context.spans.begin() + window.context_begin;
  const auto last = context.spans.begin() + window.context_end;
  if (first->begin > answer.begin || (last - 1)->end < answer.end) return {};
  // Begins and ends both ascend over the tokens of a text, so the reference's two scans are binary searches.
  const auto after_start = std::upper_bound(first, last, answer.begin,
                                            [](std::uint32_t at, const ByteSpan& span) { return at < span.begin; });
  const auto end_token =
      std::lower_bound(first, last, answer.end, [](const ByteSpan& span, std::uint32_t at) { return span.end < at; });
  const auto position = [&](auto token) {
    return static_cast<std::uint32_t>(plan.context_position() + static_cast<std::size_t>(token - first));
  };
  // run_qa's scan runs on over the final [SEP], whose offset (0, 0) lies before every answer.
  const bool overruns = last_token_bug && after_start == last;
  return {.start = position(after_start) - (overruns ? 0U : 1U), .end = position(end_token)};
}

Status check_pipeline_windows(const WindowOptions& options) {
  if (options.overlap <= options.max_length) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("`doc_stride` ({}) is larger than `max_seq_len` ({})", options.overlap, options.max_length));
}

}  // namespace spanqa
