// spanqa predict: rows of questions and contexts in, rows of answers out, in constant memory.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/example_input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "qa/answer_json.h"
#include "qa/answer_stream.h"

namespace spanqa::cli {
namespace {

struct PredictFlags {
  ReadingFlags reading;
  ExampleInput input{"-"};
  std::string output = "-";
  std::size_t limit = 0;
  bool strict = false;
};

std::string error_row(const Example& example, const Error& error) {
  nlohmann::ordered_json row;
  row["id"] = example.id;
  row["error"] = error.message;
  row["code"] = error_code_name(error.code);
  return row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Answers to a row as one line; a row that cannot be answered is an error with `strict`, else a row with "error". A
/// model that fails would fail on other rows too, or has answered them wrongly.
Result<std::string> row_of(const Example& example, const Result<Answers>& answers, bool strict) {
  if (answers) return answers_to_json(*answers, {example.question, *example.context}, {.id = example.id}) + "\n";
  if (strict || answers.error().code == ErrorCode::kModelFault)
    return fail(answers.error().code, example.where + ": " + answers.error().message);
  return error_row(example, answers.error()) + "\n";
}

Result<AnswerStreamCounts> predict(const PredictFlags& flags, const Reader& reader, const AskOptions& ask,
                                   ExampleReader& examples, Output& output) {
  ProgressBar bar("predicting");
  auto counts = answer_stream(
      reader, examples, {.ask = ask, .limit = flags.limit, .group_done = [&output] { return output.flush(); }},
      [&](const Example& example, const Result<Answers>& answers) -> Status {
        SPANQA_TRY(InterruptGuard::check());
        SPANQA_ASSIGN(const std::string row, row_of(example, answers, flags.strict));
        return output.write(row);
      },
      [&](double share, const AnswerStreamCounts& seen) {
        bar.update(share, fmt::format("{} questions", seen.n_questions));
      });
  // A signal also ends a read that waits for more input: what looks like the end of the rows is none.
  SPANQA_TRY(InterruptGuard::check());
  SPANQA_TRY(counts);
  SPANQA_TRY(output.finish());
  return counts;
}

int run_predict(const PredictFlags& flags) {
  if (const Status apart = check_not_input(flags.output, {flags.input.path}); !apart) {
    return report(apart.error(), kUsage);
  }
  auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  const auto reader = flags.reading.open_reader();
  if (!reader) return report(reader.error(), kModelError);
  const auto ask = flags.reading.resolve(**reader);
  if (!ask) return report(ask.error(), kUsage);

  const InterruptGuard guard;
  auto output = Output::open(flags.output);
  if (!output) return report(output.error(), kDataError);
  const auto counts = predict(flags, **reader, *ask, **examples, *output);
  if (!counts) return report_data(counts.error());
  if (counts->n_errors > 0) {
    fmt::print(stderr, "spanqa: {} of {} rows could not be answered; each has an \"error\" field\n", counts->n_errors,
               counts->n_questions);
    return kFindings;
  }
  return kOk;
}

}  // namespace

void add_predict(CLI::App& app, Run& run) {
  auto flags = std::make_shared<PredictFlags>();
  CLI::App* command = app.add_subcommand("predict", "Answer a stream of rows: JSONL in, JSONL out, order kept");
  flags->input.add_to(*command, "Rows with id, question, context; - for JSONL on standard input");
  command->add_option("-o,--output", flags->output, "Where the answers go; - for standard output")
      ->capture_default_str();
  command->add_option("--limit", flags->limit, "Rows read at most; 0: all")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--strict", flags->strict, "Stop at the first row that cannot be answered, and write no file");
  flags->reading.add_to(*command, "pipeline");
  command->footer("Example:\n  spanqa predict questions.jsonl --output answers.jsonl");
  command->callback([flags, &run] { run = [flags] { return run_predict(*flags); }; });
}

}  // namespace spanqa::cli
