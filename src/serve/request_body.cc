#include "serve/request_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "serve/body_visits.h"
#include "serve/json_document.h"
#include "serve/weighted_list.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using Fault = std::optional<ApiError>;

constexpr std::size_t kDefaultOverlap = 128;
constexpr std::size_t kAnyLength = std::numeric_limits<std::size_t>::max();
constexpr int kPipelineAnswerTokens = 15;
constexpr int kOtherAnswerTokens = 30;
constexpr int kRunQaBest = 20;

WindowOptions window_options(std::size_t max_length, std::optional<std::size_t> overlap,
                             std::optional<std::size_t> max_question_length) {
  return {.max_length = max_length,
          .overlap = overlap.value_or(std::min(kDefaultOverlap, max_length / 2)),
          .max_question_length = max_question_length.value_or(kAnyLength),
          .long_question = LongQuestion::kFit};
}

AskOptions pipeline_options(const PipelineParameters& p) {
  AskOptions options;
  options.decoder = PipelineOptions{.top_k = p.top_k,
                                    .max_answer_tokens = p.max_answer_len,
                                    .handle_impossible_answer = p.handle_impossible_answer,
                                    .align_to_words = p.align_to_words,
                                    .compat = PipelineCompat::kSane};
  options.windows = window_options(p.max_seq_len, p.doc_stride, p.max_question_len);
  return options;
}

DecoderOptions decoder_options(const AnswerFields& f) {
  if (f.decoder == "pipeline") {
    return PipelineOptions{.top_k = f.top_k,
                           .max_answer_tokens = f.max_answer_tokens.value_or(kPipelineAnswerTokens),
                           .handle_impossible_answer = f.no_answer,
                           .align_to_words = f.align_to_words,
                           .compat = PipelineCompat::kSane};
  }
  const int max_answer_tokens = f.max_answer_tokens.value_or(kOtherAnswerTokens);
  if (f.decoder == "run_qa") {
    return RunQaOptions{
        .n_best = std::max(f.top_k, kRunQaBest), .max_answer_tokens = max_answer_tokens, .version_2 = f.no_answer};
  }
  return GlobalOptions{.top_k = f.top_k, .max_answer_tokens = max_answer_tokens, .align_to_words = f.align_to_words};
}

/// The sum over a request's contexts: each alone is bounded where it is read.
Fault check_total(const AnswerRequest& request, const BodyLimits& limits) {
  std::size_t total = 0;
  for (const Document& document : request.documents) total += document.text.size();
  if (total <= limits.contexts_bytes) return std::nullopt;
  return ApiError{
      .kind = ErrorKind::kContextTooLong,
      .message = fmt::format("the contexts have {} bytes together; at most {} are taken", total, limits.contexts_bytes),
      .limit = limits.contexts_bytes};
}

Parsed<AnswerCall> finished(AnswerCall call, const BodyLimits& limits) {
  if (Fault fault = check_total(call.request, limits)) return tl::unexpected<ApiError>(*std::move(fault));
  call.labels.resize(call.request.documents.size());
  return call;
}

/// What is wrong with the parameters of a body: beside its other fields, and over them in "parameters".
Fault read_parameters(const Json& object, const BodyLimits& limits, PipelineParameters& parameters) {
  FieldReader beside(object, "");
  visit_parameters(beside, parameters, limits);
  if (Fault fault = beside.fault(UnknownFields::kIgnored)) return fault;
  const auto found = object.find("parameters");
  if (found == object.end()) return std::nullopt;
  return read_object(*found, "parameters", UnknownFields::kIgnored,
                     [&](FieldReader& reader) { visit_parameters(reader, parameters, limits); });
}

/// Reads {"question", "context"} as one more pair.
Fault read_pair(const Json& value, const std::string& path, const BodyLimits& limits, AnswerRequest& request) {
  std::string question;
  std::string context;
  Fault fault = read_object(value, path, UnknownFields::kIgnored,
                            [&](FieldReader& reader) { visit_pair(reader, question, context, limits); });
  if (fault) return fault;
  request.pairs.push_back({request.questions.size(), request.documents.size()});
  request.questions.push_back(std::move(question));
  request.documents.push_back({.id = {}, .text = std::move(context)});
  return std::nullopt;
}

