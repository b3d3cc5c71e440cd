#include "serve/response_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/check.h"

namespace spanqa::serve {
namespace {

// Not strftime's: that speaks the language of the process.
constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void add_header(std::string& bytes, std::string_view name, std::string_view value) {
  bytes += name;
  bytes += ": ";
  std::replace_copy_if(
      value.begin(), value.end(), std::back_inserter(bytes), [](char c) { return c == '\r' || c == '\n' || c == '\0'; },
      ' ');
  bytes += "\r\n";
}

}  // namespace

std::string head_bytes(const HttpResponse& response, const HeadOptions& options, std::time_t now) {
  std::string bytes = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const Header& header : response.headers) add_header(bytes, header.name, header.value);
  add_header(bytes, "Date", http_date(now));
  if (options.close) {
    add_header(bytes, "Connection", "close");
  } else if (options.is_http_10) {
    add_header(bytes, "Connection", "keep-alive");
  }
  if (may_have_body(response.status)) {
    if (options.body_end == BodyEnd::kLength) add_header(bytes, "Content-Length", std::to_string(response.body.size()));
    if (options.body_end == BodyEnd::kChunks) add_header(bytes, "Transfer-Encoding", "chunked");
  }
  bytes += "\r\n";
  return bytes;
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string chunk_bytes(std::string_view data) {
  SPANQA_CHECK(!data.empty());
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

std::string http_date(std::time_t now) {
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace spanqa::serve
