// A model ready to be shipped, out of checkpoints: their mean, stored narrow.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "nn/dtype.h"

namespace spanqa {

struct ExportOptions {
  /// Model folders, checkpoints of a run among them. Of several the mean of each weight is taken ("stochastic weight
  /// averaging", Izmailov et al., UAI 2018): for checkpoints of one run, not for models of different beginnings.
  std::vector<std::filesystem::path> models;
  std::filesystem::path output;  // config.json and the tokenizer are those of the first model
  DType dtype = DType::kFloat16;
};

/// Sums are float64. Settings fitted for a model (qa_settings.json) go with it when it is the only one; those of one of
/// several would not fit their mean.
///
/// kInvalidArgument without a model, for an output that is one of the models, and as export_model; kMismatch, naming
/// both folders, for models of different shape; kUnsupported for a model without an answer head. Memory: 20 bytes a
/// weight.
Status export_mean(const ExportOptions& options);

}  // namespace spanqa
