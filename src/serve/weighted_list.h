// Headers that are lists with qualities: Accept, Accept-Encoding.
#pragma once

#include <string_view>
#include <vector>

namespace spanqa::serve {

struct WeightedName {
  std::string_view name;  // "text/html" of "text/html; level=1; q=0.5"
  double quality = 1.0;   // 1 without a q, 0 for one that cannot be read
};

/// The parts between commas, in their order, blanks around them cut off; parts that are empty are left out. The views
/// are of `value`.
std::vector<WeightedName> parse_weighted_list(std::string_view value);

/// The quality of `name`, ASCII case apart, else that of "*", else 0.
double quality_for(const std::vector<WeightedName>& list, std::string_view name);

/// Without the blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace spanqa::serve