Fault read_pairs(const Json& value, const std::string& path, const BodyLimits& limits, AnswerRequest& request) {
  return read_list(value, path, limits.contexts, [&](const Json& entry, const std::string& entry_path) {
    return read_pair(entry, entry_path, limits, request);
  });
}

/// "inputs" is one pair or a list of them. Returns the shape by `call`.
Fault read_inputs(const Json& value, AnswerShape one, const BodyLimits& limits, AnswerCall& call) {
  if (value.is_array()) {
    call.shape = AnswerShape::kEntries;
    return read_pairs(value, "inputs", limits, call.request);
  }
  call.shape = one;
  return read_pair(value, "inputs", limits, call.request);
}

bool is_whole_id(const Json& value) {
  const std::optional<std::int64_t> number = whole_number(value);
  return number && *number >= -kLargestId && *number <= kLargestId;
}

/// A name that the caller gave, text or whole number, as it is to be handed back.
Fault read_id(const Json& value, const std::string& path, DocumentLabel& label, std::string& id) {
  const bool is_text = value.is_string() && count_code_points(value.get_ref<const std::string&>()) <= kNameCharacters;
  if (!is_text && !is_whole_id(value)) {
    return ApiError{.kind = ErrorKind::kInvalidField,
                    .message = fmt::format("{} must be a whole number or a text of at most {} characters (got {})",
                                           path, kNameCharacters, shown(value)),
                    .field = path};
  }
  label.id_json = value.dump();
  id = is_text ? value.get<std::string>() : label.id_json;
  return std::nullopt;
}

/// {"id", "text", "meta"}; without `with_meta` a field of that name is unknown, and unknown ones are refused.
Fault read_document(const Json& value, const std::string& path, bool with_meta, const BodyLimits& limits,
                    AnswerCall& call) {
  Document document;
  DocumentLabel label;
  const auto no_schema = [] { return nlohmann::ordered_json(); };
  Fault fault =
      read_object(value, path, with_meta ? UnknownFields::kIgnored : UnknownFields::kRefused, [&](FieldReader& reader) {
        reader.text(Field{"text", "", Presence::kRequired}, document.text, context_limit(limits));
        reader.custom(Field{"id", ""}, no_schema, [&](const Json& id, const std::string& id_path) {
          return read_id(id, id_path, label, document.id);
        });
        if (!with_meta) return;
        reader.custom(Field{"meta", ""}, no_schema, [&](const Json& meta, const std::string&) -> Fault {
          label.meta_json = meta.dump();
          return std::nullopt;
        });
      });
  if (fault) return fault;
  call.request.documents.push_back(std::move(document));
  call.labels.push_back(std::move(label));
  return std::nullopt;
}

/// {"question", "documents"}: one question over each document.
Fault read_documents(const Json& object, const BodyLimits& limits, AnswerCall& call) {
  call.shape = AnswerShape::kEntries;
  FieldReader reader(object, "");
  std::string question;
  reader.text(Field{"question", "", Presence::kRequired}, question, question_limit(limits));
  reader.custom(
      Field{"documents", ""}, [] { return nlohmann::ordered_json(); },
      [&](const Json& list, const std::string& path) {
        return read_list(list, path, limits.contexts, [&](const Json& entry, const std::string& entry_path) {
          return read_document(entry, entry_path, true, limits, call);
        });
      });
  if (Fault fault = reader.fault(UnknownFields::kIgnored)) return fault;
  call.request.questions.push_back(std::move(question));
  call.request.pair_all();
  return std::nullopt;
}

/// The service that /predict stands in for calls a field missing when it is absent, null or "".
bool is_missing(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return true;
  return found->is_string() && found->get_ref<const std::string&>().empty();
}

Fault read_flat(const Json& object, const BodyLimits& limits, AnswerCall& call) {
  if (is_missing(object, "question") || is_missing(object, "context")) {
    return ApiError{.kind = ErrorKind::kMissingFields};
  }
  call.shape = AnswerShape::kFlat;
  std::string question;
  std::string context;
  FieldReader reader(object, "");
  visit_pair(reader, question, context, limits);
  if (Fault fault = reader.fault(UnknownFields::kIgnored)) return fault;
  call.request.questions.push_back(std::move(question));
  call.request.documents.push_back({.id = {}, .text = std::move(context)});
  call.request.pair_all();
  return std::nullopt;
}

