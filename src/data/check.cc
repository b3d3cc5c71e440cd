#include "data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "data/internal/text_measure.h"

namespace spanqa {
namespace {

constexpr std::size_t kShownCodePoints = 60;

/// Where a text stands in a context.
struct Occurrences {
  std::size_t n = 0;
  std::size_t nearest = 0;  // code point; to `start`, the earlier of two at equal distance
};

Occurrences find_occurrences(const TextIndex& context, std::string_view text, std::int64_t start) {
  Occurrences found;
  std::int64_t best_distance = 0;
  for (std::size_t at = context.text().find(text); at != std::string_view::npos;
       at = context.text().find(text, at + 1)) {
    const std::size_t place = context.at_byte(at).code_point;
    const auto signed_place = static_cast<std::int64_t>(place);
    // A start may be any 64-bit number: it is clamped before it is subtracted from.
    const std::int64_t from = std::clamp<std::int64_t>(start, 0, static_cast<std::int64_t>(context.end().code_point));
    const std::int64_t distance = signed_place > from ? signed_place - from : from - signed_place;
    if (found.n++ == 0 || distance < best_distance) {
      best_distance = distance;
      found.nearest = place;
    }
  }
  return found;
}

/// A text for messages, cut short.
std::string quoted(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  const TextIndex index(valid);
  const std::size_t end = index.at_code_point(kShownCodePoints).byte;
  return fmt::format("\"{}{}\"", std::string_view(valid).substr(0, end), end < valid.size() ? "…" : "");
}

std::uint64_t key_of_golds(const Example& example) {
  std::uint64_t key = example.has_answers_field ? 1 : 0;
  for (const GoldAnswer& answer : example.answers) {
    key = text_key(answer.text, key) + static_cast<std::uint64_t>(answer.start);
  }
  return key;
}

constexpr const char* kNames[] = {
    "misaligned",    "start_out_of_range", "negative_start",        "missing_start", "answer_blanks",
    "empty_answer",  "duplicate_id",       "duplicate_question",    "empty_id",      "empty_question",
    "empty_context", "ill_formed_utf8",    "contradicts_impossible"};

}  // namespace

const char* finding_kind_name(FindingKind kind) {
  static_assert(std::size(kNames) == kFindingKinds);
  const auto i = static_cast<std::size_t>(kind);
  SPANQA_CHECK(i < kFindingKinds);
  return kNames[i];
}

std::size_t ExampleChecker::n_findings() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
}

void ExampleChecker::report(Diagnosis& diagnosis, FindingKind kind, const Example& example, std::string message,
                            bool fixed) {
  ++counts_[static_cast<std::size_t>(kind)];
  fixed_[static_cast<std::size_t>(kind)] += fixed ? 1U : 0U;
  diagnosis.findings.push_back({kind, example.where, std::move(message), fixed});
}

void ExampleChecker::set_context(const std::shared_ptr<const std::string>& context) {
  if (context == context_) return;
  context_ = context;
  index_.emplace(std::string_view(*context_));
  context_key_ = text_key(*context_);
  context_ill_formed_ = find_ill_formed_utf8(*context_);
}

Diagnosis ExampleChecker::check(Example& example) {
  SPANQA_CHECK(example.context != nullptr);
  ++n_examples_;
  Diagnosis diagnosis;
  set_context(example.context);
  check_texts(example, diagnosis);
  check_answers(example, diagnosis);
  check_copies(example, diagnosis);
  n_dropped_ += diagnosis.drop ? 1U : 0U;
  return diagnosis;
}

void ExampleChecker::check_texts(const Example& example, Diagnosis& diagnosis) {
  const struct {
    const char* name;
    std::string_view text;
    FindingKind empty;
    std::size_t ill_formed;
  } fields[] = {
      {"id", example.id, FindingKind::kEmptyId, find_ill_formed_utf8(example.id)},
      {"question", example.question, FindingKind::kEmptyQuestion, find_ill_formed_utf8(example.question)},
      {"context", *example.context, FindingKind::kEmptyContext, context_ill_formed_},
  };
  for (const auto& field : fields) {
    if (is_blank_text(field.text)) report(diagnosis, field.empty, example, fmt::format("{} is empty", field.name));
    if (field.ill_formed == field.text.size()) continue;
    report(diagnosis, FindingKind::kIllFormedUtf8, example,
           fmt::format("{}: byte {} is not UTF-8", field.name, field.ill_formed + 1));
  }
  if (example.is_impossible == true && !example.answers.empty()) {
    report(diagnosis, FindingKind::kContradictsImpossible, example,
           fmt::format("is_impossible is true, but there are {} answers", example.answers.size()));
  }
  if (example.is_impossible == false && example.has_answers_field && example.answers.empty()) {
    report(diagnosis, FindingKind::kContradictsImpossible, example, "is_impossible is false, but there is no answer");
  }
}

