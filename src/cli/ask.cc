// spanqa ask: questions about one document, answered in their sentences.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "qa/answer_json.h"
#include "qa/sentence.h"

namespace spanqa::cli {
namespace {

/// Text without full stops (tables, code) has "sentences" of any length; this much is shown of one.
constexpr std::size_t kPassageBytes = 600;

struct AskFlags {
  ReadingFlags reading;
  std::vector<std::string> questions;
  std::optional<std::string> text;
  std::string file;
  std::string question_file;
  bool interactive = false;
  bool json = false;
  bool pipeline_json = false;
};

struct Document {
  std::string name;  // "standard input", or the file's name
  std::string text;
};

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos; }

Status refuse_nul(const std::string& name, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return {};
  return fail(ErrorCode::kCorrupt, name + ": holds NUL bytes, so it is no text; convert it first (pdftotext, pandoc)");
}

/// A line without its end, that of Windows included; false where there is no further one.
bool next_line(std::istream& lines, std::string& line) {
  if (!std::getline(lines, line)) return false;
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

/// The document comes from standard input.
bool document_is_piped(const AskFlags& flags) { return !flags.text && (flags.file.empty() || flags.file == "-"); }

Result<Document> read_document(const AskFlags& flags) {
  Document document;
  if (flags.text) {
    document = {"--text", *flags.text};
  } else if (!document_is_piped(flags)) {
    SPANQA_ASSIGN(std::string text, read_file(flags.file));
    document = {flags.file, std::move(text)};
  } else {
    if (input_is_terminal()) {
      return fail(ErrorCode::kInvalidArgument,
                  "no document: give --file FILE, --text TEXT, or pipe one into standard input");
    }
    SPANQA_ASSIGN(std::string text, read_input("-"));
    document = {"standard input", std::move(text)};
  }
  SPANQA_TRY(refuse_nul(document.name, document.text));
  if (is_blank(document.text)) {
    return fail(ErrorCode::kCorrupt, document.name + ": is empty; there is nothing to find an answer in");
  }
  return document;
}

Result<std::vector<std::string>> read_questions(const AskFlags& flags) {
  std::vector<std::string> questions = flags.questions;
  if (flags.question_file.empty()) return questions;
  const bool piped = flags.question_file == "-";
  if (piped && (flags.interactive || document_is_piped(flags))) {
    return fail(
        ErrorCode::kInvalidArgument,
        "--questions - takes all of standard input: name the document (--file FILE or --text TEXT), and leave the "
        "prompt (-i) out");
  }
  const std::string name = piped ? "standard input" : flags.question_file;
  SPANQA_ASSIGN(const std::string text, read_input(flags.question_file));
  SPANQA_TRY(refuse_nul(name, text));
  std::istringstream lines(text);
  for (std::string line; next_line(lines, line);) {
    if (!is_blank(line)) questions.push_back(line);
  }
  if (questions.empty()) return fail(ErrorCode::kInvalidArgument, name + ": holds no question");
  return questions;
}

/// Four places; a probability that would round to 1 is not said to be certain.
std::string shown_score(double score) {
  return score > 0.9999 && score < 1.0 ? ">0.9999" : fmt::format("{:.4f}", score);
}

std::string in_sentence(const Document& document, const Answer& answer) {
  const Sentence sentence = sentence_around(document.text, answer.span, {.max_bytes = kPassageBytes});
  const std::string_view text = document.text;
  return (sentence.cut_begin ? "… " : "") +
         one_line(text.substr(sentence.span.begin, answer.span.begin - sentence.span.begin)) +
         highlight(one_line(text.substr(answer.span.begin, answer.span.end - answer.span.begin))) +
         one_line(text.substr(answer.span.end, sentence.span.end - answer.span.end)) + (sentence.cut_end ? " …" : "");
}

void print_answer(const Document& document, const TextIndex& index, const Answer& answer) {
  if (answer.is_no_answer) {
    fmt::print("   {} {}\n", bold("no answer"), faint(fmt::format("score {:.4f}", answer.score)));
    return;
  }
  const std::size_t begin = index.at_byte(answer.span.begin).code_point;
  const std::size_t end = index.at_byte(answer.span.end).code_point;
  const auto line = 1 + std::count(document.text.begin(), document.text.begin() + answer.span.begin, '\n');
  fmt::print("   {}\n", wrap(bold(one_line(answer.text)), terminal_width(), 3));
  fmt::print("   {}\n", wrap(in_sentence(document, answer), terminal_width(), 3));
  fmt::print("   {}\n",
             faint(fmt::format("score {} · line {} · characters {}-{}", shown_score(answer.score), line, begin, end)));
}

void print_answers(const Document& document, const TextIndex& index, const std::string& question,
                   const Answers& answers) {
  fmt::print("{} {}\n", bold("?"), wrap(one_line(question), terminal_width(), 2));
  if (answers.answers.empty()) fmt::print("   {}\n", bold("no answer found"));
  for (const Answer& answer : answers.answers) print_answer(document, index, answer);
  if (answers.question_truncated) fmt::print("   {}\n", faint("the question was cut to fit the window"));
  fmt::print("\n");
}

/// An error names its question: there may be many.
int report_question(const std::string& question, Error error) {
  constexpr std::size_t kShown = 40;
  if (error.code == ErrorCode::kInvalidArgument) {
    error.message = fmt::format("\"{}\": {}", cut(one_line(question), kShown), error.message);
  }
  return report(error, kDataError);
}

int ask_one(const AskFlags& flags, const Reader& reader, const AskOptions& options, const Document& document,
            const TextIndex& index, const std::string& question) {
  Result<Answers> answers = [&]() -> Result<Answers> {
    // A blank question passes in the reference, and would be answered with anything.
    if (is_blank(question)) return fail(ErrorCode::kInvalidArgument, "`question` cannot be empty");
    ProgressBar bar("reading");
    return reader.ask(question, document.text, options, [&](std::size_t done, std::size_t total) {
      bar.update(static_cast<double>(done) / static_cast<double>(total), fmt::format("{}/{} windows", done, total));
    });
  }();
  if (!answers) return report_question(question, answers.error());
  const Question asked{question, document.text};
  if (flags.pipeline_json) {
    fmt::print("{}\n", answers_to_pipeline_json(*answers, asked, false));
  } else if (flags.json) {
    fmt::print("{}\n", answers_to_json(*answers, asked));
  } else {
    print_answers(document, index, question, *answers);
  }
  std::fflush(stdout);
  return kOk;
}

/// Talks on standard error: answers alone go to standard output.
void interactive(const AskFlags& flags, const Reader& reader, const AskOptions& options, const Document& document,
                 const TextIndex& index) {
  fmt::print(stderr, "{} ({} characters). Type a question; an empty line or Ctrl-D ends.\n\n", document.name,
             index.end().code_point);
  while (true) {
    fmt::print(stderr, "? ");
    std::string line;
    if (!next_line(std::cin, line) || is_blank(line)) {
      fmt::print(stderr, "\n");
      return;
    }
    ask_one(flags, reader, options, document, index, line);
  }
}

int run_ask(const AskFlags& flags) {
  const auto questions = read_questions(flags);
  if (!questions) return report(questions.error(), kDataError);
  const bool prompt = flags.interactive || (questions->empty() && input_is_terminal());
  if (questions->empty() && !prompt) {
    return report(
        {ErrorCode::kInvalidArgument, "no question: give one as argument, a file of them with --questions, or -i"},
        kUsage);
  }
  if (prompt && document_is_piped(flags)) {
    return report({ErrorCode::kInvalidArgument,
                   "the prompt reads questions from standard input, so the document must be "
                   "named: --file FILE or --text TEXT"},
                  kUsage);
  }
  const auto document = read_document(flags);
  if (!document) return report(document.error(), kDataError);
  const auto reader = flags.reading.open_reader();
  if (!reader) return report(reader.error(), kModelError);
  const auto options = flags.reading.resolve(**reader);
  if (!options) return report(options.error(), kUsage);

  const TextIndex index(document->text);
  int first_fault = kOk;
  for (const std::string& question : *questions) {
    const int code = ask_one(flags, **reader, *options, *document, index, question);
    if (code == kModelError) return code;  // no other question would fare better
    if (first_fault == kOk) first_fault = code;
  }
  if (prompt) interactive(flags, **reader, *options, *document, index);
  return first_fault;
}

}  // namespace

void add_ask(CLI::App& app, Run& run) {
  auto flags = std::make_shared<AskFlags>();
  CLI::App* command = app.add_subcommand("ask", "Ask questions about one document");
  command->add_option("question", flags->questions, "One question or more");
  command->add_option("-f,--file", flags->file, "The document; - for standard input (the default)");
  command->add_option("-t,--text", flags->text, "The document itself")->excludes("--file");
  command->add_option("-q,--questions", flags->question_file, "A file with one question a line; - for standard input");
  command->add_flag("-i,--interactive", flags->interactive, "A prompt that keeps the document loaded");
  CLI::Option* json = command->add_flag("--json", flags->json,
                                        "One JSON object a question: score, start, end, answer; bytes and UTF-16 too");
  command->add_flag("--pipeline-json", flags->pipeline_json, "What the Python pipeline returns: an object, or a list")
      ->excludes(json);
  flags->reading.add_to(*command, "global");
  command->footer("Example:\n  spanqa ask --file report.txt \"Who signed the treaty?\" \"When was it signed?\"");
  command->callback([flags, &run] {
    if (flags->pipeline_json && flags->reading.decoder.empty()) flags->reading.decoder = "pipeline";
    run = [flags] { return run_ask(*flags); };
  });
}

}  // namespace spanqa::cli
