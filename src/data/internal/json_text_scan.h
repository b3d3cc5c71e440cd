// Walks the outside of a JSON text: finds where values begin and end without reading what is in them.
//
// A file of examples is cut into paragraphs or rows with it, and each of these is then parsed and checked in full by
// simdjson. So one pass at the speed of memchr finds every piece, and no tree of the whole file is ever built.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spanqa {

/// A half-open byte range of the text.
struct JsonSlice {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Every call returns false when the text is not JSON at that place; offset() then says where.
///
/// What lies inside a value() is only checked for its quotes and the number of its brackets.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text, std::size_t offset = 0) : text_(text), offset_(offset) {}

  std::size_t offset() const { return offset_; }
  /// The next byte that is not blank, unread; '\0' at the end.
  char peek();
  /// Steps over `c`.
  bool take(char c);
  /// Steps over the next value.
  bool value(JsonSlice& slice);

  enum class Step : unsigned char { kItem, kEnd, kFault };
  /// Within an object whose '{' was taken: steps over the next key and its colon, or over the closing '}'.
  /// `key` is the key's bytes between the quotes, escapes unread. `first` is true before the first member.
  Step next_member(bool& first, std::string_view& key);
  /// Within an array whose '[' was taken: steps to the next element, or over the closing ']'.
  Step next_element(bool& first);

 private:
  bool string(JsonSlice& slice);
  bool scalar();
  bool container();
  Step next(bool& first, char closing);

  std::string_view text_;
  std::size_t offset_;
};

/// Replaces \u escapes of surrogates that have no partner by \ufffd, in place and at equal length. Python reads such an
/// escape as one code point, so answer_start counted there stays right. `text` is one JSON value.
void replace_lone_surrogates(char* text, std::size_t size);

/// What is wrong with a text that should be one JSON value, and where.
struct JsonFault {
  std::size_t offset = 0;
  std::string message;
};
/// Slow and exact: for texts already known to be ill-formed.
JsonFault explain_json_fault(std::string_view text);

/// Line and column (both from 1; the column in code points) of a byte, as "line 3, column 17".
std::string place_of(std::string_view text, std::size_t offset);

}  // namespace spanqa
