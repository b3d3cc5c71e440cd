// The lists of fields of every body: see body_fields.h for what visits them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/body_fields.h"
#include "serve/request_body.h"

namespace spanqa::serve {

inline constexpr std::int64_t kMostWindowTokens = 4096;  // more than any model reads; lowered to what the model does
inline constexpr std::int64_t kLeastWindowTokens = 16;
inline constexpr std::int64_t kMostAnswerTokens = 512;                   // a decoder's cost grows with it
inline constexpr std::size_t kNameCharacters = 256;                      // of a model's name or a document's id
inline constexpr std::int64_t kLargestId = (std::int64_t{1} << 53) - 1;  // beyond it readers of JSON disagree

inline const std::vector<std::string_view> kDecoderNames = {"global", "pipeline", "run_qa"};
inline const std::vector<std::string_view> kVerdictNames = {"right", "wrong", "corrected"};

template <typename Visitor, typename Parameters>
void visit_parameters(Visitor& visitor, Parameters& p, const BodyLimits& limits) {
  visitor.integer(Field{"top_k", "Answers returned at most."}, p.top_k, IntegerRange{1, limits.top_k});
  visitor.integer(
      Field{"doc_stride", "Tokens that consecutive windows share; 128 without it; lowered where it does not fit."},
      p.doc_stride, IntegerRange{0, kMostWindowTokens});
  visitor.integer(Field{"max_seq_len", "Tokens of a window, the question included; lowered to what the model reads."},
                  p.max_seq_len, IntegerRange{kLeastWindowTokens, kMostWindowTokens});
  visitor.integer(Field{"max_answer_len", "Tokens of an answer at most, before words are completed."}, p.max_answer_len,
                  IntegerRange{1, kMostAnswerTokens});
  visitor.integer(Field{"max_question_len", "Tokens of the question that are read; without it all that fit."},
                  p.max_question_len, IntegerRange{1, kMostWindowTokens});
  visitor.boolean(Field{"handle_impossible_answer", "Whether the empty answer competes."}, p.handle_impossible_answer);
  visitor.boolean(Field{"align_to_words", "Complete words that an answer cuts."}, p.align_to_words);
}

template <typename Visitor, typename Window>
void visit_window(Visitor& visitor, Window& w) {
  visitor.integer(Field{"max_length", "Tokens of a window, the question included; lowered to what the model reads."},
                  w.max_length, IntegerRange{kLeastWindowTokens, kMostWindowTokens});
  visitor.integer(
      Field{"overlap", "Tokens that consecutive windows share; 128 without it; lowered where it does not fit."},
      w.overlap, IntegerRange{0, kMostWindowTokens});
  visitor.integer(Field{"max_question_length", "Tokens of the question that are read; without it all that fit."},
                  w.max_question_length, IntegerRange{1, kMostWindowTokens});
}

/// What is wrong with a value that must be an object with exactly the fields that `visit(reader)` asks for.
template <typename Visit>
std::optional<ApiError> read_object(const nlohmann::json& value, const std::string& path, UnknownFields unknown,
                                    const Visit& visit) {
  if (!value.is_object()) {
    return ApiError{.kind = ErrorKind::kInvalidField,
                    .message = fmt::format("{} must be an object (got {})", path, shown(value)),
                    .field = path};
  }
  FieldReader reader(value, path);
  visit(reader);
  return reader.fault(unknown);
}

/// What is wrong with a list of 1 to `most` values, each read by `read(value, path)`.
template <typename Read>
std::optional<ApiError> read_list(const nlohmann::json& value, const std::string& path, std::size_t most,
                                  const Read& read) {
  if (!value.is_array() || value.empty() || value.size() > most) {
    const std::string got = value.is_array() ? fmt::format("{} of them", value.size()) : shown(value);
    return ApiError{.kind = ErrorKind::kInvalidField,
                    .message = fmt::format("{} must be a list of 1 to {} entries (got {})", path, most, got),
                    .field = path};
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto fault = read(value[i], fmt::format("{}[{}]", path, i))) return fault;
  }
  return std::nullopt;
}

inline TextLimit question_limit(const BodyLimits& limits) {
  return {limits.question_bytes, ErrorKind::kQuestionTooLong};
}
inline TextLimit context_limit(const BodyLimits& limits) { return {limits.context_bytes, ErrorKind::kContextTooLong}; }
inline TextLimit name_limit() { return {kNameCharacters, ErrorKind::kInvalidField}; }

