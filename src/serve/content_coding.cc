#include "serve/content_coding.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace spanqa::serve {
namespace {

constexpr int kGzipOnly = 15 + 16;  // the largest window, gzip's header wanted

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

tl::unexpected<ApiError> too_large(std::size_t most) {
  return tl::unexpected<ApiError>(ApiError{.kind = ErrorKind::kBodyTooLarge,
                                           .message = fmt::format("the body is larger than {} bytes unpacked", most),
                                           .limit = most});
}

}  // namespace

Parsed<std::string> gunzip(std::string_view bytes, std::size_t most) {
  Inflater inflater;
  if (!inflater.ready()) return refuse(ErrorKind::kInternal);
  z_stream& stream = inflater.stream();
  std::string in(bytes);  // zlib's pointer is not const
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  std::string out;
  std::array<char, std::size_t{64} << 10> part;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    status = inflate(&stream, Z_NO_FLUSH);
    const std::size_t n = part.size() - stream.avail_out;
    if (out.size() + n > most) return too_large(most);
    out.append(part.data(), n);
  }
  if (status != Z_STREAM_END || stream.avail_in > 0) {
    return refuse(ErrorKind::kInvalidRequest, "the body is not one whole gzip member");
  }
  return out;
}

std::optional<ApiError> decode_body(HttpRequest& request, std::size_t most) {
  const auto is_coding = [](const Header& header) { return equal_ignoring_case(header.name, "content-encoding"); };
  const auto n = std::count_if(request.headers.begin(), request.headers.end(), is_coding);
  if (n == 0) return std::nullopt;
  const std::string_view coding = request.header("Content-Encoding");
  if (n > 1) return ApiError{.kind = ErrorKind::kUnsupportedMediaType};
  if (equal_ignoring_case(coding, "identity")) return std::nullopt;
  if (!equal_ignoring_case(coding, "gzip") && !equal_ignoring_case(coding, "x-gzip")) {
    return ApiError{.kind = ErrorKind::kUnsupportedMediaType};
  }
  Parsed<std::string> unpacked = gunzip(request.body, most);
  if (!unpacked) return std::move(unpacked).error();
  request.body = *std::move(unpacked);
  return std::nullopt;
}

}  // namespace spanqa::serve
