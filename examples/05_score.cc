// Score a model on a file of questions with gold answers, as they stream by.
//
//   05_score DATA
#include <fmt/format.h>

#include "data/example_reader.h"
#include "qa/answer_stream.h"
#include "qa/default_model.h"
#include "qa/metrics.h"

namespace {

spanqa::Status run(const char* data) {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto reader, spanqa::Reader::open(folder));
  SPANQA_ASSIGN(const auto examples, spanqa::ExampleReader::open(data));
  spanqa::AnswerScore sum;
  const spanqa::AnswerStreamOptions options{.ask = {.decoder = spanqa::RunQaOptions{}}};
  SPANQA_ASSIGN(const auto counts,
                spanqa::answer_stream(*reader, *examples, options, [&](const auto& example, const auto& answers) {
                  std::vector<std::string> golds;
                  for (const auto& gold : example.answers) golds.push_back(gold.text);
                  const auto score = spanqa::score_v1(answers ? answers->run_qa.prediction : "", golds);
                  sum.exact += score.exact;
                  sum.f1 += score.f1;
                  return spanqa::Status();
                }));
  const double n = static_cast<double>(counts.n_questions);
  fmt::print("{} questions: exact match {:.1f} %, F1 {:.1f} %\n", counts.n_questions, 100.0 * sum.exact / n,
             100.0 * sum.f1 / n);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (const auto done = run(argv[1]); !done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
}
