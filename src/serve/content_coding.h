// Bodies that come packed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "serve/api_error.h"

namespace spanqa::serve {

/// What `bytes` (one gzip member) hold. kBodyTooLarge as soon as it is more than `most` bytes, however small it came;
/// kInvalidRequest where it is damaged, cut off, or followed by anything.
Parsed<std::string> gunzip(std::string_view bytes, std::size_t most);

/// Undoes the request's Content-Encoding in its body: gzip, x-gzip, identity. kUnsupportedMediaType for another one,
/// several among them. Cost: O(bytes), some 300 MB a second: not for a thread that others wait for, where bodies are
/// large.
std::optional<ApiError> decode_body(HttpRequest& request, std::size_t most);

}  // namespace spanqa::serve
