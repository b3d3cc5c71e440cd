// The page: its files, embedded in the program, and the responses that carry them.
//
// The files are those of src/serve/page/, which `web/` builds and cmake/EmbedPage.cmake turns into arrays.
#pragma once

#include <span>
#include <string_view>

#include "serve/http_message.h"

namespace spanqa::serve {

/// One form of a file. The tag is a strong ETag with its quotes: the SHA-256 of the bytes.
struct PageBytes {
  std::string_view bytes;
  std::string_view etag;
};

struct PageFile {
  std::string_view name;  // "index.html"; of an asset what follows "/assets/"
  bool is_asset = false;  // its name holds a hash of its content: what is behind a name never changes
  std::string_view content_type;
  PageBytes plain;
  PageBytes gzip;
};

/// All of them; the views live as long as the program.
std::span<const PageFile> page_files();

/// The page itself: GET /.
const PageFile& page_index();
/// The file behind /assets/NAME; null without one.
const PageFile* find_page_asset(std::string_view name);

/// 200 with the form that Accept-Encoding asks for, or 304 where If-None-Match names it. Brings ETag, Vary,
/// Cache-Control (assets: for ever; the page: to be asked again each time) and the page's Content-Security-Policy;
/// nothing but these. A HEAD request is answered like GET: leaving the body out is the caller's.
HttpResponse page_response(const PageFile& file, const HttpRequest& request);

}  // namespace spanqa::serve
