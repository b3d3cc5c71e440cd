#include "train/run_plan.h"

#include "base/cpu.h"
#include "nn/model_config.h"
#include "text/tokenizer.h"
#include "train/batches.h"
#include "train/options_json.h"
#include "train/validation.h"

namespace spanqa {

Result<RunPlan> plan_run(const TrainOptions& options) {
  SPANQA_TRY(check_options(options));
  SPANQA_ASSIGN(const ModelConfig config, read_model_config(options.model));
  SPANQA_ASSIGN(const auto tokenizer, Tokenizer::open(options.model));
  const WindowOptions windows = fit_windows(options.windows, config, *tokenizer);
  RunPlan plan;
  if (!options.validation.empty()) {
    SPANQA_ASSIGN(plan.n_validation, check_validation(options.validation, options.validation_limit, *tokenizer, windows,
                                                      options.squad_v2));
  }
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_cores();
  SPANQA_ASSIGN(const TrainingSet set, TrainingSet::load(options, *tokenizer, windows, n_threads));
  plan.counts = set.counts();
  plan.length = run_length(options, plan_epoch(set.lengths(), batch_options(options, 0)).size());
  return plan;
}

}  // namespace spanqa
