// Who may ask, where keys are set.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "serve/digest.h"
#include "serve/http_message.h"

namespace spanqa::serve {

/// Holds no key, only what keys hash to. Threads: immutable.
class ApiKeys {
 public:
  /// No keys: everybody may ask.
  ApiKeys() = default;
  /// Keys of one or more visible ASCII characters each, set apart by commas or line ends; blanks around them do not
  /// count. kInvalidArgument for another one, and where there is none. Messages do not show keys.
  static Result<ApiKeys> parse(std::string_view text);
  /// A key a line; empty lines and those that begin with # do not count.
  static Result<ApiKeys> read(const std::filesystem::path& file);

  bool is_on() const { return !digests_.empty(); }
  /// Whether "Authorization: Bearer KEY" or "X-API-Key: KEY" holds one of the keys; always true where none is set. All
  /// keys are compared, each in constant time.
  bool allows(const HttpRequest& request) const;

  void add(const ApiKeys& others);

 private:
  bool is_known(std::string_view key) const;

  std::vector<Digest> digests_;
};

}  // namespace spanqa::serve
