// Which format a file has, and what to say of files that have none.
#include <fmt/format.h>

#include <string_view>

#include "base/utf8.h"
#include "data/internal/json_text_scan.h"
#include "data/internal/readers.h"

namespace spanqa {
namespace {

constexpr std::string_view kExpected = "expected SQuAD JSON, flat JSON, JSON lines or CSV, in UTF-8";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kShown = 40;

std::string_view skip_blanks(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

/// What a file is by its first bytes (magic numbers of RFC 1952, APPNOTE.TXT, xz and zstd's format pages, Parquet).
const char* foreign_kind(std::string_view head) {
  if (head.starts_with("\x1F\x8B")) return "compressed with gzip; unpack it first (gunzip)";
  if (head.starts_with("PK\x03\x04")) return "a zip archive; unpack it first";
  if (head.starts_with(std::string_view("\xFD\x37zXZ", 5))) return "compressed with xz; unpack it first";
  if (head.starts_with("\x28\xB5\x2F\xFD")) return "compressed with zstd; unpack it first";
  if (head.starts_with("BZh")) return "compressed with bzip2; unpack it first";
  if (head.starts_with("PAR1")) return "a Parquet file; write it as JSON lines";
  if (head.starts_with("%PDF")) return "a PDF file";
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) return "UTF-16 text; save it as UTF-8";
  if (head.substr(0, 4).find('\0') != std::string_view::npos) return "binary, or UTF-16 text without its mark";
  return nullptr;
}

/// The first line looks like the header of a CSV file.
bool is_csv_header(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  return line.find("question") != std::string_view::npos && line.find("context") != std::string_view::npos &&
         line.find(',') != std::string_view::npos;
}

bool has_line_extension(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".jsonl" || extension == ".ndjson" || extension == ".jsonlines";
}

/// Tells JSON lines from one object: by a second object behind the first, else by the keys of the first.
DataFormat detect_object(std::string_view text, const std::filesystem::path& path) {
  JsonScanner scanner(text);
  JsonSlice first_value;
  if (!scanner.value(first_value)) return has_line_extension(path) ? DataFormat::kJsonl : DataFormat::kJson;
  if (scanner.peek() == '{') return DataFormat::kJsonl;
  JsonScanner inside(text);
  JsonSlice value;
  std::string_view key;
  bool first = true;
  inside.take('{');
  while (inside.next_member(first, key) == JsonScanner::Step::kItem) {
    if (key == "data") return DataFormat::kJson;
    if (key == "question") return DataFormat::kJsonl;
    if (!inside.value(value)) break;
  }
  return has_line_extension(path) ? DataFormat::kJsonl : DataFormat::kJson;
}

}  // namespace

Status refuse_foreign(std::string_view head, const std::string& name) {
  if (const char* kind = foreign_kind(head)) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: is {}; {}", name, kind, kExpected));
  }
  const std::string_view text = skip_blanks(head);
  if (text.empty() && head.size() < kHeadBytes) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: is {}; {}", name, head.empty() ? "empty" : "blank", kExpected));
  }
  if (text.starts_with('<')) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: is a web page or XML (was the download refused?); {}", name, kExpected));
  }
  return {};
}

Result<DataFormat> detect_format(std::string_view head, const std::filesystem::path& path) {
  const std::string_view text = skip_blanks(head);
  if (text.starts_with('[')) return DataFormat::kJson;
  if (text.starts_with('{')) return detect_object(text, path);
  const std::string extension = path.extension().string();
  if (extension == ".csv" || is_csv_header(text)) return DataFormat::kCsv;
  if (has_line_extension(path)) return DataFormat::kJsonl;
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  const std::string shown = to_valid_utf8(line.substr(0, kShown));
  return fail(ErrorCode::kCorrupt, fmt::format("{}: is a text file that begins with \"{}{}\"; {}", path.string(), shown,
                                               line.size() > kShown ? "…" : "", kExpected));
}

void skip_byte_order_mark(Input& input) {
  if (input.available().starts_with(kByteOrderMark)) input.consume(kByteOrderMark.size());
}

}  // namespace spanqa
