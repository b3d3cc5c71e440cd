// Files: read whole, mapped, or written so that they are complete or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spanqa {

/// Reads a regular file whole. Fails with kNotFound, kIo, or kInvalidArgument when it is larger than `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit = std::uint64_t{1} << 32);

/// A file mapped read-only for as long as the object lives.
///
/// Threads: immutable; bytes() may be read from anywhere.
/// A mapped file that another program shrinks raises SIGBUS when read: map weights and indexes, read training data.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const& { return {data_, size_}; }
  std::span<const std::byte> bytes() const&& = delete;  // the view would outlive the mapping

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  const std::byte* data_;
  std::size_t size_;
};

/// Writes `path` beside itself (a temporary name in the same folder) and renames on commit(), so that a reader sees the
/// old file or the whole new one. Without commit() the temporary file is removed and `path` is untouched.
/// A link stays a link and its target is replaced; a device or pipe (/dev/null, /dev/stdout) is written to as bytes
/// come.
///
/// Order of calls: create, any number of write, commit once. After a failed write the file is to be dropped.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) = delete;
  ~AtomicFile();

  Status write(std::string_view bytes);
  /// Gives what was written to the system: whoever reads a device or pipe sees it now.
  Status flush();
  /// Flushes, syncs to disk and renames.
  Status commit();

 private:
  friend Status commit_together(std::span<AtomicFile* const> files);
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);
  Status close_complete();
  Status rename_over();
  Status exchange();
  void take_back();
  void remove_temporary();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty: a device, or nothing to remove
  int descriptor_ = -1;
  bool has_old_ = false;   // temporary_ is the file that path_ was
  bool is_there_ = false;  // path_ is this file
  std::string buffer_;
};

/// Commits several files, all or none: each is complete on the disk before the first one is renamed, and when a rename
/// fails, those before it are taken back. (A power cut between two renames can still part them; and on a file system
/// that cannot exchange two files, an old file that was replaced before the failure does not come back.)
/// What went to a device or pipe is gone. After a failure the files are to be dropped.
Status commit_together(std::span<AtomicFile* const> files);

/// AtomicFile in one call.
Status write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace spanqa
