// spanqa export: checkpoints to a model that is shipped.
#include "train/export.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/layout.h"

namespace spanqa::cli {
namespace {

struct ExportFlags {
  std::vector<std::string> models;
  std::string output;
  std::string type = "float16";
};

int run_export(const ExportFlags& flags) {
  const Status exported = export_mean({.models = {flags.models.begin(), flags.models.end()},
                                       .output = flags.output,
                                       .dtype = flags.type == "float16" ? DType::kFloat16 : DType::kFloat32});
  if (!exported) return report(exported.error(), kModelError);
  fmt::print(stderr, "spanqa: {} in {}, {}\n", counted(flags.models.size(), "model"), flags.output, flags.type);
  return kOk;
}

}  // namespace

void add_export(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand("export", "Write a model to be shipped: stored narrow, or a mean of several");
  command
      ->add_option("-m,--model", flags->models,
                   "Model folder or checkpoint; repeatable: of several checkpoints of a run the mean is written")
      ->type_name("FOLDER")
      ->allow_extra_args(false)
      ->required();
  command->add_option("-o,--output", flags->output, "Folder of the new model")->type_name("FOLDER")->required();
  command->add_option("--type", flags->type, "Number format of the weights")
      ->check(CLI::IsMember({"float16", "float32"}))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  spanqa export --model runs/mine/model --output my-reader\n"
      "  spanqa export --model runs/mine/checkpoint-900 \\\n"
      "    --model runs/mine/checkpoint-1000 --output my-reader");
  command->callback([flags, &run] { run = [flags] { return run_export(*flags); }; });
}

}  // namespace spanqa::cli
