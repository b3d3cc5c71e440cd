// One question, three decoders: the Python pipeline's probabilities, run_qa's n-best list, and scores that can be
// compared across windows, documents and requests.
//
//   04_decoders DOCUMENT "question"
#include <fmt/format.h>

#include "base/file.h"
#include "qa/default_model.h"
#include "qa/reader.h"

namespace {

spanqa::Status run(const char* document, const char* question) {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto reader, spanqa::Reader::open(folder));
  SPANQA_ASSIGN(const std::string text, spanqa::read_file(document));
  const spanqa::DecoderOptions decoders[] = {
      spanqa::PipelineOptions{.top_k = 3},
      spanqa::RunQaOptions{.n_best = 3},
      spanqa::GlobalOptions{.top_k = 3},
  };
  for (const auto& decoder : decoders) {
    SPANQA_ASSIGN(const auto answers, reader->ask(question, text, {.decoder = decoder}));
    fmt::print("{} (no answer: {:.4f})\n", spanqa::decoder_name(decoder), answers.no_answer_score);
    for (const auto& answer : answers.answers) fmt::print("  {:.4f}  {}\n", answer.score, answer.text);
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
