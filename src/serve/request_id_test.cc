#include "serve/request_id.h"

#include <gtest/gtest.h>

#include <set>

namespace spanqa::serve {
namespace {

std::string id_for(const std::string& value) {
  return request_id({.method = "GET", .target = "/", .headers = {{"x-request-id", value}}});
}

bool is_random(const std::string& id) {
  return id.size() == 16 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

TEST(RequestId, IsTheClientsWhereItIsVisibleAscii) {
  EXPECT_EQ(id_for("a"), "a");
  EXPECT_EQ(id_for("7f3c-~!"), "7f3c-~!");
  EXPECT_EQ(id_for(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(RequestId, IsMadeWhereTheClientsIsUnfit) {
  for (const std::string& value : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\tb"),
                                   std::string("\x7f"), std::string("é")}) {
    EXPECT_TRUE(is_random(id_for(value))) << value;
  }
  EXPECT_TRUE(is_random(request_id({.method = "GET", .target = "/"})));
}

TEST(RandomId, DiffersEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_id()).second);
}

}  // namespace
}  // namespace spanqa::serve