template <typename Visitor, typename Text>
void visit_pair(Visitor& visitor, Text& question, Text& context, const BodyLimits& limits) {
  visitor.text(Field{"question", "The question.", Presence::kRequired}, question, question_limit(limits));
  visitor.text(Field{"context", "The text that may hold the answer.", Presence::kRequired}, context,
               context_limit(limits));
}

/// The fields of /v1/answer but for questions and contexts.
template <typename Visitor, typename Fields>
void visit_answer_fields(Visitor& visitor, Fields& f, const BodyLimits& limits) {
  visitor.text(Field{"model", "Name of a loaded model; without it the default one."}, f.model, name_limit());
  visitor.choice(Field{"decoder", "How logits become answers. Scores compare over contexts for global only."},
                 f.decoder, kDecoderNames);
  visitor.integer(Field{"top_k", "Answers of each question at most."}, f.top_k, IntegerRange{1, limits.top_k});
  visitor.integer(Field{"max_answer_tokens", "Tokens of an answer at most; 15 for pipeline, else 30 without it."},
                  f.max_answer_tokens, IntegerRange{1, kMostAnswerTokens});
  visitor.boolean(Field{"no_answer", "Whether \"no answer\" may be the answer."}, f.no_answer);
  visitor.number(Field{"no_answer_threshold",
                       "global: no answer unless the best score exceeds it; run_qa: its null threshold. Without it "
                       "what was fitted for the model."},
                 f.no_answer_threshold, NumberRange{-1000.0, 1000.0});
  visitor.boolean(Field{"align_to_words", "Complete words that an answer cuts."}, f.align_to_words);
  visitor.custom(
      Field{"window", "How long contexts are cut."},
      [] {
        FieldSchema schema;
        const WindowFields window;
        visit_window(schema, window);
        return schema.schema(UnknownFields::kRefused);
      },
      [&](const nlohmann::json& value, const std::string& path) {
        WindowFields window;
        auto fault = read_object(value, path, UnknownFields::kRefused,
                                 [&](FieldReader& reader) { visit_window(reader, window); });
        f.window = window;
        return fault;
      });
  visitor.custom(
      Field{"include", "More to be told: tokens gives each token's probabilities in the answer's window."},
      [] { return nlohmann::ordered_json{{"type", "array"}, {"items", {{"type", "string"}, {"enum", {"tokens"}}}}}; },
      [&](const nlohmann::json& value, const std::string& path) -> std::optional<ApiError> {
        const bool is_known = value.is_array() && std::all_of(value.begin(), value.end(),
                                                              [](const auto& name) { return name == "tokens"; });
        if (!is_known) {
          return ApiError{.kind = ErrorKind::kInvalidField,
                          .message = fmt::format("{} must be a list of \"tokens\"", path),
                          .field = path};
        }
        f.include_tokens = !value.empty();
        return std::nullopt;
      });
}

template <typename Visitor, typename Call>
void visit_tokenize(Visitor& visitor, Call& call, const BodyLimits& limits) {
  visitor.text(Field{"text", "What is to be cut into tokens.", Presence::kRequired}, call.text,
               TextLimit{limits.tokenize_bytes, ErrorKind::kContextTooLong});
  visitor.text(Field{"model", "Name of a loaded model; without it the default one."}, call.model, name_limit());
  visitor.boolean(Field{"add_special_tokens", "Put [CLS] before and [SEP] behind."}, call.add_special_tokens);
}

template <typename Visitor, typename Fields>
void visit_feedback(Visitor& visitor, Fields& f, const BodyLimits& limits) {
  visit_pair(visitor, f.question, f.context, limits);
  visitor.choice(Field{"verdict", "What a person says of the answer.", Presence::kRequired}, f.verdict, kVerdictNames);
  visitor.text(Field{"answer", "The answer judged, or the right one; without it \"no answer\"."}, f.answer,
               context_limit(limits));
  visitor.integer(Field{"answer_start", "Its place in the context, in code points; without it the first that fits."},
                  f.answer_start, IntegerRange{0, std::int64_t{1} << 32});
  visitor.text(Field{"model", "Name of the model that answered."}, f.model, name_limit());
}

}  // namespace spanqa::serve
