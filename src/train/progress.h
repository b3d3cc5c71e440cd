// How far a run is, in one line.
#pragma once

#include <cstddef>
#include <string>

#include "train/records.h"

namespace spanqa {

/// "━━━━────  1240/4530  loss 1.234  24.1 windows/s  12 min left  lr 4.21e-05  1.8 GB", at most `columns` columns and
/// never more than 80. Where there is little room the bar goes first, then the parts at the end. No line end. A pure
/// function.
std::string progress_line(const StepRecord& record, std::size_t columns);

}  // namespace spanqa
