#include "cli/whole_number.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace spanqa::cli {

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const auto fault_of = [low, high](const std::string& text) -> std::string {
    std::uint64_t value = 0;
    const bool is_number = std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
    if (is_number && std::to_string(value) == text && low <= value && value <= high) return {};
    return fmt::format("'{}' is not a whole number from {} to {}", text, low, high);
  };
  return {fault_of, ""};
}

}  // namespace spanqa::cli
