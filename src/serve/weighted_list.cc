#include "serve/weighted_list.h"

#include <charconv>
#include <system_error>

#include "serve/http_message.h"

namespace spanqa::serve {
namespace {

/// Cuts what stands before the first `mark` off `rest`.
std::string_view next_part(std::string_view& rest, char mark) {
  const std::size_t end = rest.find(mark);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return trimmed(part);
}

double quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = next_part(parameters, ';');
    if (parameter.size() < 2 || !equal_ignoring_case(parameter.substr(0, 2), "q=")) continue;
    double quality = 0.0;
    const std::string_view number = parameter.substr(2);
    const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), quality);
    return code == std::errc() && end == number.data() + number.size() ? quality : 0.0;
  }
  return 1.0;
}

}  // namespace

std::vector<WeightedName> parse_weighted_list(std::string_view value) {
  std::vector<WeightedName> list;
  while (!value.empty()) {
    std::string_view part = next_part(value, ',');
    const std::string_view name = next_part(part, ';');
    if (!name.empty()) list.push_back({name, quality_of(part)});
  }
  return list;
}

double quality_for(const std::vector<WeightedName>& list, std::string_view name) {
  double others = 0.0;
  for (const WeightedName& entry : list) {
    if (equal_ignoring_case(entry.name, name)) return entry.quality;
    if (entry.name == "*") others = entry.quality;
  }
  return others;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace spanqa::serve
