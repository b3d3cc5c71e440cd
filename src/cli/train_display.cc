#include "cli/train_display.h"

#include <fmt/format.h>

#include "cli/terminal.h"
#include "train/progress.h"

namespace spanqa::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedraw = 100ms;
constexpr std::size_t kLogColumns = 80;

}  // namespace

std::string evaluation_line(const EvaluationRecord& record) {
  return fmt::format("epoch {:.2f}  step {}  loss {:.4f}  exact {:.2f}  F1 {:.2f}  {}{}", record.epoch, record.step,
                     record.loss, record.exact, record.f1, format_seconds(record.seconds),
                     record.is_best ? "  best so far" : "");
}

void TrainDisplay::line(const std::string& text) {
  clear();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void TrainDisplay::step(const StepRecord& record) {
  if (on_terminal_) {
    if (is_due()) draw(progress_line(record, terminal_width() - 1));
  } else if ((log_every_ > 0 && record.step % log_every_ == 0) || record.step == record.n_steps) {
    line(progress_line(record, kLogColumns));
  }
}

void TrainDisplay::evaluation(const EvaluationRecord& record) { line(evaluation_line(record)); }

void TrainDisplay::evaluation_progress(double share) {
  if (on_terminal_ && is_due()) draw(fmt::format("evaluating {:3.0f} %", 100.0 * share));
}

void TrainDisplay::checkpoint(const CheckpointRecord& record) { line("saved " + record.folder); }

bool TrainDisplay::is_due() { return std::chrono::steady_clock::now() - drawn_at_ >= kRedraw; }

void TrainDisplay::draw(const std::string& text) {
  drawn_at_ = std::chrono::steady_clock::now();
  drawn_ = true;
  fmt::print(stderr, "\r{}\x1b[K", text);
  std::fflush(stderr);
}

void TrainDisplay::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace spanqa::cli
