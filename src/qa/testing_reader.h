// What the readers' tests ask of whom. Not installed.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qa/reader.h"
#include "shared_data.h"

namespace spanqa::testing {

/// "tiny-bert" or "tiny-distilbert".
inline std::shared_ptr<const Reader> tiny_reader(const ReaderOptions& options = {},
                                                 std::string_view folder = "tiny-bert") {
  auto reader = Reader::open(source_path("tests/fixtures/nn") / folder, options);
  EXPECT_TRUE(reader) << reader.error().message;
  return reader.value();
}

inline const std::string kContext =
    "The first tower of the city was built by the river in 1698. The king did not name it. After the war a new team "
    "built the second tower, and the city won. \U0001F600 Caf\u00e9 na\u00efve.";
inline const std::string kQuestion = "Who built the tower?";

inline std::vector<DecoderOptions> every_decoder() {
  return {PipelineOptions{.top_k = 3}, PipelineOptions{.top_k = 2, .handle_impossible_answer = true},
          RunQaOptions{.n_best = 5}, RunQaOptions{.version_2 = true}, GlobalOptions{.top_k = 3}};
}

}  // namespace spanqa::testing
