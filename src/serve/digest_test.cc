#include "serve/digest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spanqa::serve {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(Sha256, GivesTheStandardsExample) {  // FIPS 180-2, appendix B.1
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsWrittenInBase64) { EXPECT_EQ(base64(sha256("")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="); }

TEST(Sha256, OfPartsTellsWhereOneEnds) {
  const std::vector<std::string_view> one = {"ab", "c"};
  const std::vector<std::string_view> other = {"a", "bc"};
  const std::vector<std::string_view> same = {std::string_view("abc").substr(0, 2), "c"};
  EXPECT_NE(sha256(one), sha256(other));
  EXPECT_EQ(sha256(one), sha256(same));
}

TEST(Sha256, IsComparedByteByByte) {
  const Digest digest = sha256("key");
  for (std::size_t i = 0; i < digest.size(); ++i) {
    Digest other = digest;
    other[i] ^= 1U;
    EXPECT_FALSE(equal_in_constant_time(digest, other));
  }
  EXPECT_TRUE(equal_in_constant_time(digest, sha256("key")));
}

}  // namespace
}  // namespace spanqa::serve
