#include "serve/info_body.h"

#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "nn/kernels/isa.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

Json limits_json(const ServerFacts& facts) {
  const BodyLimits& limits = facts.limits;
  return {{"body_bytes", facts.body_bytes},
          {"question_bytes", limits.question_bytes},
          {"context_bytes", limits.context_bytes},
          {"contexts_bytes", limits.contexts_bytes},
          {"tokenize_bytes", limits.tokenize_bytes},
          {"questions", limits.questions},
          {"contexts", limits.contexts},
          {"top_k", limits.top_k},
          {"deadline_ms", facts.deadline.count()}};
}

Json machine_json(const LoadedModels& models) {
  const CpuInfo cpu = cpu_info();
  Json json = {
      {"cpu", cpu.model}, {"cpu_features", cpu.features}, {"cores", usable_cores()}, {"kernels", kernel_target_name()}};
  if (!models.empty()) json["matmul"] = models.front()->reader->model().matmul_kernel();
  return json;
}

}  // namespace

std::vector<ModelSummary> summaries_of(const LoadedModels& models) {
  std::vector<ModelSummary> summaries;
  for (const auto& loaded : models) {
    const QaModel& model = loaded->reader->model();
    summaries.push_back({.name = loaded->name,
                         .is_default = summaries.empty(),
                         .family = model_family_name(model.config().family),
                         .weight_type = model.weight_type(),
                         .n_parameters = model.n_parameters(),
                         .max_length = loaded->reader->effective({.max_length = SIZE_MAX}).max_length,
                         .settings = loaded->reader->settings(),
                         .generation = loaded->generation});
  }
  return summaries;
}

std::string info_body(const ServerFacts& facts, const LoadedModels& models) {
  Json json = {{"version", facts.version}};
  json.update(Json::parse(models_body(summaries_of(models))));
  json["limits"] = limits_json(facts);
  json["machine"] = machine_json(models);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace spanqa::serve