Fault read_predict(const Json& object, const BodyLimits& limits, AnswerCall& call) {
  if (object.contains("documents")) return read_documents(object, limits, call);
  if (const auto found = object.find("instances"); found != object.end()) {
    call.shape = AnswerShape::kEntries;
    return read_pairs(*found, "instances", limits, call.request);
  }
  if (const auto found = object.find("inputs"); found != object.end()) {
    return read_inputs(*found, AnswerShape::kList, limits, call);
  }
  return read_flat(object, limits, call);
}

/// What both routes of the pipeline's shapes do once texts are read.
Parsed<AnswerCall> with_parameters(const Json& object, const BodyLimits& limits, AnswerCall call) {
  PipelineParameters parameters;
  if (Fault fault = read_parameters(object, limits, parameters)) return tl::unexpected<ApiError>(*std::move(fault));
  call.top_k = parameters.top_k;
  call.request.options = pipeline_options(parameters);
  return finished(std::move(call), limits);
}

Fault one_of(const Json& object, const char* one, const char* many) {
  if (object.contains(one) || object.contains(many)) return std::nullopt;
  return ApiError{.kind = ErrorKind::kInvalidField, .message = fmt::format("{} is missing", one), .field = one};
}

/// A context is its text, or an object with an id.
Fault read_context(const Json& value, const std::string& path, const BodyLimits& limits, AnswerCall& call) {
  if (value.is_object()) return read_document(value, path, false, limits, call);
  Parsed<std::string> text = read_text(value, path, context_limit(limits));
  if (!text) return std::move(text).error();
  call.request.documents.push_back({.id = {}, .text = *std::move(text)});
  call.labels.emplace_back();
  return std::nullopt;
}

Fault read_question(const Json& value, const std::string& path, const BodyLimits& limits, AnswerRequest& request) {
  Parsed<std::string> text = read_text(value, path, question_limit(limits));
  if (!text) return std::move(text).error();
  request.questions.push_back(*std::move(text));
  return std::nullopt;
}

/// The four fields with texts; "question" comes before "questions", "context" before "contexts".
void read_texts(FieldReader& reader, const BodyLimits& limits, AnswerCall& call) {
  const auto no_schema = [] { return nlohmann::ordered_json(); };
  const auto question = [&](const Json& value, const std::string& path) {
    return read_question(value, path, limits, call.request);
  };
  const auto context = [&](const Json& value, const std::string& path) {
    return read_context(value, path, limits, call);
  };
  reader.custom(Field{"question", ""}, no_schema, question);
  reader.custom(Field{"questions", ""}, no_schema, [&](const Json& value, const std::string& path) {
    return read_list(value, path, limits.questions, question);
  });
  reader.custom(Field{"context", ""}, no_schema, context);
  reader.custom(Field{"contexts", ""}, no_schema, [&](const Json& value, const std::string& path) {
    return read_list(value, path, limits.contexts, context);
  });
}

/// Code points of `context` at which `answer` first stands.
std::optional<std::size_t> place_of(const std::string& context, const std::string& answer) {
  const std::size_t byte = context.find(answer);
  if (byte == std::string::npos) return std::nullopt;
  return count_code_points(std::string_view(context).substr(0, byte));
}

Fault place_answer(bool has_start, FeedbackCall& call) {
  if (call.answer.empty()) {
    call.answer_start = 0;
    return std::nullopt;
  }
  bool stands = false;
  if (has_start) {
    const std::size_t byte = TextIndex(call.context).at_code_point(call.answer_start).byte;
    stands = std::string_view(call.context).substr(byte).starts_with(call.answer);
  } else if (const auto place = place_of(call.context, call.answer)) {
    call.answer_start = *place;
    stands = true;
  }
  if (stands) return std::nullopt;
  return ApiError{.kind = ErrorKind::kMisplacedAnswer, .message = {}, .field = "answer"};
}

}  // namespace

Parsed<AnswerCall> parse_predict_body(std::string_view body, const BodyLimits& limits) {
  SPANQA_PARSE(const Json object, parse_json_object(body));
  AnswerCall call;
  if (Fault fault = read_predict(object, limits, call)) return tl::unexpected<ApiError>(*std::move(fault));
  return with_parameters(object, limits, std::move(call));
}

