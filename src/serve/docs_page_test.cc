#include "serve/docs_page.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "serve/digest.h"
#include "serve/openapi.h"

namespace spanqa::serve {
namespace {

HttpResponse page(const OpenapiOptions& options = {}) {
  return docs_page(openapi_json(Router({.feedback = true}), options));
}

std::set<std::string> captures(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), regex); it != std::sregex_iterator(); ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

TEST(DocsPage, ShowsEveryRouteOfTheApi) {
  const std::string html = page().body;
  for (const Route& route : route_table()) {
    if (route.listing == Listing::kNotInOpenapi) continue;
    const std::string head = std::string(route.method) + " " + std::string(route.path);
    EXPECT_NE(html.find("<code>" + head + "</code>"), std::string::npos) << head;
    EXPECT_NE(html.find("id=\"" + std::string(route.operation) + "\""), std::string::npos) << route.operation;
  }
}

TEST(DocsPage, ShowsFieldsWithRangesAndDefaults) {
  const std::string html = page().body;
  EXPECT_NE(html.find("<code>window.max_length</code>"), std::string::npos) << "objects within objects";
  EXPECT_NE(html.find("integer, 1 to 100, by default <code>1</code>"), std::string::npos);
  EXPECT_NE(html.find("<code>&quot;global&quot;</code> or <code>&quot;pipeline&quot;</code>"), std::string::npos);
}

TEST(DocsPage, EveryLinkWithinItLeadsSomewhere) {
  const std::string html = page().body;
  const std::set<std::string> ids = captures(html, "id=\"([^\"]+)\"");
  for (const std::string& target : captures(html, "href=\"#([^\"]+)\"")) EXPECT_TRUE(ids.contains(target)) << target;
}

TEST(DocsPage, NeedsNothingFromElsewhereAndRunsNothing) {
  const HttpResponse response = page();
  for (const char* part : {"<script", "<link", "<img", "src=", "style=\"", "@import", "url(", "onclick"}) {
    EXPECT_EQ(response.body.find(part), std::string::npos) << part;
  }
  for (const std::string& link : captures(response.body, "href=\"([^\"]+)\"")) {
    EXPECT_TRUE(link.starts_with('#') || link == "openapi.json") << link;
  }
}

TEST(DocsPage, ItsPolicyNamesItsStyle) {
  const HttpResponse response = page();
  const std::size_t begin = response.body.find("<style>") + 7;
  const std::string style = response.body.substr(begin, response.body.find("</style>") - begin);
  const std::string policy(response.header("Content-Security-Policy"));
  EXPECT_NE(policy.find("'sha256-" + base64(sha256(style)) + "'"), std::string::npos) << policy;
  EXPECT_TRUE(policy.starts_with("default-src 'none'"));
  EXPECT_EQ(response.header("Content-Type"), "text/html; charset=utf-8");
}

TEST(DocsPage, SaysWhereAKeyIsNeeded) {
  EXPECT_EQ(page().body.find("Needs an API key"), std::string::npos);
  EXPECT_NE(page({.keys = true}).body.find("Needs an API key"), std::string::npos);
}

TEST(DocsPage, NamesOfModelsAreText) {
  const std::string html = page({.models = {"<script>alert(1)</script>"}}).body;
  EXPECT_EQ(html.find("<script>"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
}

}  // namespace
}  // namespace spanqa::serve
