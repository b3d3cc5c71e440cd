// A folder that one process at a time works in.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace spanqa {

/// Held while the object lives; the system lets go of it when the process ends, however it does. Nothing is written.
/// It binds those who take it, on one machine; a file system that knows no locks gives one that binds nobody.
class FolderLock {
 public:
  /// kInvalidArgument when another process (or object) holds it, kNotFound or kIo when the folder cannot be opened.
  static Result<FolderLock> take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace spanqa