void ExampleChecker::check_answers(Example& example, Diagnosis& diagnosis) {
  for (std::size_t i = 0; i < example.answers.size(); ++i) {
    GoldAnswer& answer = example.answers[i];
    const std::string_view inner = trim_blanks(answer.text);
    const std::size_t ill_formed = find_ill_formed_utf8(answer.text);
    if (ill_formed < answer.text.size()) {
      report(diagnosis, FindingKind::kIllFormedUtf8, example,
             fmt::format("answers[{}]: byte {} is not UTF-8", i, ill_formed + 1));
    }
    if (inner.empty()) {
      report(diagnosis, FindingKind::kEmptyAnswer, example,
             fmt::format("answers[{}] is empty; an unanswerable question has no answers at all", i));
      continue;
    }
    if (inner.size() < answer.text.size()) {
      report(diagnosis, FindingKind::kAnswerBlanks, example,
             fmt::format("answers[{}]: {} has blanks around it", i, quoted(answer.text)));
    }
    check_start(answer, i, example, diagnosis);
  }
}

void ExampleChecker::check_start(GoldAnswer& answer, std::size_t number, const Example& example, Diagnosis& diagnosis) {
  const auto what = [&] { return fmt::format("answers[{}]: {}", number, quoted(answer.text)); };
  if (answer.start == -1) {
    mend_start(answer, FindingKind::kMissingStart, what() + " has no answer_start", example, diagnosis);
    return;
  }
  if (answer.start < 0) {
    mend_start(answer, FindingKind::kNegativeStart, fmt::format("{} has answer_start {}", what(), answer.start),
               example, diagnosis);
    return;
  }
  const std::size_t length = index_->end().code_point;
  const std::size_t n = count_code_points(answer.text);
  const auto start = static_cast<std::size_t>(answer.start);
  if (start > length || n > length - start) {
    mend_start(answer, FindingKind::kStartOutOfRange,
               fmt::format("{} at {} ends behind the context of {} code points", what(), answer.start, length), example,
               diagnosis);
    return;
  }
  const std::size_t begin = index_->at_code_point(start).byte;
  if (index_->text().substr(begin, answer.text.size()) == answer.text) return;
  const std::size_t end = index_->at_code_point(start + n).byte;
  mend_start(
      answer, FindingKind::kMisaligned,
      fmt::format("{} at {}, where {} stands", what(), answer.start, quoted(index_->text().substr(begin, end - begin))),
      example, diagnosis);
}

void ExampleChecker::mend_start(GoldAnswer& answer, FindingKind kind, const std::string& fault, const Example& example,
                                Diagnosis& diagnosis) {
  const Occurrences found = find_occurrences(*index_, answer.text, answer.start);
  if (found.n == 0) {
    report(diagnosis, kind, example, fault + "; it does not stand in the context");
    return;
  }
  const bool is_guess = kind == FindingKind::kMissingStart && found.n > 1;
  const std::string advice = is_guess ? fmt::format("; it stands in {} places, first at {}", found.n, found.nearest)
                                      : fmt::format("; it stands at {}", found.nearest);
  const bool fixed = options_.fix && !is_guess;
  if (fixed) answer.start = static_cast<std::int64_t>(found.nearest);
  report(diagnosis, kind, example, fault + advice, fixed);
}

void ExampleChecker::check_copies(const Example& example, Diagnosis& diagnosis) {
  const std::uint64_t id = text_key(example.id);
  const std::uint64_t question = text_key(example.question, context_key_);
  const std::uint64_t golds = key_of_golds(example);
  const auto same_id = ids_.find(id);
  const auto same_question = questions_.find(question);
  if (same_id != ids_.end()) {
    const Seen& seen = same_id->second;
    const bool is_copy = seen.other == question && seen.golds == golds;
    diagnosis.drop = is_copy && options_.fix;
    report(diagnosis, FindingKind::kDuplicateId, example,
           fmt::format("id {} stands at {} already, {}", quoted(example.id), places_[seen.number],
                       is_copy ? "with the same question and answers" : "with another question or other answers"),
           diagnosis.drop);
  } else if (same_question != questions_.end()) {
    const Seen& seen = same_question->second;
    const bool is_copy = seen.golds == golds;
    diagnosis.drop = is_copy && options_.fix;
    report(diagnosis, FindingKind::kDuplicateQuestion, example,
           fmt::format("question {} stands at {} already, with the same context and {} answers",
                       quoted(example.question), places_[seen.number], is_copy ? "the same" : "other"),
           diagnosis.drop);
  }
  if (diagnosis.drop) return;
  ids_.try_emplace(id, Seen{question, golds, places_.size()});
  questions_.try_emplace(question, Seen{id, golds, places_.size()});
  places_.push_back(example.where);
}

}  // namespace spanqa
