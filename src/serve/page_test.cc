#include "serve/page.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "base/file.h"
#include "serve/content_coding.h"

namespace spanqa::serve {
namespace {

HttpRequest request_with(std::vector<Header> headers) {
  return {.method = "GET", .target = "/", .headers = std::move(headers)};
}

std::string source_text(const PageFile& file) {
  const std::string folder = std::string(SPANQA_SOURCE_DIR) + "/src/serve/page/" + (file.is_asset ? "assets/" : "");
  const auto bytes = read_file(folder + std::string(file.name));
  EXPECT_TRUE(bytes) << file.name;
  return bytes ? *bytes : std::string();
}

TEST(PageFiles, AreThoseOfTheFolderInBothForms) {
  ASSERT_GE(page_files().size(), 1U);
  std::set<std::string_view> tags;
  for (const PageFile& file : page_files()) {
    EXPECT_EQ(file.plain.bytes, source_text(file)) << file.name;
    const auto unpacked = gunzip(file.gzip.bytes, std::size_t{8} << 20);
    ASSERT_TRUE(unpacked) << file.name;
    EXPECT_EQ(*unpacked, file.plain.bytes) << file.name;
    for (const std::string_view tag : {file.plain.etag, file.gzip.etag}) {
      EXPECT_EQ(tag.size(), 66U);
      EXPECT_TRUE(tag.front() == '"' && tag.back() == '"');
      EXPECT_TRUE(tags.insert(tag).second) << "two forms with one tag: " << file.name;
    }
  }
}

TEST(PageFiles, OfThePageLeadToEachOther) {
  const std::string html(page_index().plain.bytes);
  EXPECT_EQ(page_index().content_type, "text/html; charset=utf-8");
  const std::regex reference("(?:src|href)=\"\\./assets/([^\"]+)\"");
  for (auto found = std::sregex_iterator(html.begin(), html.end(), reference); found != std::sregex_iterator();
       ++found) {
    EXPECT_NE(find_page_asset((*found)[1].str()), nullptr) << (*found)[1].str();
  }
  EXPECT_EQ(find_page_asset("index.html"), nullptr) << "the page is no asset";
  EXPECT_EQ(find_page_asset("../index.html"), nullptr);
  EXPECT_EQ(find_page_asset(""), nullptr);
}

TEST(PageFiles, HoldNoInlineScriptOrStyle) {
  const std::string html(page_index().plain.bytes);
  EXPECT_FALSE(std::regex_search(html, std::regex("<script(?![^>]*\\ssrc=)")));
  EXPECT_FALSE(std::regex_search(html, std::regex("<style|\\sstyle=|\\son[a-z]+=|javascript:")));
  EXPECT_FALSE(std::regex_search(html, std::regex("(?:src|href)=\"(?:https?:)?//")));
}

TEST(PageResponse, ComesPackedToThoseWhoTakeIt) {
  const PageFile& file = page_index();
  const HttpResponse plain = page_response(file, request_with({}));
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body, file.plain.bytes);
  EXPECT_EQ(plain.header("ETag"), file.plain.etag);
  EXPECT_FALSE(has_header(plain.headers, "Content-Encoding"));

  const HttpResponse packed = page_response(file, request_with({{"Accept-Encoding", "gzip, deflate, br"}}));
  EXPECT_EQ(packed.body, file.gzip.bytes);
  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.header("ETag"), file.gzip.etag);
  for (const HttpResponse& response : {plain, packed}) {
    EXPECT_EQ(response.header("Vary"), "Accept-Encoding");
    EXPECT_EQ(response.header("Content-Type"), file.content_type);
    EXPECT_EQ(response.header("Cache-Control"), "no-cache");
  }
  const HttpResponse refused = page_response(file, request_with({{"Accept-Encoding", "gzip;q=0, *"}}));
  EXPECT_EQ(refused.body, file.plain.bytes);
}

TEST(PageResponse, Is304ToThoseWhoHaveIt) {
  const PageFile& file = page_index();
  for (const std::string& known : {std::string(file.plain.etag), "W/" + std::string(file.plain.etag),
                                   "\"other\", " + std::string(file.plain.etag), std::string("*")}) {
    const HttpResponse response = page_response(file, request_with({{"If-None-Match", known}}));
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_TRUE(response.body.empty());
    EXPECT_EQ(response.header("ETag"), file.plain.etag);
  }
  EXPECT_EQ(page_response(file, request_with({{"If-None-Match", "\"other\""}})).status, 200);
  const HttpRequest packed =
      request_with({{"If-None-Match", std::string(file.plain.etag)}, {"Accept-Encoding", "gzip"}});
  EXPECT_EQ(page_response(file, packed).status, 200) << "the tag of another form";
}

TEST(PageResponse, LetsNothingInFromElsewhere) {
  const HttpResponse response = page_response(page_index(), request_with({}));
  const std::string policy(response.header("Content-Security-Policy"));
  EXPECT_TRUE(policy.starts_with("default-src 'self';"));
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(PageResponse, LetsAssetsBeKept) {
  for (const PageFile& file : page_files()) {
    const HttpResponse response = page_response(file, request_with({}));
    const std::string_view control = response.header("Cache-Control");
    EXPECT_EQ(control.find("immutable") != std::string_view::npos, file.is_asset) << file.name;
    if (!file.is_asset) continue;
    EXPECT_TRUE(std::regex_search(std::string(file.name), std::regex("-[\\w-]{8}\\.[a-z]+$"))) << file.name;
  }
}

}  // namespace
}  // namespace spanqa::serve
