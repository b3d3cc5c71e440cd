#include "base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace spanqa {
namespace {

tl::unexpected<Error> file_error(const std::filesystem::path& path, const char* what, int number) {
  ErrorCode code = ErrorCode::kIo;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::kNotFound;
  if (number == EEXIST) code = ErrorCode::kInvalidArgument;
  return fail(code, fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(number)));
}

constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
constexpr int kMode = 0666;

}  // namespace

AppendFile::AppendFile(std::filesystem::path path, int descriptor, std::uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<AppendFile> AppendFile::create(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), kFlags | O_EXCL, kMode);
  if (descriptor < 0) return file_error(path, "create", errno);
  return AppendFile(path, descriptor, 0);
}

Result<AppendFile> AppendFile::open_cut(const std::filesystem::path& path, std::uint64_t size) {
  const int descriptor = ::open(path.c_str(), kFlags, kMode);
  if (descriptor < 0) return file_error(path, "open", errno);
  AppendFile file(path, descriptor, size);
  if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) return file_error(path, "cut", errno);
  return file;
}

Status AppendFile::sync() {
  SPANQA_CHECK(descriptor_ >= 0);
  // What cannot be synced (a pipe, EINVAL) has no disk to wait for.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) return file_error(path_, "sync", errno);
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const int names = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (names < 0) return file_error(folder, "open", errno);
  const bool is_synced = ::fsync(names) == 0 || errno == EINVAL;
  const int number = errno;
  ::close(names);
  return is_synced ? Status() : file_error(folder, "sync", number);
}

Status AppendFile::append(std::string_view bytes) {
  SPANQA_CHECK(descriptor_ >= 0);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int number = errno;
      // Where even cutting fails, the reader of the file drops the torn end.
      [[maybe_unused]] const int ignored = ::ftruncate(descriptor_, static_cast<off_t>(size_));
      return file_error(path_, "write", number);
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  size_ += bytes.size();
  return {};
}

}  // namespace spanqa
