#include "data/internal/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
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
constexpr int kAskMilliseconds = 100;  // between two looks at whether to give up waiting

tl::unexpected<Error> system_error(const std::string& name, const char* what, int number) {
  const ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("{}: cannot {}: {}", name, what, std::strerror(number)));
}

}  // namespace

Input::Input(Input&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      stream_(other.stream_),
      is_pipe_(other.is_pipe_),
      cancelled_(std::move(other.cancelled_)),
      size_(other.size_),
      n_read_(other.n_read_),
      at_end_(other.at_end_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_) {}

Input::~Input() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// A FIFO is opened without waiting for its writer where the wait must be one that `cancelled_` can end.
Status Input::open_descriptor(const std::filesystem::path& path) {
  struct stat info = {};
  const bool at_once = cancelled_ && ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (at_once ? O_NONBLOCK : 0));
  if (descriptor_ < 0) return system_error(name_, "open", errno);
  if (at_once && ::fcntl(descriptor_, F_SETFL, O_RDONLY) != 0) return system_error(name_, "open", errno);
  return {};
}

Result<Input> Input::open(const std::filesystem::path& path, std::function<Status()> cancelled) {
  Input input(path.string());
  input.cancelled_ = std::move(cancelled);
  SPANQA_TRY(input.open_descriptor(path));
  struct stat info = {};
  if (::fstat(input.descriptor_, &info) != 0) return system_error(input.name_, "read", errno);
  if (S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kIo, fmt::format("{}: is a folder; name one data file in it", input.name_));
  }
  if (S_ISREG(info.st_mode)) input.size_ = static_cast<std::uint64_t>(info.st_size);
  input.is_pipe_ = S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode) || S_ISSOCK(info.st_mode);
  return input;
}

Input Input::wrap(std::istream& stream, std::string name) {
  Input input(std::move(name));
  input.stream_ = &stream;
  return input;
}

bool Input::would_wait() const {
  if (at_end_) return false;
  if (stream_ == nullptr) {
    pollfd wait = {descriptor_, POLLIN, 0};
    return is_pipe_ && ::poll(&wait, 1, 0) == 0;
  }
  try {
    return stream_->good() && stream_->rdbuf()->in_avail() == 0;
  } catch (const std::exception&) {
    return false;  // reading says what is wrong
  }
}

/// At most one line, so that a row is answered before the next one is written to a pipe; of a line that is not all
/// there yet the part that is.
Result<std::size_t> Input::read_stream(char* into, std::size_t n) {
  bool has_thrown = false;
  try {  // a stream may be set to throw at its end
    const std::streamsize ready = stream_->good() ? stream_->rdbuf()->in_avail() : 0;
    if (ready == 1) {  // getline would look for a second one
      *into = static_cast<char>(stream_->get());
      return std::size_t{1};
    }
    const auto most = static_cast<std::streamsize>(n);
    stream_->getline(into, ready > 0 ? std::min(ready, most) : most, '\n');
  } catch (const std::exception&) {
    has_thrown = true;
  }
  if (stream_->bad() || (has_thrown && stream_->good()))
    return fail(ErrorCode::kIo, fmt::format("{}: cannot read the stream", name_));
  const auto got = static_cast<std::size_t>(stream_->gcount());
  if (stream_->eof() || got == 0) return got;
  if (stream_->fail()) {  // a line without its end
    stream_->clear();
    return got;
  }
  into[got - 1] = '\n';  // taken, not stored
  return got;
}

/// Returns when reading will not wait, or with the error that ends the wait.
Status Input::wait_for_bytes() const {
  if (!is_pipe_ || !cancelled_) return {};
  while (true) {
    SPANQA_TRY(cancelled_());
    pollfd wait = {descriptor_, POLLIN, 0};
    const int n_ready = ::poll(&wait, 1, kAskMilliseconds);
    if (n_ready > 0 || (n_ready < 0 && errno != EINTR)) return {};
  }
}

Result<std::size_t> Input::read_some(char* into, std::size_t n) {
  if (stream_ != nullptr) return read_stream(into, n);
  SPANQA_TRY(wait_for_bytes());
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

Status Input::fill_head(std::size_t n) {
  const auto holds_a_line = [&] {
    const std::size_t begin = available().find_first_not_of("\xEF\xBB\xBF \t\r\n");
    return begin != std::string_view::npos && available().find('\n', begin) != std::string_view::npos;
  };
  while (available().size() < n && !(would_wait() && holds_a_line())) {
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
