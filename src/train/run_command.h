// A run as a line that a shell can run again.
#pragma once

#include <string>

#include "train/options.h"

namespace spanqa {

/// "spanqa train" with a flag for each setting that differs from its default, and for those whose default is another
/// one in the program (precision); words are quoted where a shell would not take them as they are.
std::string run_command(const TrainOptions& options);

}  // namespace spanqa
