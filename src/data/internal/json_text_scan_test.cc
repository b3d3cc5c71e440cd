#include "data/internal/json_text_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spanqa {
namespace {

using Step = JsonScanner::Step;

/// The value at the beginning of `text`; "fault" when there is none.
std::string value_of(std::string_view text) {
  JsonScanner scanner(text);
  JsonSlice slice;
  if (!scanner.value(slice)) return "fault";
  return std::string(text.substr(slice.begin, slice.end - slice.begin));
}

TEST(JsonScanner, FindsTheEndOfAValue) {
  const struct {
    const char* text;
    const char* value;
  } cases[] = {
      {" 12, 3", "12"},
      {"true]", "true"},
      {"\"a\" , 1", "\"a\""},
      {R"("a\"b" 1)", R"("a\"b")"},
      {R"("a\\" 1)", R"("a\\")"},
      {R"("a\\\"b" 1)", R"("a\\\"b")"},
      {R"([1, "]", {"}": "["}] x)", R"([1, "]", {"}": "["}])"},
      {R"({"a": {"b": []}}})", R"({"a": {"b": []}})"},
      {"[]", "[]"},
      {"\"\"", "\"\""},
      {"", "fault"},
      {"  ", "fault"},
      {",", "fault"},
      {"]", "fault"},
      {"\"open", "fault"},
      {"\"open\\\"", "fault"},
      {"[1, [2]", "fault"},
      {R"({"a": "b)", "fault"},
  };
  for (const auto& c : cases) EXPECT_EQ(value_of(c.text), c.value) << c.text;
}

/// Keys and values of an object, and how the walk ended.
std::string walk_object(std::string_view text) {
  JsonScanner scanner(text);
  JsonSlice slice;
  std::string_view key;
  std::string seen;
  bool first = true;
  if (!scanner.take('{')) return "fault";
  while (true) {
    const Step step = scanner.next_member(first, key);
    if (step == Step::kEnd) return seen + "end";
    if (step == Step::kFault || !scanner.value(slice)) return seen + "fault";
    seen += std::string(key) + "=" + std::string(text.substr(slice.begin, slice.end - slice.begin)) + " ";
  }
}

std::string walk_array(std::string_view text) {
  JsonScanner scanner(text);
  JsonSlice slice;
  std::string seen;
  bool first = true;
  if (!scanner.take('[')) return "fault";
  while (true) {
    const Step step = scanner.next_element(first);
    if (step == Step::kEnd) return seen + "end";
    if (step == Step::kFault || !scanner.value(slice)) return seen + "fault";
    seen += std::string(text.substr(slice.begin, slice.end - slice.begin)) + " ";
  }
}

TEST(JsonScanner, WalksObjectsAndArrays) {
  EXPECT_EQ(walk_object(R"({"a": 1, "b" : [2,3] })"), "a=1 b=[2,3] end");
  EXPECT_EQ(walk_object("{}"), "end");
  EXPECT_EQ(walk_object(R"({"a": 1,})"), "a=1 fault");
  EXPECT_EQ(walk_object(R"({"a": 1 "b": 2})"), "a=1 fault");
  EXPECT_EQ(walk_object(R"({"a" 1})"), "fault");
  EXPECT_EQ(walk_object(R"({, "a": 1})"), "fault");
  EXPECT_EQ(walk_object(R"({a: 1})"), "fault");
  EXPECT_EQ(walk_object(R"({"a": )"), "fault");
  EXPECT_EQ(walk_object("{"), "fault");
  EXPECT_EQ(walk_array("[1, {\"x\": 2}]"), "1 {\"x\": 2} end");
  EXPECT_EQ(walk_array("[ ]"), "end");
  EXPECT_EQ(walk_array("[1,]"), "1 fault");
  EXPECT_EQ(walk_array("[,]"), "fault");
  EXPECT_EQ(walk_array("[1"), "1 fault");
}

TEST(ReplaceLoneSurrogates, TouchesNothingElse) {
  const struct {
    const char* text;
    const char* repaired;
  } cases[] = {
      {R"("\ud834\udd1e")", R"("\ud834\udd1e")"},
      {R"("\uD834\uDD1E")", R"("\uD834\uDD1E")"},
      {R"("\ud834")", R"("\ufffd")"},
      {R"("\udd1e")", R"("\ufffd")"},
      {R"("\ud834\ud834\udd1e")", R"("\ufffd\ud834\udd1e")"},
      {R"("\udd1e\ud834")", R"("\ufffd\ufffd")"},
      {R"("\ud834\n\udd1e")", R"("\ufffd\n\ufffd")"},
      {R"("\\ud834")", R"("\\ud834")"},
      {R"("\\\ud834")", R"("\\\ufffd")"},
      {R"("\u00e9\ud8)", R"("\u00e9\ud8)"},
      {R"("\uzzzz\)", R"("\uzzzz\)"},
      {"", ""},
  };
  for (const auto& c : cases) {
    std::string text = c.text;
    replace_lone_surrogates(text.data(), text.size());
    EXPECT_EQ(text, c.repaired) << c.text;
  }
}

TEST(ExplainJsonFault, PointsAtTheFirstFault) {
  const struct {
    std::string_view text;
    std::size_t offset;
    const char* message;
  } cases[] = {
      {"{\"a\": 1 \"b\"}", 8, "unexpected string literal; expected '}'"},
      {"[1, 2", 5, "unexpected end of input"},
      {"[1, x]", 4, "invalid literal"},
      {"[\"caf\xE9\"]", 5, "byte 0xE9 is not UTF-8"},
      {"[NaN]", 1, "invalid literal"},
  };
  for (const auto& c : cases) {
    const JsonFault fault = explain_json_fault(c.text);
    EXPECT_EQ(fault.offset, c.offset) << c.text;
    EXPECT_NE(fault.message.find(c.message), std::string::npos) << fault.message;
  }
}

TEST(PlaceOf, CountsLinesAndCodePoints) {
  EXPECT_EQ(place_of("", 0), "line 1, column 1");
  EXPECT_EQ(place_of("ab\ncdé!", 7), "line 2, column 4");
  EXPECT_EQ(place_of("ab\n", 3), "line 2, column 1");
  EXPECT_EQ(place_of("ab", 99), "line 1, column 3");
}

}  // namespace
}  // namespace spanqa
