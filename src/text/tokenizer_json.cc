// Reads tokenizer.json. The whole document is parsed before anything is believed, so damage anywhere is seen.
#include <fmt/format.h>
#include <simdjson.h>

#include "base/utf8.h"
#include "text/tokenizer_spec.h"

namespace spanqa {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr int kMaxNesting = 8;  // of Sequence in Sequence
constexpr std::int64_t kMaxWordChars = 1 << 20;

/// One file being read: makes errors that name it.
struct Reader {
  std::string_view where;

  tl::unexpected<Error> corrupt(std::string_view what) const {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", where, what));
  }
  tl::unexpected<Error> unsupported(std::string_view what, std::string_view supported) const {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: {} is not supported; spanqa reads {}", where, what, supported));
  }

  Result<object> as_object(element value, std::string_view name) const {
    object found;
    if (value.get(found) != simdjson::SUCCESS) return corrupt(fmt::format("'{}' is not an object", name));
    return found;
  }

  /// The field's value; unset where it is missing or null.
  template <typename T>
  Result<std::optional<T>> field(object from, const char* key) const {
    element value;
    if (from.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::optional<T>();
    T found;
    if (value.get(found) != simdjson::SUCCESS) return corrupt(fmt::format("'{}' has a value of the wrong kind", key));
    return std::optional<T>(found);
  }

  Result<bool> flag(object from, const char* key, bool otherwise) const {
    SPANQA_ASSIGN(const std::optional<bool> value, field<bool>(from, key));
    return value.value_or(otherwise);
  }

  Result<std::string> type_of(object from, std::string_view part) const {
    SPANQA_ASSIGN(const std::optional<std::string_view> type, field<std::string_view>(from, "type"));
    if (!type) return corrupt(fmt::format("'{}' has no type", part));
    return std::string(*type);
  }
};

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    out.push_back(c.value);
    i += c.bytes;
  }
  return out;
}

Result<BertNormalizerSpec> read_bert_normalizer(const Reader& reader, object part) {
  BertNormalizerSpec spec;
  SPANQA_ASSIGN(spec.clean_text, reader.flag(part, "clean_text", true));
  SPANQA_ASSIGN(spec.handle_chinese_chars, reader.flag(part, "handle_chinese_chars", true));
  SPANQA_ASSIGN(spec.strip_accents, reader.field<bool>(part, "strip_accents"));
  SPANQA_ASSIGN(spec.lowercase, reader.flag(part, "lowercase", true));
  return spec;
}

Result<NormalizerStep> read_replace(const Reader& reader, object part) {
  constexpr std::string_view kSupported = "Replace with a pattern of the form {\"String\": ...} that is not empty";
  SPANQA_ASSIGN(const std::optional<object> pattern, reader.field<object>(part, "pattern"));
  SPANQA_ASSIGN(const std::optional<std::string_view> content, reader.field<std::string_view>(part, "content"));
  if (!pattern || !content) return reader.corrupt("a Replace normalizer lacks 'pattern' or 'content'");
  SPANQA_ASSIGN(const std::optional<std::string_view> text, reader.field<std::string_view>(*pattern, "String"));
  if (!text || text->empty()) return reader.unsupported("a Replace normalizer with this pattern", kSupported);
  return NormalizerStep{NormalizerStep::Kind::kReplace, code_points(*text), code_points(*content)};
}

Status append_normalizer(const Reader& reader, object part, int depth, std::vector<NormalizerStep>& steps) {
  using Kind = NormalizerStep::Kind;
  SPANQA_ASSIGN(const std::string type, reader.type_of(part, "normalizer"));
  if (type == "BertNormalizer") {
    SPANQA_ASSIGN(const BertNormalizerSpec bert, read_bert_normalizer(reader, part));
    bert.append_steps(steps);
  } else if (type == "Lowercase") {
    steps.push_back({Kind::kLower, {}, {}});
  } else if (type == "NFD") {
    steps.push_back({Kind::kDecompose, {}, {}});
  } else if (type == "StripAccents") {
    steps.push_back({Kind::kStripMarks, {}, {}});
  } else if (type == "Replace") {
    SPANQA_ASSIGN(NormalizerStep step, read_replace(reader, part));
    steps.push_back(std::move(step));
  } else if (type == "Sequence" && depth < kMaxNesting) {
    SPANQA_ASSIGN(const std::optional<array> parts, reader.field<array>(part, "normalizers"));
    if (!parts) return reader.corrupt("a Sequence normalizer lacks 'normalizers'");
    for (const element inner : *parts) {
      SPANQA_ASSIGN(const object inner_part, reader.as_object(inner, "normalizers"));
      SPANQA_TRY(append_normalizer(reader, inner_part, depth + 1, steps));
    }
  } else {
    return reader.unsupported(fmt::format("the normalizer {}", type),
                              "BertNormalizer, Lowercase, NFD, StripAccents, Replace and a Sequence of these");
  }
  return {};
}

