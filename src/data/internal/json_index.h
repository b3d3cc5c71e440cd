// Where the pieces of a JSON file of examples lie: the paragraphs of nested SQuAD, or the rows of flat JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/example_reader.h"
#include "data/internal/flat_row.h"
#include "data/internal/input.h"
#include "data/internal/json_text_scan.h"

namespace spanqa {

struct JsonPiece {
  JsonSlice slice;
  std::size_t article = 0;  // index in titles and in data; 0 in flat files
  std::size_t number = 0;   // index within the article, or of the row
};

struct JsonIndex {
  DataFormat format = DataFormat::kSquad;
  std::string version;
  std::string array = "data";  // how messages name the outer array: empty for a file that is an array
  std::vector<std::string> titles;
  std::vector<JsonPiece> pieces;  // 32 bytes each beside the file
};

/// One pass over the file's brackets and quotes. A file that is cut off or not JSON outside its pieces fails here,
/// with line and column; what is in a piece is checked when the piece is parsed. All of `input` must be available.
Result<JsonIndex> index_json(Input& input, JsonValueParser& parser);

}  // namespace spanqa
