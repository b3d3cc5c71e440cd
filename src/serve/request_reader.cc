#include "serve/request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "base/check.h"
#include "serve/weighted_list.h"

namespace spanqa::serve {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;
using Fault = std::optional<ApiError>;

constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr std::string_view kEndOfLine = "\r\n";
// A chunk's size with its extensions, or the trailer: nothing that a client of ours sends.
constexpr std::size_t kFrameBytes = 4096;
// The shortest rest of a chunked body, "0\r\n\r\n". Beast asserts that it is there when it looks at a last chunk again.
constexpr std::size_t kLeastRest = 5;
constexpr std::size_t kLengthDigits = 18;  // of a Content-Length: no overflow

ApiError malformed(std::string what) {
  return {.kind = ErrorKind::kInvalidRequest, .message = "the request is not well-formed HTTP: " + std::move(what)};
}

/// What decides where a body ends, and how often each header that may stand once does.
struct Framing {
  std::size_t n_hosts = 0;
  std::size_t n_lengths = 0;
  std::size_t n_codings = 0;
  bool other_coding = false;
  bool bad_length = false;
};

void count(std::string_view name, std::string_view value, Framing& framing) {
  if (equal_ignoring_case(name, "host")) ++framing.n_hosts;
  if (equal_ignoring_case(name, "content-length")) {
    ++framing.n_lengths;
    const bool digits = value.find_first_not_of("0123456789") == std::string_view::npos;
    framing.bad_length = framing.bad_length || value.empty() || value.size() > kLengthDigits || !digits;
  }
  if (equal_ignoring_case(name, "transfer-encoding")) {
    ++framing.n_codings;
    framing.other_coding = framing.other_coding || !equal_ignoring_case(value, "chunked");
  }
}

Fault check_framing(const Framing& framing, bool is_http_10) {
  if (framing.n_hosts > 1 || (framing.n_hosts == 0 && !is_http_10)) return malformed("one Host header is needed");
  if (framing.bad_length || framing.n_lengths > 1) return malformed("Content-Length must be one number");
  if (framing.n_codings == 0) return std::nullopt;
  if (framing.n_lengths > 0) return malformed("Content-Length and Transfer-Encoding exclude each other");
  if (framing.n_codings > 1 || framing.other_coding) return malformed("the only Transfer-Encoding is chunked");
  if (is_http_10) return malformed("HTTP/1.0 has no Transfer-Encoding");
  return std::nullopt;
}

/// Checks a whole header, its closing empty line included, for what the parser would let pass.
Fault check_header(std::string_view header, const HttpLimits& limits) {
  std::size_t end = header.find(kEndOfLine);
  const bool is_http_10 = header.substr(0, end).ends_with(" HTTP/1.0");
  Framing framing;
  std::size_t n_fields = 0;
  for (std::size_t begin = end + 2; (end = header.find(kEndOfLine, begin)) != begin; begin = end + 2) {
    const std::string_view line = header.substr(begin, end - begin);
    if (line.front() == ' ' || line.front() == '\t') return malformed("a header line is folded");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a header line has no colon");
    if (++n_fields > limits.header_fields) return ApiError{.kind = ErrorKind::kHeadersTooLarge};
    count(line.substr(0, colon), trimmed(line.substr(colon + 1)), framing);
  }
  return check_framing(framing, is_http_10);
}

/// What a header that was refused says of its request: for the log, and for a response that names it.
HttpRequest refused_head(std::string_view header) {
  std::size_t end = header.find(kEndOfLine);
  const std::string_view line = header.substr(0, end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  HttpRequest request;
  if (first == last || !line.substr(last + 1).starts_with("HTTP/1.")) return request;
  request.method = std::string(line.substr(0, first));
  request.target = std::string(line.substr(first + 1, last - first - 1));
  for (std::size_t begin = end + 2; (end = header.find(kEndOfLine, begin)) != begin; begin = end + 2) {
    const std::string_view field = header.substr(begin, end - begin);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    request.headers.push_back({std::string(field.substr(0, colon)), std::string(trimmed(field.substr(colon + 1)))});
  }
  return request;
}

bool has_lone_line_feed(std::string_view text, std::size_t from) {
  for (std::size_t i = text.find('\n', from); i != std::string_view::npos; i = text.find('\n', i + 1)) {
    if (i == 0 || text[i - 1] != '\r') return true;
  }
  return false;
}

HttpRequest head_of(const Parser& parser) {
  const auto& message = parser.get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.keep_alive = parser.is_header_done() && parser.keep_alive();
  request.is_http_10 = message.version() == 10;
  for (const auto& field : message) {
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return request;
}

}  // namespace

struct RequestReader::Impl {
  explicit Impl(const HttpLimits& http_limits) : limits(http_limits) {}

  Event read_header();
  Event read_body();
  Event fail(ApiError fault) {
    error = std::move(fault);
    failed = true;
    buffer.clear();
    return Event::kError;
  }
  Event fail(const boost::system::error_code& code) {
    if (code == http::error::body_limit) {
      return fail(ApiError{.kind = ErrorKind::kBodyTooLarge,
                           .message = fmt::format("the body is larger than {} bytes", limits.body_bytes),
                           .limit = limits.body_bytes});
    }
    return fail(malformed(code.message()));
  }
  /// A client may wait for leave to send its body.
  Fault check_expectation();

  HttpLimits limits;
  std::string buffer;            // bytes that nothing has used yet
  std::size_t scanned = 0;       // of the buffer: no end of a header in it
  std::optional<Parser> parser;  // from the end of the header to take()
  bool in_frame = false;         // the parser wants more of what stands at the buffer's begin
  bool continue_due = false;
  bool failed = false;
  ApiError error;
  HttpRequest refused = {};  // its header was complete, and at fault
};

Fault RequestReader::Impl::check_expectation() {
  const auto& message = parser->get();
  const auto expect = message.find(http::field::expect);
  if (expect == message.end() || message.version() == 10) return std::nullopt;
  const std::string_view value(expect->value().data(), expect->value().size());
  if (!equal_ignoring_case(value, "100-continue")) return ApiError{.kind = ErrorKind::kExpectationFailed};
  continue_due = !parser->is_done();
  return std::nullopt;
}

RequestReader::Event RequestReader::Impl::read_header() {
  // Empty lines before a request are what old clients send behind a body.
  while (std::string_view(buffer).starts_with(kEndOfLine)) {
    buffer.erase(0, kEndOfLine.size());
    scanned = 0;
  }
  const std::size_t from = scanned < kEndOfHeader.size() ? 0 : scanned - (kEndOfHeader.size() - 1);
  const std::size_t found = buffer.find(kEndOfHeader, from);
  const std::size_t end = found == std::string::npos ? buffer.size() : found + kEndOfHeader.size();
  const std::string_view header = std::string_view(buffer).substr(0, end);
  if (has_lone_line_feed(header.substr(0, limits.header_bytes), scanned))
    return fail(malformed("a line ends without a carriage return"));
  if (end > limits.header_bytes)
    return fail(ApiError{.kind = ErrorKind::kHeadersTooLarge, .limit = limits.header_bytes});
  scanned = end;
  if (found == std::string::npos) return Event::kNeedMore;
  if (Fault fault = check_header(header, limits)) {
    refused = refused_head(header);
    return fail(*std::move(fault));
  }

  parser.emplace();
  in_frame = false;
  parser->header_limit(static_cast<std::uint32_t>(end + 1));
  parser->body_limit(limits.body_bytes);
  parser->eager(false);
  boost::system::error_code code;
  const std::size_t n = parser->put(boost::asio::const_buffer(buffer.data(), end), code);
  if (code) return fail(code);
  SPANQA_CHECK(n == end && parser->is_header_done());
  buffer.erase(0, end);
  scanned = 0;
  if (Fault fault = check_expectation()) return fail(*std::move(fault));
  parser->eager(true);
  return read_body();
}

RequestReader::Event RequestReader::Impl::read_body() {
  while (!parser->is_done() && buffer.size() >= (in_frame ? kLeastRest : 1)) {
    boost::system::error_code code;
    const std::size_t n = parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), code);
    buffer.erase(0, n);
    in_frame = code == http::error::need_more;
    if (in_frame) break;
    if (code) return fail(code);
  }
  if (parser->is_done()) return Event::kRequest;
  if (buffer.size() > kFrameBytes) return fail(malformed("a chunk's frame is too long"));
  if (!continue_due || !buffer.empty()) return Event::kNeedMore;
  continue_due = false;
  return Event::kContinue;
}

