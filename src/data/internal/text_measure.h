// Blanks, words and ill-formed bytes of a text, as the data room counts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace spanqa {

/// The code points with Unicode's property White_Space (PropList.txt, Unicode 15).
bool is_blank_code_point(char32_t c);

/// Whether the text is empty or blanks only.
bool is_blank_text(std::string_view text);

/// Words are longest runs of code points that are not blank.
std::size_t count_words(std::string_view text);

/// The part between leading and trailing blanks; empty for a blank text.
std::string_view trim_blanks(std::string_view text);

/// The first byte that does not stand in well-formed UTF-8; text.size() when all do.
std::size_t find_ill_formed_utf8(std::string_view text);

/// 64 bits that are the same on every machine: FNV-1a (Fowler, Noll, Vo) with its published offset and prime, finished
/// by the mixing step of SplitMix64. Not for adversaries.
std::uint64_t text_key(std::string_view text, std::uint64_t seed = 0);

}  // namespace spanqa
