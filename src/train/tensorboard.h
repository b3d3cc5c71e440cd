// TensorBoard event files, written without protobuf: https://github.com/tensorflow/tensorboard.
//
// A file is a row of records: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data, all
// little endian (tensorflow/core/lib/io/record_writer.h). The data of each is one Event message
// (tensorboard/compat/proto).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/append_file.h"
#include "base/result.h"

namespace spanqa {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78).
std::uint32_t crc32c(std::string_view bytes);

/// The CRC as record files store it: turned by 15 bits, plus a constant, so that a CRC of CRCs stays sound.
std::uint32_t masked_crc32c(std::string_view bytes);

/// `data` as a record: 16 bytes more.
std::string tensorboard_record(std::string_view data);

/// Appends to one event file; each event is with the operating system when its call returns. Threads: one.
class TensorBoardWriter {
 public:
  /// A new file `events.out.tfevents.<seconds>.<host>` in `folder`, which is made. `first_step`: TensorBoard forgets
  /// what older files of the folder say of this step and later ones, as after a crash. Errors: kIo, kNotFound.
  static Result<TensorBoardWriter> create(const std::filesystem::path& folder, std::size_t first_step,
                                          double wall_time);

  /// `value` may be NaN. `wall_time`: seconds since 1970.
  Status add_scalar(std::string_view tag, std::size_t step, double value, double wall_time);
  /// Shown in the tab "Text", which reads Markdown.
  Status add_text(std::string_view tag, std::string_view markdown, double wall_time);

  /// AppendFile::sync.
  Status sync() { return file_.sync(); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  explicit TensorBoardWriter(AppendFile file) : file_(std::move(file)) {}
  AppendFile file_;
};

}  // namespace spanqa
