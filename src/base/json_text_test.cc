#include "base/json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace spanqa {
namespace {

TEST(JsonNumber, PrintsAsPythonsReprDoes) {
  EXPECT_EQ(json_number(1.0), "1.0");
  EXPECT_EQ(json_number(0.0), "0.0");
  EXPECT_EQ(json_number(-0.0), "-0.0");
  EXPECT_EQ(json_number(static_cast<double>(0.99876547F)), "0.9987654685974121");
  EXPECT_EQ(json_number(1e-4), "0.0001");
  EXPECT_EQ(json_number(1e-5), "1e-05");
  EXPECT_EQ(json_number(123456789012345680.0), "1.2345678901234568e+17");
  EXPECT_EQ(json_number(1e15), "1000000000000000.0");
  EXPECT_EQ(json_number(1e16), "1e+16");
  EXPECT_EQ(json_number(1e100), "1e+100");
  EXPECT_EQ(json_number(std::nan("")), "NaN");
  EXPECT_EQ(json_number(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(JsonString, EscapesAsJsonDumpsDoes) {
  EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_string("\n\r\t\b\f\x01"), R"("\n\r\t\b\f\u0001")");
  EXPECT_EQ(json_string("\u00e9\u20ac\U0001F600"), R"("\u00e9\u20ac\ud83d\ude00")");
  EXPECT_EQ(json_string("\xFF"), R"("\ufffd")");
  EXPECT_EQ(json_string("\x7F~"), R"("\u007f~")");
}

TEST(PlainJsonFault, LosesItsNumberAlone) {
  EXPECT_EQ(plain_json_fault("[json.exception.parse_error.101] parse error at line 1"), "parse error at line 1");
  EXPECT_EQ(plain_json_fault("[json.exception."), "[json.exception.");
  EXPECT_EQ(plain_json_fault("[1] is read"), "[1] is read");
  EXPECT_EQ(plain_json_fault(""), "");
}

}  // namespace
}  // namespace spanqa
