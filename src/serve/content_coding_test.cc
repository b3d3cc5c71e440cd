#include "serve/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace spanqa::serve {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in = text;
  std::string out(deflateBound(&stream, static_cast<uLong>(in.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

int status_of(const std::string& bytes, std::size_t most) {
  const auto unpacked = gunzip(bytes, most);
  return unpacked ? 200 : error_row(unpacked.error().kind).status;
}

TEST(Gunzip, GivesBackWhatWasPacked) {
  for (const std::string& text : {std::string(), std::string("{\"a\": 1}"), std::string(1 << 20, 'x')}) {
    const auto unpacked = gunzip(gzip(text), 1 << 20);
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(*unpacked, text);
  }
}

TEST(Gunzip, StopsAtTheLimitHoweverSmallTheBodyCame) {
  const std::string bomb = gzip(std::string(100 << 20, '\0'));
  EXPECT_LT(bomb.size(), 200000U);
  EXPECT_EQ(status_of(bomb, 1 << 20), 413);
  EXPECT_EQ(status_of(gzip("12345"), 5), 200);
  EXPECT_EQ(status_of(gzip("123456"), 5), 413);
}

TEST(Gunzip, RefusesWhatIsDamagedCutOffOrFollowed) {
  const std::string whole = gzip("{\"question\": \"q\", \"context\": \"c\"}");
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_EQ(status_of(whole.substr(0, n), 1000), 400) << n;
  EXPECT_EQ(status_of(whole + "x", 1000), 400);
  EXPECT_EQ(status_of(whole + whole, 1000), 400);
  EXPECT_EQ(status_of("{}", 1000), 400);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    (void)gunzip(damaged, 1000);
  }
}

TEST(DecodeBody, GoesByTheHeader) {
  HttpRequest request{.method = "POST", .target = "/"};
  request.body = "{}";
  EXPECT_FALSE(decode_body(request, 10));
  request.headers = {{"Content-Encoding", "Identity"}};
  EXPECT_FALSE(decode_body(request, 10));
  EXPECT_EQ(request.body, "{}");
  request.headers = {{"content-encoding", "GZIP"}};
  request.body = gzip("{\"a\":1}");
  EXPECT_FALSE(decode_body(request, 10));
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_EQ(decode_body(request, 10)->kind, ErrorKind::kInvalidRequest) << "plain, but said to be packed";
  for (const char* other : {"br", "deflate", "gzip, gzip", ""}) {
    request.headers = {{"Content-Encoding", other}};
    EXPECT_EQ(decode_body(request, 10)->kind, ErrorKind::kUnsupportedMediaType) << other;
  }
  request.headers = {{"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}};
  EXPECT_EQ(decode_body(request, 10)->kind, ErrorKind::kUnsupportedMediaType);
}

}  // namespace
}  // namespace spanqa::serve
