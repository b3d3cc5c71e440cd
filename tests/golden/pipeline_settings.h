// The settings of a golden row as the reference's pipeline was given them.
#pragma once

#include <nlohmann/json.hpp>

#include "qa/reader.h"

namespace spanqa::testing {

/// Decoder, windows and special tokens; what the row does not name is the pipeline's default.
inline AskOptions pipeline_options(const nlohmann::json& settings) {
  PipelineOptions pipeline;
  pipeline.compat = PipelineCompat::kHf52;
  pipeline.top_k = settings.value("top_k", pipeline.top_k);
  pipeline.max_answer_tokens = settings.value("max_answer_len", pipeline.max_answer_tokens);
  pipeline.handle_impossible_answer = settings.value("handle_impossible_answer", false);
  pipeline.align_to_words = settings.value("align_to_words", true);
  AskOptions options;
  options.decoder = pipeline;
  options.windows.max_length = settings.value("max_seq_len", options.windows.max_length);
  options.windows.overlap = settings.value("doc_stride", options.windows.overlap);
  options.specials_in_text = SpecialsInText::kMatch;
  return options;
}

}  // namespace spanqa::testing
