// Reading golden rows.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shared_data.h"

namespace spanqa::testing {

/// A JSON file of the shared folder with its keys in file order.
inline nlohmann::ordered_json load_json(const std::string& relative) {
  std::ifstream file(shared_path(relative));
  return nlohmann::ordered_json::parse(file);
}

inline std::vector<nlohmann::json> load_jsonl(const std::string& relative) {
  std::ifstream file(shared_path(relative));
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

}  // namespace spanqa::testing
