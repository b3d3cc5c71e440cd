#include "serve/body_fields.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;

struct Sample {
  int count = 3;
  std::optional<std::size_t> width;
  double share = 0.5;
  bool loud = true;
  std::string name;
  std::string color = "red";
  int n_custom = 0;
};

template <typename Visitor>
void visit(Visitor& visitor, Sample& sample) {
  visitor.integer(Field{"count", "How many."}, sample.count, IntegerRange{1, 9});
  visitor.integer(Field{"width", "How wide."}, sample.width, IntegerRange{0, 4096});
  visitor.number(Field{"share", "How much."}, sample.share, NumberRange{0.0, 1.0});
  visitor.boolean(Field{"loud", "How loud."}, sample.loud);
  visitor.text(Field{"name", "Whose.", Presence::kRequired}, sample.name, TextLimit{4});
  visitor.choice(Field{"color", "Which."}, sample.color, {"red", "green"});
  visitor.custom(
      Field{"custom", "Its own."}, [] { return nlohmann::ordered_json{{"type", "integer"}}; },
      [&](const Json& value, const std::string& path) -> std::optional<ApiError> {
        if (!value.is_number_integer()) return ApiError{.kind = ErrorKind::kInvalidField, .field = path};
        sample.n_custom = value.get<int>();
        return std::nullopt;
      });
}

std::string fault(const Json& json, Sample& sample, UnknownFields unknown = UnknownFields::kRefused) {
  FieldReader reader(json, "at");
  visit(reader, sample);
  const auto error = reader.fault(unknown);
  return error ? error->field + ": " + error->message : "";
}

TEST(FieldReader, ReadsEveryKindAndLeavesTheRestAtItsDefault) {
  Sample sample;
  EXPECT_EQ(
      fault({{"name", "é"}, {"width", 7}, {"share", 1}, {"loud", false}, {"color", "green"}, {"custom", 2}}, sample),
      "");
  EXPECT_EQ(sample.count, 3);
  EXPECT_EQ(sample.width, 7U);
  EXPECT_EQ(sample.share, 1.0);
  EXPECT_FALSE(sample.loud);
  EXPECT_EQ(sample.name, "é");
  EXPECT_EQ(sample.color, "green");
  EXPECT_EQ(sample.n_custom, 2);
}

TEST(FieldReader, TheFirstFaultCountsAndNamesItsPlace) {
  Sample sample;
  EXPECT_EQ(fault({{"count", 0}, {"share", 2}}, sample),
            "at.count: at.count must be a whole number from 1 to 9 (got 0)");
  EXPECT_EQ(fault(Json::object(), sample), "at.name: at.name is missing");
  EXPECT_EQ(fault({{"name", ""}}, sample), "at.name: at.name must not be empty");
  EXPECT_EQ(fault({{"name", "éééé"}}, sample), "") << "where the schema says the limit it counts characters";
  EXPECT_EQ(fault({{"name", "ééééé"}}, sample), "at.name: at.name has 5 characters; at most 4 are taken");
  EXPECT_EQ(fault({{"name", "a"}, {"custom", "b"}}, sample), "at.custom: ");
  EXPECT_EQ(fault({{"name", "a"}, {"color", 1}}, sample),
            "at.color: at.color must be one of \"red\", \"green\" (got 1)");
}

TEST(FieldReader, UnknownNamesAreRefusedOrIgnored) {
  Sample sample;
  const Json json = {{"name", "a"}, {"other", 1}};
  EXPECT_EQ(fault(json, sample), "at.other: at.other is no field here");
  EXPECT_EQ(fault(json, sample, UnknownFields::kIgnored), "");
  const std::string long_name(1000, 'x');
  EXPECT_EQ(fault({{"name", "a"}, {long_name, 1}}, sample), "at.a longer name: at.a longer name is no field here");
}

TEST(FieldSchema, SaysWhatTheReaderDoes) {
  Sample sample;
  FieldSchema visitor;
  visit(visitor, sample);
  const Json schema = visitor.schema(UnknownFields::kRefused);
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], Json{"name"});
  const Json& properties = schema["properties"];
  EXPECT_EQ(properties["count"],
            Json::parse(R"({"type":"integer","minimum":1,"maximum":9,"default":3,"description":"How many."})"));
  EXPECT_FALSE(properties["width"].contains("default"));
  EXPECT_EQ(properties["share"]["default"], 0.5);
  EXPECT_EQ(properties["loud"]["default"], true);
  EXPECT_EQ(properties["name"]["maxLength"], 4);
  EXPECT_EQ(properties["color"]["enum"], (Json{"red", "green"}));
  EXPECT_EQ(properties["custom"]["type"], "integer");
  EXPECT_FALSE(Json(visitor.schema(UnknownFields::kIgnored)).contains("additionalProperties"));
}

TEST(WholeNumber, IsExactOrNothing) {
  EXPECT_EQ(whole_number(3.0), 3);
  EXPECT_EQ(whole_number(-3), -3);
  EXPECT_EQ(whole_number(9007199254740993), 9007199254740993);
  EXPECT_FALSE(whole_number(1.5).has_value());
  EXPECT_FALSE(whole_number(1e300).has_value());
  EXPECT_FALSE(whole_number(18446744073709551615U).has_value());
  EXPECT_FALSE(whole_number(true).has_value());
  EXPECT_FALSE(whole_number("3").has_value());
}

TEST(Shown, NeverRepeatsMuchOfWhatWasSent) {
  EXPECT_EQ(shown("ab\"c"), "\"ab\\\"c\"");
  EXPECT_EQ(shown(std::string(81, 'a')), "a longer text");
  EXPECT_EQ(shown(Json::array({1, 2})), "a list");
  EXPECT_EQ(shown(Json::object()), "an object");
  EXPECT_EQ(shown(nullptr), "null");
}

}  // namespace
}  // namespace spanqa::serve
