#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr std::size_t kWriteBuffer = std::size_t{1} << 16;

tl::unexpected<Error> system_error(const std::filesystem::path& path, const char* what, int number) {
  const ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(number)));
}

/// An open descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

/// The descriptor that "/dev/stdout" and its kin stand for; -1 for any other path. Behind them may lie a regular file
/// that a shell appends to: it must not be replaced.
int named_descriptor(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {std::string_view("/dev/fd/"), std::string_view("/proc/self/fd/")}) {
    int number = -1;
    if (!path.starts_with(folder)) continue;
    const std::string_view digits = path.substr(folder.size());
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) return number;
  }
  return -1;
}

/// Permissions of the file to be written: those of the one it replaces; of a new one what the umask leaves. (mkstemp
/// makes files private; the mask is read from /proc because umask() cannot be asked without being set for all threads.)
mode_t mode_for(const std::filesystem::path& target) {
  struct stat info = {};
  if (::stat(target.c_str(), &info) == 0) return info.st_mode & 07777;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    unsigned mask = 0;
    if (std::sscanf(line.c_str(), "Umask: %o", &mask) == 1)
      return static_cast<mode_t>(0666) & ~static_cast<mode_t>(mask);
  }
  return 0644;
}

Result<std::uint64_t> open_size(const std::filesystem::path& path, int descriptor) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) return system_error(path, "read", errno);
  if (S_ISDIR(info.st_mode)) return fail(ErrorCode::kIo, fmt::format("{}: is a folder, not a file", path.string()));
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error(path, "open", errno);
  SPANQA_ASSIGN(const std::uint64_t size, open_size(path, file.get()));
  std::string text;
  text.reserve(size < limit ? size : 0);
  std::string chunk(std::size_t{1} << 18, '\0');
  while (true) {
    const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read", errno);
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > limit) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: larger than the limit of {} bytes", path.string(), limit));
    }
  }
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error(path, "open", errno);
  SPANQA_ASSIGN(const std::uint64_t size, open_size(path, file.get()));
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile(nullptr, 0));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return system_error(path, "map", errno);
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<std::byte*>(data_), size_);
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      has_old_(other.has_old_),
      is_there_(other.is_there_),
      buffer_(std::move(other.buffer_)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  remove_temporary();
}

void AtomicFile::remove_temporary() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  if (const int number = named_descriptor(path.string()); number >= 0) {
    const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return system_error(path, "open", errno);
    return AtomicFile(path, {}, copy);
  }
  std::error_code error;
  const std::filesystem::file_type type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::directory) {
    return fail(ErrorCode::kIo, fmt::format("{}: is a folder, not a file", path.string()));
  }
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::not_found && !error) {
    // A device or pipe (/dev/null, /dev/stdout) is written to; a rename would put a file in its place.
    const int device = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (device < 0) return system_error(path, "open", errno);
    return AtomicFile(path, {}, device);
  }
  // A link stays one: what it points at is replaced.
  std::filesystem::path target =
      std::filesystem::is_symlink(path, error) ? std::filesystem::canonical(path, error) : path;
  if (error || target.empty()) target = path;
  std::string name = target.string() + ".tmp-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return system_error(path, "create", errno);
  ::fchmod(descriptor, mode_for(target));
  return AtomicFile(std::move(target), name, descriptor);
}

Status AtomicFile::write(std::string_view bytes) {
  SPANQA_CHECK(descriptor_ >= 0);
  buffer_.append(bytes);
  return buffer_.size() < kWriteBuffer ? Status() : flush();
}

Status AtomicFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path_, "write", errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
  return {};
}

/// Everything but the rename.
Status AtomicFile::close_complete() {
  SPANQA_CHECK(descriptor_ >= 0);
  SPANQA_TRY(flush());
  if (!temporary_.empty() && ::fsync(descriptor_) != 0) return system_error(path_, "sync", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) return system_error(path_, "write", errno);
  return {};
}

Status AtomicFile::rename_over() {
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int number = errno;
    remove_temporary();
    return system_error(path_, "write", number);
  }
  temporary_.clear();
  is_there_ = true;
  return {};
}

Status AtomicFile::commit() {
  SPANQA_TRY(close_complete());
  return rename_over();
}

/// rename_over, but a file that was there before is kept under the temporary name.
Status AtomicFile::exchange() {
  struct stat info = {};
  const bool is_file = ::lstat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  has_old_ = is_file && !temporary_.empty() &&
             ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0;
  return has_old_ ? Status() : rename_over();
}

void AtomicFile::take_back() {
  if (has_old_) {
    ::rename(temporary_.c_str(), path_.c_str());
    temporary_.clear();
  } else if (is_there_) {
    ::unlink(path_.c_str());
  }
}

Status commit_together(std::span<AtomicFile* const> files) {
  for (AtomicFile* const file : files) SPANQA_TRY(file->close_complete());
  for (std::size_t i = 0; i < files.size(); ++i) {
    Status published = files[i]->exchange();
    if (published) continue;
    while (i > 0) files[--i]->take_back();
    return published;
  }
  for (AtomicFile* const file : files) file->remove_temporary();
  return {};
}

Status write_file(const std::filesystem::path& path, std::string_view bytes) {
  SPANQA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SPANQA_TRY(file.write(bytes));
  return file.commit();
}

}  // namespace spanqa