Status read_normalizer(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> part, reader.field<object>(root, "normalizer"));
  if (!part) return {};  // null: the text is taken as it is
  SPANQA_ASSIGN(const std::string type, reader.type_of(*part, "normalizer"));
  if (type == "BertNormalizer") {
    SPANQA_ASSIGN(spec.normalizer.bert, read_bert_normalizer(reader, *part));
    return {};
  }
  return append_normalizer(reader, *part, 0, spec.normalizer.steps);
}

Status read_pre_tokenizer(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> part, reader.field<object>(root, "pre_tokenizer"));
  spec.splits_words = part.has_value();
  if (!part) return {};
  SPANQA_ASSIGN(const std::string type, reader.type_of(*part, "pre_tokenizer"));
  if (type == "BertPreTokenizer") return {};
  return reader.unsupported(fmt::format("the pre-tokenizer {}", type), "BertPreTokenizer");
}

/// One piece of a template: a special token's name, or 'A' or 'B', and its type id.
struct TemplatePiece {
  bool special = false;
  std::string id;
  std::int64_t type = 0;
};

Result<std::vector<TemplatePiece>> read_template(const Reader& reader, object part, const char* key) {
  SPANQA_ASSIGN(const std::optional<array> pieces, reader.field<array>(part, key));
  if (!pieces) return reader.corrupt(fmt::format("the post-processor's template lacks '{}'", key));
  std::vector<TemplatePiece> out;
  for (const element piece : *pieces) {
    SPANQA_ASSIGN(const object outer, reader.as_object(piece, key));
    TemplatePiece found;
    SPANQA_ASSIGN(std::optional<object> inner, reader.field<object>(outer, "Sequence"));
    if (!inner) {
      SPANQA_ASSIGN(inner, reader.field<object>(outer, "SpecialToken"));
      found.special = true;
    }
    if (!inner) return reader.corrupt(fmt::format("'{}' holds something that is neither token nor sequence", key));
    SPANQA_ASSIGN(const std::optional<std::string_view> id, reader.field<std::string_view>(*inner, "id"));
    SPANQA_ASSIGN(const std::optional<std::int64_t> type, reader.field<std::int64_t>(*inner, "type_id"));
    if (!id) return reader.corrupt(fmt::format("'{}' holds a piece without 'id'", key));
    found.id = *id;
    found.type = type.value_or(0);
    out.push_back(std::move(found));
  }
  return out;
}

Status read_template_processing(const Reader& reader, object part, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::vector<TemplatePiece> single, read_template(reader, part, "single"));
  SPANQA_ASSIGN(const std::vector<TemplatePiece> pair, read_template(reader, part, "pair"));
  const auto token = [](const TemplatePiece& p, std::string_view id, std::int64_t type) {
    return p.special && p.id == id && p.type == type;
  };
  const auto text = [](const TemplatePiece& p, std::string_view id, std::int64_t type) {
    return !p.special && p.id == id && p.type == type;
  };
  const bool lengths_fit = single.size() == 3 && pair.size() == 5;
  const std::string_view cls = lengths_fit ? std::string_view(single[0].id) : std::string_view();
  const std::string_view sep = lengths_fit ? std::string_view(single[2].id) : std::string_view();
  const std::int64_t type = lengths_fit ? pair[3].type : 0;
  const bool fits = lengths_fit && token(single[0], cls, 0) && text(single[1], "A", 0) && token(single[2], sep, 0) &&
                    token(pair[0], cls, 0) && text(pair[1], "A", 0) && token(pair[2], sep, 0) &&
                    text(pair[3], "B", type) && token(pair[4], sep, type) && (type == 0 || type == 1);
  if (!fits) return reader.unsupported("this template of special tokens", "[CLS] A [SEP] and [CLS] A [SEP] B [SEP]");
  spec.cls_token = cls;
  spec.sep_token = sep;
  spec.second_type = static_cast<std::uint8_t>(type);
  return {};
}

/// The token of `"cls": ["[CLS]", 101]`.
Result<std::string> read_named_token(const Reader& reader, object part, const char* key) {
  SPANQA_ASSIGN(const std::optional<array> pair, reader.field<array>(part, key));
  std::string_view token;
  if (!pair || pair->at(0).get(token) != simdjson::SUCCESS) {
    return reader.corrupt(fmt::format("the post-processor lacks '{}' as a token and its id", key));
  }
  return std::string(token);
}

Status read_post_processor(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> part, reader.field<object>(root, "post_processor"));
  if (!part) {
    spec.notes.push_back(
        fmt::format("{} has no post_processor; sequences are built as [CLS] A [SEP] B [SEP]", reader.where));
    return {};
  }
  SPANQA_ASSIGN(const std::string type, reader.type_of(*part, "post_processor"));
  if (type == "TemplateProcessing") return read_template_processing(reader, *part, spec);
  if (type != "BertProcessing") {
    return reader.unsupported(fmt::format("the post-processor {}", type), "TemplateProcessing and BertProcessing");
  }
  SPANQA_ASSIGN(spec.cls_token, read_named_token(reader, *part, "cls"));
  SPANQA_ASSIGN(spec.sep_token, read_named_token(reader, *part, "sep"));
  return {};
}

