#include "serve/page.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "serve/weighted_list.h"

namespace spanqa::serve {
namespace {

// All that the page needs comes from its own origin, so nothing of a document that is pasted in can call elsewhere.
constexpr const char* kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
constexpr const char* kForEver = "public, max-age=31536000, immutable";
constexpr const char* kAskAgain = "no-cache";

const PageFile* find_file(bool is_asset, std::string_view name) {
  const std::span<const PageFile> files = page_files();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const PageFile& file) { return file.is_asset == is_asset && file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

bool takes_gzip(const HttpRequest& request) {
  return quality_for(parse_weighted_list(request.header("Accept-Encoding")), "gzip") > 0.0;
}

/// If-None-Match compares weakly: W/"x" is "x".
bool is_known(const HttpRequest& request, std::string_view etag) {
  for (const WeightedName& known : parse_weighted_list(request.header("If-None-Match"))) {
    const std::string_view tag = known.name.starts_with("W/") ? known.name.substr(2) : known.name;
    if (tag == "*" || tag == etag) return true;
  }
  return false;
}

}  // namespace

const PageFile& page_index() {
  const PageFile* const index = find_file(false, "index.html");
  SPANQA_CHECK(index != nullptr);
  return *index;
}

const PageFile* find_page_asset(std::string_view name) { return find_file(true, name); }

HttpResponse page_response(const PageFile& file, const HttpRequest& request) {
  const bool is_packed = takes_gzip(request);
  const PageBytes& form = is_packed ? file.gzip : file.plain;
  HttpResponse response;
  response.set("ETag", std::string(form.etag));
  response.set("Vary", "Accept-Encoding");
  response.set("Cache-Control", file.is_asset ? kForEver : kAskAgain);
  response.set("Content-Security-Policy", kPolicy);
  response.set("Referrer-Policy", "no-referrer");
  if (is_known(request, form.etag)) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", std::string(file.content_type));
  if (is_packed) response.set("Content-Encoding", "gzip");
  response.body = form.bytes;
  return response;
}

}  // namespace spanqa::serve
