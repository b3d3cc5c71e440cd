#include "serve/json_document.h"

#include <gtest/gtest.h>

#include <string>

namespace spanqa::serve {
namespace {

std::string fault(std::string_view text, const JsonBounds& bounds = {}) {
  const auto parsed = parse_json_object(text, bounds);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalidJson);
  return parsed.error().message;
}

TEST(ParseJsonObject, KeepsEveryKindOfValue) {
  const auto parsed = parse_json_object(
      R"({"a": [1, -2, 2.5, true, null, "\u00e9\ud83d\ude00", {}], "b": {"c": {"d": []}}, "e": null, "": ""})");
  ASSERT_TRUE(parsed) << parsed.error().message;
  const nlohmann::json& json = *parsed;
  EXPECT_EQ(json, nlohmann::json::parse(R"({"a":[1,-2,2.5,true,null,"é😀",{}],"b":{"c":{"d":[]}},"e":null,"":""})"));
  EXPECT_TRUE(json["a"][0].is_number_unsigned());
  EXPECT_TRUE(json["a"][1].is_number_integer());
}

TEST(ParseJsonObject, SaysAtWhichByteTheBodyGoesWrong) {
  EXPECT_EQ(fault(""), "the body is not valid JSON in UTF-8 (at byte 1)");
  EXPECT_EQ(fault("{\"a\": }"), "the body is not valid JSON in UTF-8 (at byte 7)");
  EXPECT_EQ(fault("{} {"), "the body is not valid JSON in UTF-8 (at byte 4)");
  EXPECT_NE(fault("{\"a\": NaN}"), "none");
  EXPECT_NE(fault("{\"a\": 1e999}"), "none") << "beyond a double";
}

TEST(ParseJsonObject, RefusesIllFormedUtf8AndLoneSurrogates) {
  EXPECT_NE(fault("{\"a\": \"\xff\"}"), "none");
  EXPECT_NE(fault("{\"a\": \"\xc3\"}"), "none");
  EXPECT_NE(fault(R"({"a": "\ud800"})"), "none");
  EXPECT_NE(fault(R"({"a": "\udc00x"})"), "none");
}

TEST(ParseJsonObject, WantsAnObject) {
  for (const std::string_view text : {"[]", "1", "null", "\"a\"", "[{}]"}) {
    EXPECT_EQ(fault(text), "the body must be a JSON object") << text;
  }
}

TEST(ParseJsonObject, RefusesANameThatStandsTwice) {
  EXPECT_NE(fault(R"({"a": 1, "a": 2})"), "none");
  EXPECT_NE(fault(R"({"a": null, "a": null})"), "none");
  EXPECT_NE(fault(R"({"b": {"a": 1, "\u0061": 2}})"), "none");
  EXPECT_EQ(fault(R"({"a": {"a": 1}, "b": {"a": 1}})"), "none");
}

TEST(ParseJsonObject, KeepsToItsBounds) {
  const JsonBounds bounds{.depth = 3, .values = 6};
  EXPECT_EQ(fault(R"({"a": [[1, 2, 3]]})", bounds), "none");
  EXPECT_EQ(fault(R"({"a": [[[]]]})", bounds), "the body cannot be read: it is nested too deep");
  EXPECT_EQ(fault(R"({"a": [1, 2, 3, 4, 5]})", bounds), "the body cannot be read: it holds too many values");
  EXPECT_NE(fault(std::string(8 << 20, '[')), "none");
  EXPECT_NE(fault("{\"a\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}"), "none");
}

TEST(ParseJsonObject, WholeNumbersBeyond64BitsAreDoubles) {
  const auto parsed = parse_json_object(R"({"a": 123456789012345678901234567890})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)["a"].get<double>(), 123456789012345678901234567890.0);
}

}  // namespace
}  // namespace spanqa::serve
