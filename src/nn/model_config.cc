#include "nn/model_config.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/json_text.h"

namespace spanqa {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{1} << 24;
// Far above any published encoder; they keep every product of two sizes within 48 bits.
constexpr int kMaxWidth = 1 << 18;
constexpr int kMaxVocabulary = 1 << 24;
constexpr int kMaxLayers = 1 << 12;
constexpr std::int64_t kMaxMatrix = std::int64_t{1} << 36;

/// What a family calls its sizes. A null key: the family has no such thing and the default stands.
struct FamilyKeys {
  const char* model_type;
  ModelFamily family;
  const char* hidden_size;
  const char* n_layers;
  const char* n_heads;
  const char* intermediate_size;
  const char* type_vocab_size;
  const char* layer_norm_eps;
  const char* activation;
  const char* hidden_dropout;
  const char* attention_dropout;
  const char* head_dropout;
  ModelConfig defaults;  // of Hugging Face's BertConfig and DistilBertConfig
};

constexpr ModelConfig family_defaults(ModelFamily family, int n_layers, int type_vocab_size, float head_dropout) {
  ModelConfig config;
  config.family = family;
  config.vocab_size = 30522;
  config.hidden_size = 768;
  config.n_layers = n_layers;
  config.n_heads = 12;
  config.intermediate_size = 3072;
  config.max_positions = 512;
  config.type_vocab_size = type_vocab_size;
  config.head_dropout = head_dropout;
  return config;
}

constexpr std::array kFamilies = {
    FamilyKeys{.model_type = "bert",
               .family = ModelFamily::kBert,
               .hidden_size = "hidden_size",
               .n_layers = "num_hidden_layers",
               .n_heads = "num_attention_heads",
               .intermediate_size = "intermediate_size",
               .type_vocab_size = "type_vocab_size",
               .layer_norm_eps = "layer_norm_eps",
               .activation = "hidden_act",
               .hidden_dropout = "hidden_dropout_prob",
               .attention_dropout = "attention_probs_dropout_prob",
               .head_dropout = nullptr,
               .defaults = family_defaults(ModelFamily::kBert, 12, 2, 0.0F)},
    FamilyKeys{.model_type = "distilbert",
               .family = ModelFamily::kDistilBert,
               .hidden_size = "dim",
               .n_layers = "n_layers",
               .n_heads = "n_heads",
               .intermediate_size = "hidden_dim",
               .type_vocab_size = nullptr,
               .layer_norm_eps = nullptr,
               .activation = "activation",
               .hidden_dropout = "dropout",
               .attention_dropout = "attention_dropout",
               .head_dropout = "qa_dropout",
               .defaults = family_defaults(ModelFamily::kDistilBert, 6, 0, 0.1F)},
};

struct ActivationName {
  std::string_view name;
  Activation activation;
};
// The names of transformers' ACT2FN that are one of our three functions.
constexpr std::array kActivations = {
    ActivationName{"gelu", Activation::kGelu},          ActivationName{"gelu_python", Activation::kGelu},
    ActivationName{"gelu_new", Activation::kGeluTanh},  ActivationName{"gelu_pytorch_tanh", Activation::kGeluTanh},
    ActivationName{"gelu_fast", Activation::kGeluTanh}, ActivationName{"relu", Activation::kRelu}};

template <typename Table, typename Name>
std::string known_names(const Table& table, Name name) {
  std::string known;
  for (const auto& entry : table) known += fmt::format("{}{}", known.empty() ? "" : ", ", name(entry));
  return known;
}

/// The object of a config.json, read by typed keys.
class ConfigObject {
 public:
  ConfigObject(const Json& json, std::string_view name) : json_(json), name_(name) {}

  tl::unexpected<Error> error(ErrorCode code, std::string_view what) const {
    return fail(code, fmt::format("{}: {}", name_, what));
  }
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  Status read(const char* key, int limit, int& value) const {
    const Json* const found = key == nullptr ? nullptr : find(key);
    if (found == nullptr) return {};
    const std::int64_t number = found->is_number_integer() ? found->get<std::int64_t>() : 0;
    if (number < 1 || number > limit) {
      return error(ErrorCode::kCorrupt, fmt::format("{} is to be a whole number from 1 to {}", key, limit));
    }
    value = static_cast<int>(number);
    return {};
  }
  /// A number in [low, high).
  Status read(const char* key, float low, float high, float& value) const {
    const Json* const found = key == nullptr ? nullptr : find(key);
    if (found == nullptr) return {};
    const double number = found->is_number() ? found->get<double>() : std::nan("");
    if (!(number >= low && number < high)) {
      return error(ErrorCode::kCorrupt, fmt::format("{} is to be a number from {} to {}", key, low, high));
    }
    value = static_cast<float>(number);
    return {};
  }
  /// `fallback` where the key is absent; nothing where it is no string.
  Result<std::string> text(const char* key, std::string_view fallback) const {
    const Json* const found = find(key);
    if (found == nullptr) return std::string(fallback);
    if (!found->is_string()) return error(ErrorCode::kCorrupt, fmt::format("{} is no string", key));
    return found->get<std::string>();
  }
  bool is_true(const char* key) const {
    const Json* const found = find(key);
    return found != nullptr && found->is_boolean() && found->get<bool>();
  }

