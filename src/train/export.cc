#include "train/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "nn/trainable_model.h"
#include "qa/qa_settings.h"
#include "train/checkpoint.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

Result<std::unique_ptr<TrainableModel>> open_model(const fs::path& folder) {
  SPANQA_ASSIGN(auto model, TrainableModel::open(folder, {}));
  if (!model->has_new_head()) return model;
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: has no answer head (qa_outputs); it is an encoder that a training begins with, not a "
                          "reader to be exported",
                          folder.string()));
}

bool have_one_shape(const ParameterLayout& a, const ParameterLayout& b) {
  return std::ranges::equal(a.parameters(), b.parameters(), [](const Parameter& left, const Parameter& right) {
    return left.name == right.name && left.shape == right.shape;
  });
}

Status check(const ExportOptions& options) {
  if (options.models.empty()) return fail(ErrorCode::kInvalidArgument, "no model to export");
  for (const fs::path& model : options.models) {
    std::error_code is_none;
    if (fs::equivalent(model, options.output, is_none) && !is_none) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: is one of the models; name another folder for the output", model.string()));
    }
  }
  return {};
}

Status add(const fs::path& folder, const fs::path& first_folder, const ParameterLayout& layout,
           std::span<double> sums) {
  SPANQA_ASSIGN(const auto model, open_model(folder));
  if (!have_one_shape(model->layout(), layout)) {
    return fail(ErrorCode::kMismatch, fmt::format("{} and {} are models of different shape, which have no mean",
                                                  first_folder.string(), folder.string()));
  }
  const std::span<const float> weights = model->weights();
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(weights[i]);
  return {};
}

}  // namespace

Status export_mean(const ExportOptions& options) {
  SPANQA_TRY(check(options));
  const fs::path& first_folder = options.models.front();
  SPANQA_ASSIGN(const auto first, open_model(first_folder));
  const std::span<float> weights = first->weights();
  std::vector<double> sums(weights.begin(), weights.end());
  for (std::size_t i = 1; i < options.models.size(); ++i) {
    SPANQA_TRY(add(options.models[i], first_folder, first->layout(), sums));
  }
  const auto n_models = static_cast<double>(options.models.size());
  std::ranges::transform(sums, weights.begin(), [&](double sum) { return static_cast<float>(sum / n_models); });
  SPANQA_ASSIGN(const QaSettings settings, read_qa_settings(first_folder));
  const bool has_settings = options.models.size() == 1 && fs::exists(first_folder / kQaSettingsFile);
  SPANQA_TRY(export_model(options.output, {first_folder, first->layout(), weights}, options.dtype));
  return has_settings ? write_qa_settings(options.output, settings) : Status();
}

}  // namespace spanqa
