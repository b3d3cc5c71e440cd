// Every setting of a training run. What `spanqa train` prints, stores and takes from flags and recipe files is this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/precision.h"
#include "qa/windows.h"

namespace spanqa {

/// One file of training examples.
struct TrainingFile {
  std::filesystem::path path;
  double weight = 1.0;    // of each of its windows in the loss, relative to the others
  std::size_t limit = 0;  // questions taken from its beginning; 0: all
};

enum class ScheduleKind : std::uint8_t { kLinear, kCosine, kConstant };
enum class BatchKind : std::uint8_t { kWindows, kTokens };

/// Defaults are those of run_qa.py and the Hugging Face Trainer, except where a comment says otherwise.
struct TrainOptions {
  // What is learned from, and where it goes.
  std::filesystem::path model;   // a Hugging Face folder: an encoder, with an answer head or without
  std::filesystem::path output;  // the run's folder
  std::vector<TrainingFile> train;
  std::filesystem::path validation = {};  // empty: no evaluation
  std::size_t validation_limit = 0;       // questions; 0: all
  WindowOptions windows = {};
  bool squad_v2 = false;        // questions without an answer are trained on, and scored by the rules of v2.0
  bool last_token_bug = false;  // labels as run_qa.py makes them (label_window)

  // How long, and in what order.
  double epochs = 3.0;
  std::size_t max_steps = 0;  // above 0: overrules epochs
  BatchKind batch_kind = BatchKind::kWindows;
  std::size_t batch_size = 8;          // windows of a step, or tokens with kTokens
  std::size_t accumulation_steps = 1;  // batches of a step
  bool group_by_length = false;        // nothing is padded, so it saves nothing; for runs that others made with it
  std::uint64_t seed = 42;

  // The optimiser.
  double learning_rate = 5e-5;
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double max_gradient_norm = 1.0;  // 0: no clipping
  ScheduleKind schedule = ScheduleKind::kLinear;
  double warmup_ratio = 0.0;      // of all steps, rounded up
  std::size_t warmup_steps = 0;   // above 0: overrules the ratio
  double layer_decay = 1.0;       // the learning rate of layer i of n is multiplied by layer_decay^(n - i)
  std::size_t frozen_layers = 0;  // the embeddings and so many layers, from below, stay as they are; 0: none
  double label_smoothing = 0.0;
  double hidden_dropout = -1.0;     // at most 0.9; below 0: as config.json says
  double attention_dropout = -1.0;  // likewise
  double head_dropout = -1.0;       // likewise

  // When it is looked at, and what is kept.
  std::size_t evaluate_every = 0;    // steps; 0: after each epoch
  std::size_t save_every = 0;        // steps; 0: after each epoch
  std::size_t checkpoint_limit = 2;  // the newest so many are kept, and the best one
  std::size_t patience = 0;          // evaluations without a better F1 before the run stops; 0: never
  std::size_t log_every = 50;        // steps; at least 1

  // The machine.
  Precision precision = Precision::kFloat32;
  int n_threads = 0;  // 0: all usable cores
};

}  // namespace spanqa
