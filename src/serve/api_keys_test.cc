#include "serve/api_keys.h"

#include <gtest/gtest.h>

#include "base/scratch_file.h"

namespace spanqa::serve {
namespace {

HttpRequest with(const std::string& name, const std::string& value) {
  return {.method = "POST", .target = "/predict", .headers = {{name, value}}};
}

TEST(ApiKeys, WithoutKeysEverybodyMayAsk) {
  EXPECT_FALSE(ApiKeys().is_on());
  EXPECT_TRUE(ApiKeys().allows({.method = "POST", .target = "/predict"}));
}

TEST(ApiKeys, TakesAKeyByEitherHeader) {
  const ApiKeys keys = ApiKeys::parse("first, second").value();
  EXPECT_TRUE(keys.allows(with("Authorization", "Bearer first")));
  EXPECT_TRUE(keys.allows(with("authorization", "bearer  second ")));
  EXPECT_TRUE(keys.allows(with("X-API-Key", "second")));
}

TEST(ApiKeys, RefusesWhatIsNoKey) {
  const ApiKeys keys = ApiKeys::parse("first,second").value();
  EXPECT_FALSE(keys.allows({.method = "POST", .target = "/predict"}));
  for (const char* value : {"", "firs", "first,second", "FIRST", "Bearer first"}) {
    EXPECT_FALSE(keys.allows(with("X-API-Key", value))) << value;
  }
  for (const char* value : {"first", "Basic first", "Bearer", "Bearer ", "Bearer third"}) {
    EXPECT_FALSE(keys.allows(with("Authorization", value))) << value;
  }
}

TEST(ApiKeys, RefusesATextThatHoldsNoneOrAnUnfitOne) {
  for (const char* text : {"", " , \n", "one two", "naïve"}) {
    const auto keys = ApiKeys::parse(text);
    ASSERT_FALSE(keys) << text;
    EXPECT_EQ(keys.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(ApiKeys::parse("secret one").error().message.find("secret"), std::string::npos);
}

TEST(ApiKeys, ReadsAFileWithAKeyALine) {
  const spanqa::testing::ScratchFile file("keys", "# ours\r\nfirst\r\n\n  second  \n");
  ApiKeys keys = ApiKeys::read(file.path()).value();
  EXPECT_TRUE(keys.allows(with("X-API-Key", "first")));
  EXPECT_TRUE(keys.allows(with("X-API-Key", "second")));
  EXPECT_FALSE(keys.allows(with("X-API-Key", "# ours")));
  keys.add(ApiKeys::parse("third").value());
  EXPECT_TRUE(keys.allows(with("X-API-Key", "third")));
}

TEST(ApiKeys, SaysWhichFileIsAtFault) {
  const spanqa::testing::ScratchFile empty("keys", "# none yet\n");
  const auto keys = ApiKeys::read(empty.path());
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().message.find(empty.path().string()), std::string::npos);
  EXPECT_EQ(ApiKeys::read("/nowhere/keys").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spanqa::serve
