#include "qa/answer_stream.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/ordered_parallel.h"

namespace spanqa {
namespace {

// Text of one group. About 4 bytes make a token, so this fills several packed batches: the few windows left over in a
// group's last, smaller batch cost little.
constexpr std::size_t kGroupBytes = 32 << 10;
constexpr std::size_t kRowBytes = 64;  // counted for each row, so that rows without text end a group too

struct Group {
  std::vector<Example> examples;
  double share = 0.0;  // of the file read when the group was complete
};

struct AnsweredGroup {
  Group group;
  std::vector<Result<Answers>> answers;
};

}  // namespace

Result<AnswerStreamCounts> answer_stream(const Reader& reader, ExampleReader& examples,
                                         const AnswerStreamOptions& options, const AnswerSink& sink,
                                         const StreamProgress& progress) {
  const int n_threads = options.n_threads > 0 ? options.n_threads : reader.n_threads();
  AnswerStreamCounts counts;
  std::size_t n_read = 0;
  std::optional<Error> fault;  // of the file, kept until the examples before it have been handed over

  const auto next_group = [&]() -> Result<std::optional<Group>> {
    if (fault) return tl::unexpected<Error>(*fault);
    Group group;
    for (std::size_t bytes = 0; bytes < kGroupBytes;) {
      if (options.limit > 0 && n_read == options.limit) break;
      if (!group.examples.empty() && examples.would_wait()) break;
      Result<std::optional<Example>> example = examples.next();
      if (!example) {
        if (group.examples.empty()) return tl::unexpected<Error>(std::move(example).error());
        fault = std::move(example).error();
        break;
      }
      if (!*example) break;
      bytes += (*example)->question.size() + (*example)->context->size() + kRowBytes;
      group.examples.push_back(std::move(**example));
      ++n_read;
    }
    if (group.examples.empty()) return std::nullopt;
    group.share = examples.progress();
    return group;
  };

  const auto answer = [&](std::size_t, Group group) -> Result<AnsweredGroup> {
    std::vector<Question> questions;
    questions.reserve(group.examples.size());
    for (const Example& example : group.examples) questions.push_back({example.question, *example.context});
    AskOptions ask = options.ask;
    if (options.measure) {
      ask.measure = [&](const ReadWindow& window) { return options.measure(group.examples[window.question], window); };
    }
    auto answers = reader.ask_all(questions, ask, 1);
    return AnsweredGroup{std::move(group), std::move(answers)};
  };

  const auto hand_over = [&](const AnsweredGroup& done) -> Status {
    for (std::size_t i = 0; i < done.answers.size(); ++i) {
      const Result<Answers>& answers = done.answers[i];
      ++counts.n_questions;
      if (answers) {
        counts.n_windows += answers->n_windows;
        counts.n_tokens += answers->n_tokens;
      } else {
        ++counts.n_errors;
      }
      SPANQA_TRY(sink(done.group.examples[i], answers));
    }
    if (progress) progress(done.group.share, counts);
    return options.group_done ? options.group_done() : Status();
  };

  SPANQA_TRY(ordered_parallel(static_cast<std::size_t>(n_threads), next_group, answer, hand_over));
  return counts;
}

}  // namespace spanqa
