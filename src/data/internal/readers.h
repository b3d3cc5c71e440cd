// The readers of the four formats, as open() and from_jsonl() make them.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "data/example_reader.h"
#include "data/internal/input.h"

namespace spanqa {

/// ExampleReader::open on bytes from anywhere; the input's name stands for the path.
Result<std::unique_ptr<ExampleReader>> open_input(Input input, const ExampleReaderOptions& options);

/// Nested or flat JSON: reads the file whole, finds its pieces, and says which of the two it is. `expected` is the
/// format the caller named, kAuto for either; the other one is an error.
Result<std::unique_ptr<ExampleReader>> open_json(Input input, const ExampleReaderOptions& options);

std::unique_ptr<ExampleReader> make_jsonl_reader(Input input, const ExampleReaderOptions& options);

/// Reads the header line.
Result<std::unique_ptr<ExampleReader>> open_csv(Input input, const ExampleReaderOptions& options);

/// An error for what cannot be a file of examples whatever its name: empty, compressed, UTF-16, a web page, binary.
/// `head` is the beginning of the file.
Status refuse_foreign(std::string_view head, const std::string& name);

/// kCsv, kJsonl, or kJson for JSON read whole (nested or flat, as open_json finds out).
Result<DataFormat> detect_format(std::string_view head, const std::filesystem::path& path);

/// Steps over a UTF-8 byte order mark.
void skip_byte_order_mark(Input& input);

/// Bytes of a file looked at to tell its format.
constexpr std::size_t kHeadBytes = std::size_t{1} << 20;

/// One row of JSONL or CSV. A longer one is a quote left open or another format.
constexpr std::size_t kMaxRowBytes = std::size_t{64} << 20;

}  // namespace spanqa
