#include "train/run_command.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

TEST(RunCommand, NamesWhatDiffersFromTheDefaults) {
  TrainOptions options;
  options.model = "base";
  options.output = "runs/mine";
  options.train = {{.path = "train.json"}};
  options.learning_rate = 1e-4;
  options.squad_v2 = true;
  options.group_by_length = true;
  EXPECT_EQ(run_command(options),
            "spanqa train --train train.json --precision float32 --model base --output runs/mine --squad-v2 "
            "--group-by-length --learning-rate 0.0001");
}

TEST(RunCommand, QuotesWhatAShellWouldTakeApart) {
  TrainOptions options;
  options.train = {{.path = "my data/it's.json", .limit = 8}, {.path = "$(b).json", .weight = 0.5}};
  EXPECT_EQ(run_command(options),
            "spanqa train --train 'my data/it'\\''s.json' --train-limit 8 --train-weight 1 --train '$(b).json' "
            "--train-limit 0 --train-weight 0.5 --precision float32");
}

}  // namespace
}  // namespace spanqa