RequestReader::RequestReader(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;

RequestReader::Event RequestReader::feed(std::string_view bytes) {
  if (impl_->failed) return Event::kError;
  impl_->buffer.append(bytes);
  return impl_->parser ? impl_->read_body() : impl_->read_header();
}

RequestReader::Event RequestReader::end_of_input() {
  if (impl_->failed) return Event::kError;
  if (phase() == Phase::kIdle) return Event::kNeedMore;
  return impl_->fail(malformed("it ends before it is complete"));
}

HttpRequest RequestReader::take() {
  SPANQA_CHECK(impl_->parser && impl_->parser->is_done());
  HttpRequest request = head_of(*impl_->parser);
  request.body = std::move(impl_->parser->get().body());
  impl_->parser.reset();
  impl_->continue_due = false;
  if (impl_->buffer.empty()) impl_->buffer.shrink_to_fit();
  return request;
}

HttpRequest RequestReader::head() const { return impl_->parser ? head_of(*impl_->parser) : impl_->refused; }

const ApiError& RequestReader::error() const {
  SPANQA_CHECK(impl_->failed);
  return impl_->error;
}

RequestReader::Phase RequestReader::phase() const {
  if (impl_->parser) return Phase::kBody;
  return impl_->buffer.empty() ? Phase::kIdle : Phase::kHeader;
}

std::size_t RequestReader::n_buffered() const { return impl_->buffer.size(); }

}  // namespace spanqa::serve
