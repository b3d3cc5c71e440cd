// Answers as the bodies that each shape promises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "answer/merge.h"
#include "qa/reader.h"
#include "serve/request_body.h"

namespace spanqa::serve {

/// The pipeline's shapes (kFlat, kList, kEntry, kEntries). `by_pair`: what was found for each pair of the request, in
/// its order. Where nothing was found stands the empty answer with score 0 at 0, so that every entry has an answer.
/// Offsets count code points.
std::string pipeline_body(const AnswerCall& call, std::span<const Answers> by_pair);

/// Milliseconds of each stage of one request.
struct StageTimes {
  double tokenize = 0.0;
  double queue = 0.0;
  double inference = 0.0;
  double total = 0.0;
  bool cached = false;  // every pair came from the answer cache
};

/// What the model saw in one window: probabilities are softmax over its context's tokens and [CLS].
struct TokenProbability {
  ByteSpan span;  // of the context
  float start = 0.0F;
  float end = 0.0F;
};
struct WindowProbabilities {
  std::size_t document = 0;
  std::size_t window = 0;
  float no_answer_start = 0.0F;  // of [CLS]
  float no_answer_end = 0.0F;
  std::vector<TokenProbability> tokens;
};

/// Everything that /v1/answer tells.
struct FullAnswer {
  std::string model;
  std::string decoder;
  std::size_t max_length = 0;  // of a window, as it was in force
  std::size_t overlap = 0;
  std::vector<MergedAnswers> by_question;
  std::vector<WindowProbabilities> probabilities;  // one for each question where tokens were asked for; else empty
  StageTimes times;
};

/// kFull. Each answer with its offsets in code points, bytes and UTF-16 units, and its sentence.
std::string full_body(const AnswerCall& call, const FullAnswer& answer);

struct TokenText {
  std::int32_t id = 0;
  std::string text;  // as the vocabulary has it
  ByteSpan span;     // of the text; empty at 0 for special tokens
  bool special = false;
};
/// POST /v1/tokenize.
std::string tokenize_body(const std::string& model, const std::string& text, std::span<const TokenText> tokens);

/// A loaded model, as /v1/models, /info and /health tell of it. No path.
struct ModelSummary {
  std::string name;
  bool is_default = false;
  std::string family;       // "bert"
  std::string weight_type;  // "float16"
  std::uint64_t n_parameters = 0;
  std::size_t max_length = 0;  // tokens that it reads at once
  QaSettings settings = {};
  std::uint64_t generation = 0;  // goes up with each reload
};
/// GET /v1/models.
std::string models_body(std::span<const ModelSummary> models);

/// GET /health, /health/live, /health/ready.
std::string health_body(bool is_ready, std::span<const ModelSummary> models);

}  // namespace spanqa::serve
