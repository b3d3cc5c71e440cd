#include "serve/request_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace spanqa::serve {
namespace {

constexpr std::size_t kLongest = 128;

std::mt19937_64 seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

std::string random_id() {
  thread_local std::mt19937_64 engine = seeded();
  return fmt::format("{:016x}", static_cast<std::uint64_t>(engine()));
}

std::string request_id(const HttpRequest& request) {
  const std::string_view given = request.header("X-Request-ID");
  const bool is_fit = !given.empty() && given.size() <= kLongest &&
                      std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c <= '~'; });
  return is_fit ? std::string(given) : random_id();
}

}  // namespace spanqa::serve
