#include "serve/api_error.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace spanqa::serve {
namespace {

TEST(ErrorTable, EveryKindHasAStatusOfAnErrorAReasonAndACodeOfItsOwn) {
  std::set<std::string_view> codes;
  for (const ErrorRow& row : error_table()) {
    EXPECT_GE(row.status, 400) << row.code;
    EXPECT_LT(row.status, 600) << row.code;
    EXPECT_NE(reason_phrase(row.status), "Unknown") << row.status;
    EXPECT_FALSE(row.meaning.empty()) << row.code;
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
  }
}

TEST(ErrorJson, NamesCodeFieldAndLimit) {
  EXPECT_EQ(error_json({.kind = ErrorKind::kInvalidField, .message = "top_k must be 1", .field = "top_k"}),
            R"({"error":"top_k must be 1","code":"invalid_field","field":"top_k"})");
  EXPECT_EQ(error_json({.kind = ErrorKind::kContextTooLong, .message = "too long", .field = "context", .limit = 7}),
            R"({"error":"too long","code":"context_too_long","field":"context","limit":7})");
}

TEST(ErrorJson, PredictsOwnErrorIsTheContractsByteForByte) {
  EXPECT_EQ(error_json({.kind = ErrorKind::kMissingFields}), R"({"error":"Please provide both question and context"})");
}

TEST(ErrorJson, WithoutAMessageSaysWhatTheKindMeans) {
  EXPECT_EQ(error_json({.kind = ErrorKind::kNoIndex}), R"({"error":"no index loaded","code":"no_index"})");
}

TEST(ErrorJson, IsJsonWhateverBytesTheMessageHolds) {
  const std::string json = error_json({.kind = ErrorKind::kInvalidJson, .message = "a\xff\x01\"b"});
  EXPECT_TRUE(nlohmann::json::accept(json)) << json;
}

TEST(ErrorResponse, BringsTheHeadersThatItsStatusAsksFor) {
  EXPECT_EQ(error_response({.kind = ErrorKind::kMethodNotAllowed, .allow = "GET, HEAD"}).header("allow"), "GET, HEAD");
  EXPECT_EQ(error_response({.kind = ErrorKind::kQueueFull, .retry_after_seconds = 3}).header("Retry-After"), "3");
  EXPECT_EQ(error_response({.kind = ErrorKind::kUnauthorized}).header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(error_response({.kind = ErrorKind::kUnsupportedMediaType}).header("Accept-Encoding"), "gzip");
  const HttpResponse refused = error_response({.kind = ErrorKind::kBodyTooLarge});
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.header("content-type"), "application/json");
  EXPECT_TRUE(refused.close);
  EXPECT_FALSE(error_response({.kind = ErrorKind::kInvalidField}).close);
}

}  // namespace
}  // namespace spanqa::serve