Parsed<AnswerCall> parse_hugging_face_body(std::string_view body, const BodyLimits& limits) {
  SPANQA_PARSE(const Json object, parse_json_object(body));
  const auto inputs = object.find("inputs");
  if (inputs == object.end()) return refuse(ErrorKind::kInvalidField, "inputs is missing", "inputs");
  AnswerCall call;
  if (Fault fault = read_inputs(*inputs, AnswerShape::kEntry, limits, call)) {
    return tl::unexpected<ApiError>(*std::move(fault));
  }
  return with_parameters(object, limits, std::move(call));
}

Parsed<AnswerCall> parse_answer_body(std::string_view body, const BodyLimits& limits) {
  SPANQA_PARSE(const Json object, parse_json_object(body));
  if (object.contains("index")) return refuse(ErrorKind::kNoIndex, {}, "index");
  AnswerCall call;
  AnswerFields fields;
  FieldReader reader(object, "");
  read_texts(reader, limits, call);
  visit_answer_fields(reader, fields, limits);
  Fault fault = reader.fault(UnknownFields::kRefused);
  if (!fault) fault = one_of(object, "question", "questions");
  if (!fault) fault = one_of(object, "context", "contexts");
  if (fault) return tl::unexpected<ApiError>(*std::move(fault));

  call.request.pair_all();
  call.request.options.decoder = decoder_options(fields);
  call.request.options.windows =
      window_options(fields.window.max_length, fields.window.overlap, fields.window.max_question_length);
  call.request.no_answer_threshold = fields.no_answer ? fields.no_answer_threshold : std::optional<double>(0.0);
  call.top_k = fields.top_k;
  call.model = std::move(fields.model);
  call.include_tokens = fields.include_tokens;
  return finished(std::move(call), limits);
}

Parsed<TokenizeCall> parse_tokenize_body(std::string_view body, const BodyLimits& limits) {
  SPANQA_PARSE(const Json object, parse_json_object(body));
  TokenizeCall call;
  FieldReader reader(object, "");
  visit_tokenize(reader, call, limits);
  if (Fault fault = reader.fault(UnknownFields::kRefused)) return tl::unexpected<ApiError>(*std::move(fault));
  return call;
}

Parsed<FeedbackCall> parse_feedback_body(std::string_view body, const BodyLimits& limits) {
  SPANQA_PARSE(const Json object, parse_json_object(body));
  FeedbackCall call;
  FeedbackFields fields;
  FieldReader reader(object, "");
  visit_feedback(reader, fields, limits);
  if (Fault fault = reader.fault(UnknownFields::kRefused)) return tl::unexpected<ApiError>(*std::move(fault));
  call.question = std::move(fields.question);
  call.context = std::move(fields.context);
  call.model = std::move(fields.model);
  call.answer = std::move(fields.answer);
  call.answer_start = fields.answer_start.value_or(0);
  const auto name = std::find(kVerdictNames.begin(), kVerdictNames.end(), fields.verdict);
  call.verdict = static_cast<Verdict>(name - kVerdictNames.begin());
  if (Fault fault = place_answer(fields.answer_start.has_value(), call)) {
    return tl::unexpected<ApiError>(*std::move(fault));
  }
  return call;
}

std::optional<ApiError> check_content_type(std::string_view content_type) {
  if (content_type.empty()) return std::nullopt;
  const std::size_t end = content_type.find(';');
  bool ok = equal_ignoring_case(trimmed(content_type.substr(0, end)), "application/json");
  std::string_view rest = end == std::string_view::npos ? std::string_view() : content_type.substr(end + 1);
  while (ok && !rest.empty()) {
    const std::size_t next = rest.find(';');
    const std::string_view parameter = trimmed(rest.substr(0, next));
    const std::size_t equals = parameter.find('=');
    if (equal_ignoring_case(parameter.substr(0, equals), "charset") && equals != std::string_view::npos) {
      std::string_view charset = parameter.substr(equals + 1);
      if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') {
        charset = charset.substr(1, charset.size() - 2);
      }
      ok = equal_ignoring_case(charset, "utf-8") || equal_ignoring_case(charset, "utf8");
    }
    rest = next == std::string_view::npos ? std::string_view() : rest.substr(next + 1);
  }
  if (ok) return std::nullopt;
  return ApiError{.kind = ErrorKind::kUnsupportedMediaType};
}

}  // namespace spanqa::serve
