#include "data/internal/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

tl::unexpected<Error> system_error(const std::string& name, const char* what, int number) {
  const ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("{}: cannot {}: {}", name, what, std::strerror(number)));
}

}  // namespace

Input::Input(Input&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      stream_(other.stream_),
      size_(other.size_),
      n_read_(other.n_read_),
      at_end_(other.at_end_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_) {}

Input::~Input() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Input> Input::open(const std::filesystem::path& path) {
  Input input(path.string());
  input.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (input.descriptor_ < 0) return system_error(input.name_, "open", errno);
  struct stat info = {};
  if (::fstat(input.descriptor_, &info) != 0) return system_error(input.name_, "read", errno);
  if (S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kIo, fmt::format("{}: is a folder; name one data file in it", input.name_));
  }
  if (S_ISREG(info.st_mode)) input.size_ = static_cast<std::uint64_t>(info.st_size);
  return input;
}

Input Input::wrap(std::istream& stream, std::string name) {
  Input input(std::move(name));
  input.stream_ = &stream;
  return input;
}

/// At most one line, so that a row is answered before the next one is written to a pipe.
Result<std::size_t> Input::read_stream(char* into, std::size_t n) {
  bool has_thrown = false;
  try {  // a stream may be set to throw at its end
    stream_->getline(into, static_cast<std::streamsize>(n), '\n');
  } catch (const std::exception&) {
    has_thrown = true;
  }
  if (stream_->bad() || (has_thrown && stream_->good()))
    return fail(ErrorCode::kIo, fmt::format("{}: cannot read the stream", name_));
  const auto got = static_cast<std::size_t>(stream_->gcount());
  if (stream_->eof() || got == 0) return got;
  if (stream_->fail()) {  // a long line: `into` is full
    stream_->clear();
    return got;
  }
  into[got - 1] = '\n';  // taken, not stored
  return got;
}

Result<std::size_t> Input::read_some(char* into, std::size_t n) {
  if (stream_ != nullptr) return read_stream(into, n);
  while (true) {
    const ssize_t got = ::read(descriptor_, into, n);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return system_error(name_, "read", errno);
  }
}

void Input::make_room(std::size_t n) {
  if (end_ + n + kPadding <= buffer_.size()) return;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + n + kPadding > buffer_.size()) buffer_.resize(std::max(end_ + n + kPadding, 2 * end_));
}

Result<bool> Input::more() { return read_more(kChunk); }

Result<bool> Input::read_more(std::size_t room) {
  if (at_end_) return false;
  make_room(room);
  SPANQA_ASSIGN(const std::size_t n, read_some(buffer_.data() + end_, buffer_.size() - kPadding - end_));
  end_ += n;
  n_read_ += n;
  if (n > 0) return true;
  at_end_ = true;
  if (n_read_ < size_) {
    return fail(ErrorCode::kIo, fmt::format("{}: shrank while it was read ({} of {} bytes were left); run again when "
                                            "nothing writes it",
                                            name_, n_read_, size_));
  }
  return false;
}

Status Input::fill(std::size_t n) {
  while (available().size() < n) {
    SPANQA_ASSIGN(const bool grew, more());
    if (!grew) break;
  }
  return {};
}

Status Input::read_all() {
  // A chunk more would double the buffer for the last, empty read.
  const std::size_t room = size_ > 0 ? 1 : kChunk;
  if (size_ > n_read_) make_room(static_cast<std::size_t>(size_ - n_read_) + 1);
  while (true) {
    SPANQA_ASSIGN(const bool grew, read_more(room));
    if (!grew) return {};
  }
}

void Input::consume(std::size_t n) {
  SPANQA_CHECK(n <= end_ - begin_);
  begin_ += n;
}

double Input::progress() const {
  const std::uint64_t consumed = n_read_ - (end_ - begin_);
  if (at_end_ && begin_ == end_) return 1.0;
  if (size_ == 0) return 0.0;
  return std::min(1.0, static_cast<double>(consumed) / static_cast<double>(size_));
}

}  // namespace spanqa
