// What the fuzz targets and the damage tests ask of a reader: an error, or examples that are whole.
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "data/example_reader.h"
#include "data/internal/input.h"
#include "data/internal/readers.h"

namespace spanqa {

/// Reads `text` as a file of this name; the number of examples, or nullopt after an error, which must name the file.
inline std::optional<std::size_t> drain(std::string text, const std::string& name, DataFormat format) {
  std::istringstream stream(std::move(text));
  const ExampleReaderOptions options{.format = format};
  const auto reader = open_input(Input::wrap(stream, name), options);
  if (!reader) {
    SPANQA_CHECK(reader.error().message.starts_with(name));
    return std::nullopt;
  }
  for (std::size_t n = 0;; ++n) {
    const auto example = (*reader)->next();
    if (!example) {
      SPANQA_CHECK(example.error().message.starts_with(name));
      SPANQA_CHECK(!(*reader)->next()->has_value());
      return std::nullopt;
    }
    if (!*example) return n;
    SPANQA_CHECK((*example)->context != nullptr && (*example)->where.starts_with(name));
    SPANQA_CHECK(is_valid_utf8((*example)->question) && is_valid_utf8(*(*example)->context));
    SPANQA_CHECK((*reader)->progress() >= 0.0 && (*reader)->progress() <= 1.0);
  }
}

}  // namespace spanqa