 private:
  const Json& json_;
  std::string_view name_;
};

Result<const FamilyKeys*> find_family(const ConfigObject& object) {
  SPANQA_ASSIGN(const std::string model_type, object.text("model_type", ""));
  for (const FamilyKeys& keys : kFamilies) {
    if (keys.model_type == model_type) return &keys;
  }
  const std::string known = known_names(kFamilies, [](const FamilyKeys& keys) { return keys.model_type; });
  if (model_type.empty()) {
    return object.error(ErrorCode::kUnsupported, fmt::format("names no model_type; known are {}", known));
  }
  return object.error(ErrorCode::kUnsupported,
                      fmt::format("model_type {} is not supported; known are {}", json_string(model_type), known));
}

Result<Activation> read_activation(const ConfigObject& object, const char* key) {
  SPANQA_ASSIGN(const std::string name, object.text(key, "gelu"));
  for (const ActivationName& entry : kActivations) {
    if (entry.name == name) return entry.activation;
  }
  return object.error(ErrorCode::kUnsupported,
                      fmt::format("{} {} is not supported; known are {}", key, json_string(name),
                                  known_names(kActivations, [](const ActivationName& entry) { return entry.name; })));
}

/// Variants of the architecture that would load and answer wrongly.
Status refuse_variants(const ConfigObject& object) {
  SPANQA_ASSIGN(const std::string positions, object.text("position_embedding_type", "absolute"));
  if (positions != "absolute") {
    return object.error(
        ErrorCode::kUnsupported,
        fmt::format("position_embedding_type {} is not supported; known is absolute", json_string(positions)));
  }
  for (const char* const key : {"is_decoder", "add_cross_attention"}) {
    if (object.is_true(key)) {
      return object.error(ErrorCode::kUnsupported, fmt::format("{} is set; only encoders are supported", key));
    }
  }
  if (const Json* const pruned = object.find("pruned_heads"); pruned != nullptr && !pruned->empty()) {
    return object.error(ErrorCode::kUnsupported, "pruned_heads is set; models with pruned heads are not supported");
  }
  return {};
}

Status check_labels(const ConfigObject& object) {
  const Json* const count = object.find("num_labels");
  const Json* const names = object.find("id2label");
  const bool other_count = count != nullptr && *count != 2;
  const bool other_names = names != nullptr && (!names->is_object() || names->size() != 2);
  if (!other_count && !other_names) return {};
  return object.error(ErrorCode::kUnsupported,
                      fmt::format("{} is not 2 labels (start and end): this is the head of another task; fine-tune the "
                                  "encoder for question answering first",
                                  other_count ? "num_labels" : "id2label"));
}

Status check_sizes(const ConfigObject& object, const ModelConfig& config) {
  if (config.hidden_size % config.n_heads != 0) {
    return object.error(ErrorCode::kCorrupt, fmt::format("{} attention heads do not divide the width {}",
                                                         config.n_heads, config.hidden_size));
  }
  const std::int64_t h = config.hidden_size;
  if (h * config.vocab_size > kMaxMatrix || h * config.intermediate_size > kMaxMatrix ||
      h * config.max_positions > kMaxMatrix || h * h * 3 > kMaxMatrix) {
    return object.error(ErrorCode::kCorrupt, fmt::format("a model of width {} with such matrices is beyond any that "
                                                         "exists; the file is damaged",
                                                         h));
  }
  return {};
}

Result<ModelConfig> config_of(const ConfigObject& object) {
  SPANQA_ASSIGN(const FamilyKeys* const keys, find_family(object));
  SPANQA_TRY(refuse_variants(object));
  SPANQA_TRY(check_labels(object));
  ModelConfig config = keys->defaults;
  SPANQA_ASSIGN(config.activation, read_activation(object, keys->activation));
  SPANQA_TRY(object.read("vocab_size", kMaxVocabulary, config.vocab_size));
  SPANQA_TRY(object.read("max_position_embeddings", kMaxWidth, config.max_positions));
  SPANQA_TRY(object.read(keys->hidden_size, kMaxWidth, config.hidden_size));
  SPANQA_TRY(object.read(keys->n_layers, kMaxLayers, config.n_layers));
  SPANQA_TRY(object.read(keys->n_heads, kMaxWidth, config.n_heads));
  SPANQA_TRY(object.read(keys->intermediate_size, kMaxWidth, config.intermediate_size));
  // Type ids are bytes (PackedBatch).
  SPANQA_TRY(object.read(keys->type_vocab_size, 256, config.type_vocab_size));
  SPANQA_TRY(object.read(keys->layer_norm_eps, 1e-20F, 1.0F, config.layer_norm_eps));
  SPANQA_TRY(object.read(keys->hidden_dropout, 0.0F, 1.0F, config.hidden_dropout));
  SPANQA_TRY(object.read(keys->attention_dropout, 0.0F, 1.0F, config.attention_dropout));
  SPANQA_TRY(object.read(keys->head_dropout, 0.0F, 1.0F, config.head_dropout));
  SPANQA_TRY(check_sizes(object, config));
  return config;
}

}  // namespace

Result<ModelConfig> parse_model_config(std::string_view json, std::string_view name) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) return fail(ErrorCode::kCorrupt, fmt::format("{}: is not a JSON object", name));
  return config_of(ConfigObject(parsed, name));
}

Result<ModelConfig> read_model_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const Result<std::string> text = read_file(path, kMaxConfigBytes);
  if (text) return parse_model_config(*text, path.string());
  if (text.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(text.error());
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: there is no such file; a model's folder holds config.json, model.safetensors (or its "
                          "shards with model.safetensors.index.json), and tokenizer.json or vocab.txt",
                          path.string()));
}

const char* model_family_name(ModelFamily family) {
  for (const FamilyKeys& keys : kFamilies) {
    if (keys.family == family) return keys.model_type;
  }
  return "";
}

}  // namespace spanqa
