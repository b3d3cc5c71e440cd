#include "cli/whole_number.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace spanqa::cli {
namespace {

/// What is wrong with the value of an option; empty: nothing.
std::string fault_of(const std::string& value, const CLI::Validator& validator) {
  CLI::App app;
  std::size_t number = 0;
  app.add_option("--count", number)->check(validator);
  try {
    app.parse("--count " + value);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  EXPECT_EQ(std::to_string(number), value);
  return "";
}

TEST(WholeNumber, NothingButDigitsWithinTheBounds) {
  for (const char* good : {"0", "1", "42", "1000000000000"}) EXPECT_EQ(fault_of(good, whole_number()), "") << good;
  for (const char* bad : {"-1", "+1", "1.5", "1e3", "0x10", "010", "many", "1000000000001", "99999999999999999999"}) {
    EXPECT_EQ(fault_of(bad, whole_number()),
              std::string("--count: '") + bad + "' is not a whole number from 0 to 1000000000000");
  }
  EXPECT_EQ(fault_of("4", whole_number(4, 6)), "");
  EXPECT_NE(fault_of("3", whole_number(4, 6)), "");
  EXPECT_NE(fault_of("7", whole_number(4, 6)), "");
  EXPECT_EQ(fault_of("18446744073709551615", whole_number(0, kMostSeed)), "");
}

TEST(WholeNumber, EveryValueOfAListIsLookedAt) {
  CLI::App app;
  std::vector<std::size_t> limits;
  std::optional<std::size_t> overlap;
  app.add_option("--limit", limits)->check(whole_number());
  app.add_option("--overlap", overlap)->check(whole_number());
  EXPECT_THROW(app.parse("--limit 3 --limit -1"), CLI::ValidationError);
  EXPECT_THROW(app.parse("--overlap -1"), CLI::ValidationError);
  app.parse("--limit 3 --limit 4 --overlap 5");
  EXPECT_EQ(limits, (std::vector<std::size_t>{3, 4}));
  EXPECT_EQ(overlap, 5U);
}

}  // namespace
}  // namespace spanqa::cli
