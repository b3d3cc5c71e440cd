#include "data/internal/csv_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace spanqa {
namespace {

/// Records as "line:field|field;", and the message of an error.
std::string read_all(const std::string& text) {
  std::istringstream stream(text);
  CsvTable table(Input::wrap(stream, "t.csv"));
  std::vector<std::string_view> fields;
  std::string seen;
  while (true) {
    const auto found = table.next(fields);
    if (!found) return seen + found.error().message;
    if (!*found) return seen;
    seen += fmt::format("{}:{}", table.line(), fmt::join(fields, "|"));
    seen += ";";
  }
}

TEST(CsvTable, ReadsRecordsOfRfc4180) {
  const struct {
    const char* text;
    const char* records;
  } cases[] = {
      {"a,b\r\nc,d\r\n", "1:a|b;2:c|d;"},
      {"a,b\nc,d", "1:a|b;2:c|d;"},
      {"a,b\rc,d\r", "1:a|b;2:c|d;"},
      {"a,\n,b\n,\n", "1:a|;2:|b;3:|;"},
      {"\"a,b\",c\n", "1:a,b|c;"},
      {"\"a\"\"b\",\"\",\"\"\"\"\n", "1:a\"b||\";"},
      {"\"a\r\nb\",c\r\nd,e", "1:a\r\nb|c;3:d|e;"},
      {"\"a\nb\nc\"\nd", "1:a\nb\nc;4:d;"},
      {"\n\na\n\n\r\nb\n", "3:a;6:b;"},
      {"a\"b\"c,d\n", "1:a\"b\"c|d;"},
      {" \"a\",b\n", "1: \"a\"|b;"},
      {"a,\"b\"", "1:a|b;"},
      {"", ""},
      {"\n\n", ""},
      {"a\n\"b\nc", "1:a;t.csv:2: the file ends within a quoted field; expected its closing quote"},
      {"\"a\"b\n", "t.csv:1: field 1 goes on after its closing quote; quotes within a field are doubled"},
      {"x,\"a\"\"\" \n", "t.csv:1: field 2 goes on after its closing quote; quotes within a field are doubled"},
  };
  for (const auto& c : cases) EXPECT_EQ(read_all(c.text), c.records) << c.text;
}

TEST(CsvTable, ReadsRecordsLongerThanItsBuffer) {
  const std::string longer(900'000, 'x');
  EXPECT_EQ(read_all("\"" + longer + "\n\"\"\",b\nc,d\n"), "1:" + longer + "\n\"|b;3:c|d;");
}

TEST(CsvTable, StopsAtAQuoteLeftOpen) {
  const std::string text = "a\n\"" + std::string(std::size_t{65} << 20, 'x');
  const std::string seen = read_all(text);
  EXPECT_EQ(seen, "1:a;t.csv:2: a record of more than 64 MB; is a quote left open?");
}

}  // namespace
}  // namespace spanqa
