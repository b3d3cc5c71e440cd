// Many questions at once: they are packed into batches, and every core takes one. Then the same reader from several
// threads of the caller's own: a Reader is immutable, each call borrows its own buffers.
//
//   02_many_questions DOCUMENT "question" ["question" ..]
#include <fmt/format.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/file.h"
#include "qa/default_model.h"
#include "qa/reader.h"

namespace {

spanqa::Status run(const std::string& document, const std::vector<std::string>& questions) {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto reader, spanqa::Reader::open(folder));
  SPANQA_ASSIGN(const std::string text, spanqa::read_file(document));

  std::vector<spanqa::Question> batch;
  for (const std::string& question : questions) batch.push_back({question, text});
  const auto all = reader->ask_all(batch);
  for (std::size_t i = 0; i < all.size(); ++i) {
    // A question that cannot be answered is an error in its own place; the others stand.
    fmt::print("{}\n  {}\n", questions[i], all[i] ? all[i]->answers.front().text : all[i].error().message);
  }

  std::atomic<std::size_t> n_equal = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      threads.emplace_back([&, i] {
        const auto alone = reader->ask(questions[i], text);
        if (alone && all[i] && alone->answers.front().span == all[i]->answers.front().span) ++n_equal;
      });
    }
  }
  fmt::print("{} of {} answers are the same when asked alone from a thread\n", n_equal.load(), questions.size());
  return n_equal == questions.size()
             ? spanqa::Status()
             : spanqa::fail(spanqa::ErrorCode::kMismatch, "answers differ alone and in a batch");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (const auto done = run(argv[1], {argv + 2, argv + argc}); !done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
}