Status read_added_tokens(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<array> tokens, reader.field<array>(root, "added_tokens"));
  if (!tokens) return {};
  for (const element item : *tokens) {
    SPANQA_ASSIGN(const object token, reader.as_object(item, "added_tokens"));
    SPANQA_ASSIGN(const std::optional<std::int64_t> id, reader.field<std::int64_t>(token, "id"));
    SPANQA_ASSIGN(const std::optional<std::string_view> content, reader.field<std::string_view>(token, "content"));
    if (!id || !content) return reader.corrupt("'added_tokens' holds a token without 'id' or 'content'");
    if (*id < 0 || *id > INT32_MAX)
      return reader.corrupt(fmt::format("the added token '{}' has the id {}", *content, *id));
    AddedToken added;
    added.content = *content;
    added.id = static_cast<std::int32_t>(*id);
    SPANQA_ASSIGN(added.single_word, reader.flag(token, "single_word", false));
    SPANQA_ASSIGN(added.lstrip, reader.flag(token, "lstrip", false));
    SPANQA_ASSIGN(added.rstrip, reader.flag(token, "rstrip", false));
    SPANQA_ASSIGN(added.special, reader.flag(token, "special", false));
    SPANQA_ASSIGN(added.normalized, reader.flag(token, "normalized", !added.special));
    spec.added.push_back(std::move(added));
  }
  return {};
}

/// Old files do not name the model: its fields do.
std::string model_type_by_fields(object model) {
  const auto has = [model](const char* key) { return model.at_key(key).error() == simdjson::SUCCESS; };
  if (has("merges")) return "BPE";
  if (has("unk_id")) return "Unigram";
  return has("continuing_subword_prefix") || has("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

Status read_vocabulary(const Reader& reader, object model, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> vocabulary, reader.field<object>(model, "vocab"));
  if (!vocabulary) return reader.corrupt("the model has no 'vocab'");
  spec.entries.reserve(vocabulary->size());
  for (const auto& [text, value] : *vocabulary) {
    std::int64_t id = -1;
    if (value.get(id) != simdjson::SUCCESS || id < 0 || id > INT32_MAX) {
      return reader.corrupt(fmt::format("the vocabulary's entry '{}' has no id that can be one", text));
    }
    spec.entries.push_back({std::string(text), static_cast<std::int32_t>(id)});
  }
  return {};
}

Status read_model(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> model, reader.field<object>(root, "model"));
  if (!model) return reader.corrupt("there is no 'model'; this is not a tokenizer of the tokenizers library");
  SPANQA_ASSIGN(const std::optional<std::string_view> named, reader.field<std::string_view>(*model, "type"));
  const std::string type = named ? std::string(*named) : model_type_by_fields(*model);
  if (type != "WordPiece") return reader.unsupported(fmt::format("the model {}", type), "WordPiece");
  SPANQA_ASSIGN(const std::optional<std::string_view> unknown, reader.field<std::string_view>(*model, "unk_token"));
  SPANQA_ASSIGN(const auto prefix, reader.field<std::string_view>(*model, "continuing_subword_prefix"));
  SPANQA_ASSIGN(const auto max_chars, reader.field<std::int64_t>(*model, "max_input_chars_per_word"));
  if (unknown) spec.unknown_token = *unknown;
  if (prefix) spec.continuing_prefix = *prefix;
  if (max_chars) {
    if (*max_chars < 1 || *max_chars > kMaxWordChars) {
      return reader.corrupt(
          fmt::format("max_input_chars_per_word is {}; it must be 1 to {}", *max_chars, kMaxWordChars));
    }
    spec.max_word_chars = static_cast<std::size_t>(*max_chars);
  }
  return read_vocabulary(reader, *model, spec);
}

/// Truncation is given with each call, never read; of padding only the side is.
Status read_padding_side(const Reader& reader, object root, ModelSpec& spec) {
  SPANQA_ASSIGN(const std::optional<object> padding, reader.field<object>(root, "padding"));
  if (!padding) return {};
  SPANQA_ASSIGN(const std::optional<std::string_view> side, reader.field<std::string_view>(*padding, "direction"));
  if (side) spec.pads_right = *side != "Left";
  return {};
}

}  // namespace

Result<ModelSpec> parse_tokenizer_json(std::string_view json, std::string_view where) {
  const Reader reader{where};
  simdjson::dom::parser parser;
  element document;
  if (const auto error = parser.parse(simdjson::padded_string(json)).get(document); error != simdjson::SUCCESS) {
    return reader.corrupt(fmt::format("not valid JSON ({}); download the file again", simdjson::error_message(error)));
  }
  SPANQA_ASSIGN(const object root, reader.as_object(document, "the document"));
  ModelSpec spec;
  spec.source = "tokenizer.json";
  SPANQA_TRY(read_model(reader, root, spec));  // first: of all parts this tells most about a wrong file
  SPANQA_TRY(read_normalizer(reader, root, spec));
  SPANQA_TRY(read_pre_tokenizer(reader, root, spec));
  SPANQA_TRY(read_post_processor(reader, root, spec));
  SPANQA_TRY(read_added_tokens(reader, root, spec));
  SPANQA_TRY(read_padding_side(reader, root, spec));
  return spec;
}

}  // namespace spanqa
