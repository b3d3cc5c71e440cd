// The flag that names the format of a data file.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "data/example_reader.h"

namespace spanqa::cli {

/// Adds --format to a command; `value` starts as "auto".
inline void add_data_format(CLI::App& command, std::string& value) {
  command.add_option("--format", value, "Format of the data; auto: by extension and first bytes")
      ->check(CLI::IsMember({"auto", "squad", "json", "jsonl", "csv"}))
      ->capture_default_str();
}

inline DataFormat data_format_of(const std::string& name) {
  if (name == "squad") return DataFormat::kSquad;
  if (name == "json") return DataFormat::kJson;
  if (name == "jsonl") return DataFormat::kJsonl;
  return name == "csv" ? DataFormat::kCsv : DataFormat::kAuto;
}

}  // namespace spanqa::cli
