// Bytes of a data file or a stream, read in pieces into one padded buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spanqa {

/// Reads on demand and never maps: a file that shrinks meanwhile is an error, not a SIGBUS.
///
/// Views given out hold until the next more(), read_all() or take(). Not for several threads.
class Input {
 public:
  /// `cancelled`: as ExampleReaderOptions has it.
  static Result<Input> open(const std::filesystem::path& path, std::function<Status()> cancelled = {});
  /// `stream` must outlive the object; `name` stands in messages.
  static Input wrap(std::istream& stream, std::string name);
  Input(Input&& other) noexcept;
  Input& operator=(Input&&) = delete;
  ~Input();

  /// Bytes read and not yet consumed. At least kPadding readable bytes follow them.
  std::string_view available() const { return {buffer_.data() + begin_, end_ - begin_}; }
  /// The same bytes, for repairs in place.
  char* data() { return buffer_.data() + begin_; }
  /// Reads further bytes behind available(); false at the end of the file.
  Result<bool> more();
  /// Reads until at least `n` bytes are available or the file ends.
  Status fill(std::size_t n);
  /// The same, but of a pipe or a stream that has no more for now only its first line that is not blank.
  Status fill_head(std::size_t n);
  /// Reads to the end of the file.
  Status read_all();
  /// True when more() would wait for whoever writes the pipe or the stream. Of a stream without in_avail() (std::cin as
  /// it starts out) nothing is known: true.
  bool would_wait() const;
  void consume(std::size_t n);

  const std::string& name() const { return name_; }
  /// Share of the bytes consumed, 0 to 1; 0 until the end where the size is not known.
  double progress() const;

  static constexpr std::size_t kPadding = 64;  // simdjson reads up to this far behind a document

 private:
  explicit Input(std::string name) : name_(std::move(name)) {}
  Result<bool> read_more(std::size_t room);
  Status open_descriptor(const std::filesystem::path& path);
  Status wait_for_bytes() const;
  Result<std::size_t> read_stream(char* into, std::size_t n);
  Result<std::size_t> read_some(char* into, std::size_t n);
  void make_room(std::size_t n);

  std::string name_;
  int descriptor_ = -1;
  std::istream* stream_ = nullptr;
  bool is_pipe_ = false;  // or a terminal, a socket: reading may wait
  std::function<Status()> cancelled_;
  std::uint64_t size_ = 0;  // as the file was when opened; 0 for pipes and streams
  std::uint64_t n_read_ = 0;
  bool at_end_ = false;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace spanqa
