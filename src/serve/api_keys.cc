#include "serve/api_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "serve/weighted_list.h"

namespace spanqa::serve {
namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 20;
constexpr std::string_view kBearer = "Bearer ";

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// The key after "Bearer", whose case does not count; empty for another scheme.
std::string_view bearer_of(std::string_view authorization) {
  if (!equal_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) return {};
  return trimmed(authorization.substr(kBearer.size()));
}

}  // namespace

Result<ApiKeys> ApiKeys::parse(std::string_view text) {
  ApiKeys keys;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(",\n");
    const std::string_view key = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (key.empty()) continue;
    ++number;
    if (!is_visible(key)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("API key {} holds other than visible ASCII characters", number));
    }
    keys.digests_.push_back(sha256(key));
  }
  if (keys.digests_.empty()) return fail(ErrorCode::kInvalidArgument, "no API key there; leave it out for none");
  return keys;
}

Result<ApiKeys> ApiKeys::read(const std::filesystem::path& file) {
  SPANQA_ASSIGN(const std::string text, read_file(file, kLargestFile));
  std::string lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trimmed(line).starts_with('#')) continue;
    lines.append(line).push_back('\n');
  }
  Result<ApiKeys> keys = parse(lines);
  if (!keys) return fail(keys.error().code, fmt::format("{}: {}", file.string(), keys.error().message));
  return keys;
}

void ApiKeys::add(const ApiKeys& others) {
  digests_.insert(digests_.end(), others.digests_.begin(), others.digests_.end());
}

bool ApiKeys::is_known(std::string_view key) const {
  const Digest digest = sha256(key);
  bool found = false;
  // No early end: how long it takes says nothing of which key is like it.
  for (const Digest& known : digests_) found = equal_in_constant_time(known, digest) || found;
  return found && !key.empty();
}

bool ApiKeys::allows(const HttpRequest& request) const {
  if (!is_on()) return true;
  const bool by_bearer = is_known(bearer_of(request.header("Authorization")));
  const bool by_header = is_known(trimmed(request.header("X-API-Key")));
  return by_bearer || by_header;
}

}  // namespace spanqa::serve
