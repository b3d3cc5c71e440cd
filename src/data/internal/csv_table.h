// Records of a CSV file (RFC 4180), one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "data/internal/input.h"

namespace spanqa {

/// Beyond the RFC: LF and CR end a record too, empty lines are passed over, and a quote within a field that does not
/// begin with one stands for itself.
class CsvTable {
 public:
  explicit CsvTable(Input input) : input_(std::move(input)) {}

  /// Fills `fields` with the next record; false at the end. The views hold until the next call.
  Result<bool> next(std::vector<std::string_view>& fields);
  /// Line on which the record begins, from 1.
  std::size_t line() const { return line_; }
  Input& input() { return input_; }
  const Input& input() const { return input_; }

 private:
  /// A record at the front of the input: its bytes, and those with the line end.
  struct Extent {
    std::size_t size = 0;
    std::size_t with_line_end = 0;
  };

  Result<Extent> find_record();
  Status split(char* record, std::size_t size, std::vector<std::string_view>& fields) const;
  tl::unexpected<Error> wrong(const std::string& message) const;

  Input input_;
  std::size_t line_ = 0;
  std::size_t next_line_ = 1;
  std::size_t to_consume_ = 0;  // the record handed out last: its views stay until the next call
};

}  // namespace spanqa
