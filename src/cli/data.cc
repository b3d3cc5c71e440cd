// spanqa data: what stands in a data set, what is wrong with it, and the same in another format or size.
#include "cli/command.h"
#include "cli/data_command.h"

namespace spanqa::cli {

void add_data(CLI::App& app, Run& run) {
  CLI::App* data = app.add_subcommand("data", "Look into data sets, check, convert and sample them");
  data->require_subcommand(1);
  add_data_inspect(*data, run);
  add_data_check(*data, run);
  add_data_convert(*data, run);
  add_data_exclude(*data, run);
  add_data_sample(*data, run);
  add_data_unanswerable(*data, run);
  data->footer("Example:\n  spanqa data check dev-v2.0.json");
}

}  // namespace spanqa::cli
