// Open a model, ask one question, get the answer with its exact place.
//
//   01_ask DOCUMENT "question"
#include <fmt/format.h>

#include "base/file.h"
#include "qa/default_model.h"
#include "qa/reader.h"

namespace {

spanqa::Status run(const char* document, const char* question) {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto reader, spanqa::Reader::open(folder));
  SPANQA_ASSIGN(const std::string text, spanqa::read_file(document));
  SPANQA_ASSIGN(const spanqa::Answers answers, reader->ask(question, text));
  for (const spanqa::Answer& answer : answers.answers) {
    fmt::print("{} (bytes {} to {}, score {:.3f})\n", answer.text, answer.span.begin, answer.span.end, answer.score);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (const auto done = run(argv[1], argv[2]); !done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
}
