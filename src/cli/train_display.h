// What a person sees of a training run while it goes on.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "train/records.h"

namespace spanqa::cli {

/// Lines on `out`: notices, every `log_every`-th step, evaluations, checkpoints. On a terminal steps are one line on
/// standard error instead, written over itself ten times a second at most.
class TrainDisplay {
 public:
  TrainDisplay(std::FILE* out, std::size_t log_every, bool on_terminal)
      : out_(out), log_every_(log_every), on_terminal_(on_terminal) {}
  ~TrainDisplay() { clear(); }
  TrainDisplay(const TrainDisplay&) = delete;
  TrainDisplay& operator=(const TrainDisplay&) = delete;

  void line(const std::string& text);
  void step(const StepRecord& record);
  void evaluation(const EvaluationRecord& record);
  void evaluation_progress(double share);
  void checkpoint(const CheckpointRecord& record);

 private:
  bool is_due();
  void draw(const std::string& text);
  void clear();

  std::FILE* out_;
  std::size_t log_every_;
  bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point drawn_at_ = {};
};

/// "epoch 1.00  step 319  loss 1.6754  exact 54.34  F1 64.99  12.3 s  best so far".
std::string evaluation_line(const EvaluationRecord& record);

}  // namespace spanqa::cli
