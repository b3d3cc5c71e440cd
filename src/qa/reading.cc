#include "qa/reading.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"

namespace spanqa {
namespace {

/// The three decoders behind one pair of calls.
class AnyDecoder {
 public:
  AnyDecoder(const DecoderOptions& options, std::string_view context, const TokenizedText& tokens,
             const SpecialIds& specials)
      : decoder_(make(options, context, tokens, specials)) {}

  void add(const WindowLogits& window) {
    std::visit([&](auto& decoder) { decoder.add(window); }, decoder_);
  }

  void finish(const DecoderOptions& options, Answers& out) {
    Decoded decoded;
    if (auto* run_qa = std::get_if<RunQaDecoder>(&decoder_)) {
      out.run_qa = run_qa->finish();
      decoded = to_decoded(out.run_qa, std::get<RunQaOptions>(options));
    } else if (auto* pipeline = std::get_if<PipelineDecoder>(&decoder_)) {
      decoded = pipeline->finish();
    } else {
      decoded = std::get<GlobalDecoder>(decoder_).finish();
    }
    out.answers = std::move(decoded.answers);
    out.no_answer_score = decoded.no_answer_score;
  }

 private:
  using Variant = std::variant<PipelineDecoder, RunQaDecoder, GlobalDecoder>;
  static Variant make(const DecoderOptions& options, std::string_view context, const TokenizedText& tokens,
                      const SpecialIds& specials) {
    if (const auto* pipeline = std::get_if<PipelineOptions>(&options)) {
      return PipelineDecoder(context, tokens, specials, *pipeline);
    }
    if (const auto* run_qa = std::get_if<RunQaOptions>(&options)) return RunQaDecoder(context, tokens, *run_qa);
    return GlobalDecoder(context, tokens, std::get<GlobalOptions>(options));
  }

  Variant decoder_;
};

struct EarlyLogits {
  std::vector<float> start;
  std::vector<float> end;
};

Status check_question(const Question& question) {
  // The reference's own words; only "" is refused, blanks pass.
  if (question.question.empty()) return fail(ErrorCode::kInvalidArgument, "`question` cannot be empty");
  if (question.context.empty()) return fail(ErrorCode::kInvalidArgument, "`context` cannot be empty");
  if (question.context.size() > UINT32_MAX || question.question.size() > UINT32_MAX) {
    return fail(ErrorCode::kInvalidArgument, "texts of 4 GiB or more cannot be read: split the document");
  }
  return {};
}

}  // namespace

struct Reading::Impl {
  DecoderOptions options;
  SpecialIds specials;
  TokenizedText question;
  std::shared_ptr<const TokenizedText> context;
  WindowPlan plan;
  std::size_t n_tokens = 0;
  std::optional<AnyDecoder> decoder;
  std::size_t n_read = 0;                    // windows the decoder has seen
  std::map<std::size_t, EarlyLogits> early;  // by window, all beyond n_read
};

Result<Reading> Reading::start(const Reader& reader, const Question& question, const AskOptions& options,
                               std::shared_ptr<const TokenizedText> context) {
  auto impl = std::make_unique<Impl>();
  impl->options = options.decoder;
  if (auto* global = std::get_if<GlobalOptions>(&impl->options); global != nullptr && !global->temperature) {
    global->temperature = reader.settings().temperature;
  }
  SPANQA_TRY(check_ask(options));
  SPANQA_TRY(check_question(question));
  impl->specials = reader.tokenizer().specials();
  impl->question = reader.tokenizer().tokenize(question.question, options.specials_in_text);
  impl->context =
      context != nullptr ? std::move(context) : reader.tokenize_context(question.context, options.specials_in_text);
  SPANQA_ASSIGN(impl->plan,
                plan_windows(impl->question.size(), impl->context->size(), reader.effective(options.windows)));
  impl->decoder.emplace(impl->options, question.context, *impl->context, impl->specials);
  for (const Window& window : impl->plan.windows) impl->n_tokens += impl->plan.n_tokens(window);
  return Reading(std::move(impl));
}

Reading::Reading(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reading::~Reading() = default;
Reading::Reading(Reading&&) noexcept = default;
Reading& Reading::operator=(Reading&&) noexcept = default;

const WindowPlan& Reading::plan() const { return impl_->plan; }
const std::shared_ptr<const TokenizedText>& Reading::context() const { return impl_->context; }
std::size_t Reading::n_windows() const { return impl_->plan.windows.size(); }
std::size_t Reading::n_tokens(std::size_t window) const { return impl_->plan.n_tokens(impl_->plan.windows[window]); }
std::size_t Reading::n_tokens() const { return impl_->n_tokens; }
std::size_t Reading::n_read() const { return impl_->n_read; }

void Reading::append(std::size_t window, PackedBatch& batch) const {
  append_window(impl_->plan, impl_->plan.windows[window], impl_->question, *impl_->context, impl_->specials, batch);
}

WindowLogits Reading::logits(std::size_t window, const float* start, const float* end) const {
  const Window& place = impl_->plan.windows[window];
  return {.start = start,
          .end = end,
          .n_tokens = impl_->plan.n_tokens(place),
          .context_position = impl_->plan.context_position(),
          .context_begin = place.context_begin,
          .n_context = place.n_context()};
}

void Reading::take(std::size_t window, const float* start, const float* end) {
  Impl& impl = *impl_;
  SPANQA_CHECK(window >= impl.n_read && window < n_windows() && !impl.early.contains(window));
  if (window > impl.n_read) {
    const std::size_t n = n_tokens(window);
    impl.early[window] = {.start = {start, start + n}, .end = {end, end + n}};
    return;
  }
  impl.decoder->add(logits(window, start, end));
  ++impl.n_read;
  for (auto next = impl.early.begin(); next != impl.early.end() && next->first == impl.n_read;
       next = impl.early.erase(next)) {
    impl.decoder->add(logits(next->first, next->second.start.data(), next->second.end.data()));
    ++impl.n_read;
  }
}

std::optional<Answer> Reading::best() const {
  if (impl_->n_read == 0) return std::nullopt;
  AnyDecoder decoder = *impl_->decoder;
  Answers answers;
  decoder.finish(impl_->options, answers);
  const auto best = std::find_if(answers.answers.begin(), answers.answers.end(),
                                 [](const Answer& answer) { return !answer.is_no_answer; });
  if (best == answers.answers.end()) return std::nullopt;
  return std::move(*best);
}

Answers Reading::finish() {
  SPANQA_CHECK(impl_->n_read == n_windows());
  Answers answers;
  answers.n_windows = n_windows();
  answers.n_tokens = impl_->n_tokens;
  answers.question_truncated = impl_->plan.question_truncated;
  impl_->decoder->finish(impl_->options, answers);
  return answers;
}

}  // namespace spanqa
