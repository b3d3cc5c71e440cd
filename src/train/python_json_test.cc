#include "train/python_json.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

TEST(PythonJson, HasTheFormOfJsonDumps) {
  nlohmann::ordered_json document;
  document["z"] = 5e-05;
  document["text"] = "\xC3\xA9\"";
  document["list"] = {1, -2, true, nullptr};
  document["empty"] = nlohmann::ordered_json::array();
  document["none"] = nlohmann::ordered_json::object();
  document["inner"]["x"] = 3.0;
  EXPECT_EQ(python_json(document), R"({
  "z": 5e-05,
  "text": "\u00e9\"",
  "list": [
    1,
    -2,
    true,
    null
  ],
  "empty": [],
  "none": {},
  "inner": {
    "x": 3.0
  }
})");
}

TEST(PythonJson, SortsWhatIsSorted) {
  EXPECT_EQ(python_json(nlohmann::json{{"b", 1}, {"a", 2}}), "{\n  \"a\": 2,\n  \"b\": 1\n}");
}

TEST(ParseJsonObject, RefusesWhatIsNoObject) {
  for (const char* const text : {"", "[]", "1", "{", "{\"a\":1}x"}) {
    const auto parsed = parse_json_object(text, "state.json");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(parsed.error().message, "state.json: is not a JSON object");
  }
  EXPECT_TRUE(parse_json_object("{}", "state.json"));
}

TEST(ParseJsonObject, RefusesBottomlessNesting) {
  for (const std::size_t depth : {10U, 60U}) {
    EXPECT_TRUE(parse_json_object("{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}", "x")) << depth;
  }
  const std::string deep = "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  const auto parsed = parse_json_object(deep, "x");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("nested"), std::string::npos);
  EXPECT_FALSE(parse_json_object("{\"a\":" + std::string(200000, '['), "x"));
}

}  // namespace
}  // namespace spanqa
