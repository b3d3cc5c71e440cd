// SHA-256, for keys that nobody can collide and secrets that are not kept.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace spanqa::serve {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);

/// Of several parts, each with its length (8 bytes) before it: no two lists of parts give the same bytes.
Digest sha256(std::span<const std::string_view> parts);

/// As Content-Security-Policy and Subresource Integrity write it (RFC 4648, section 4).
std::string base64(const Digest& digest);

/// Takes the same time whatever the bytes are.
bool equal_in_constant_time(const Digest& a, const Digest& b);

}  // namespace spanqa::serve
