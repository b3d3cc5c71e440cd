// Any bytes are a text: repair, counting and positions agree with each other and stay within the bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const spanqa::TextIndex index(text);
  std::string rebuilt;
  std::size_t n_points = 0;
  for (std::size_t at = 0; at < text.size();) {
    const spanqa::TextPosition place = index.at_byte(at);
    SPANQA_CHECK(place.byte == at && place.code_point == n_points);
    SPANQA_CHECK(index.at_code_point(n_points) == place);
    const spanqa::CodePoint point = spanqa::decode_utf8(text, at);
    SPANQA_CHECK(point.bytes >= 1 && point.bytes <= text.size() - at);
    spanqa::append_utf8(rebuilt, point.value);
    at += point.bytes;
    ++n_points;
  }
  SPANQA_CHECK(index.end().byte == text.size() && index.end().code_point == n_points);
  SPANQA_CHECK(spanqa::count_code_points(text) == n_points);
  SPANQA_CHECK(spanqa::to_valid_utf8(text) == rebuilt && spanqa::is_valid_utf8(rebuilt));
  SPANQA_CHECK(spanqa::is_valid_utf8(text) == (rebuilt == text));
  return 0;
}
