// A file that only grows, by whole pieces: logs that another program may be reading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace spanqa {

/// Threads: one. What append() has taken is with the operating system: it outlives a killed process; behind sync() it
/// outlives a power cut too.
class AppendFile {
 public:
  /// A new file. Fails with kInvalidArgument when `path` exists, with kNotFound or kIo otherwise.
  static Result<AppendFile> create(const std::filesystem::path& path);
  /// The first `size` bytes of the file stay, what follows is cut away. Makes the file where there is none.
  static Result<AppendFile> open_cut(const std::filesystem::path& path, std::uint64_t size);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  /// All of `bytes`, or none and kIo (a full disk leaves no half line).
  Status append(std::string_view bytes);
  /// Waits until the disk has all of it, and the file's name. kIo.
  Status sync();
  const std::filesystem::path& path() const { return path_; }

 private:
  AppendFile(std::filesystem::path path, int descriptor, std::uint64_t size);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace spanqa
