#include "nn/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <utility>

#include "nn/family_names.h"

namespace spanqa {
namespace {

constexpr std::size_t kAlignment = 16;  // numbers: 64 bytes, a cache line and the widest vector

std::size_t size_of(int n) { return static_cast<std::size_t>(n); }

/// Lays tensors one after another.
class Builder {
 public:
  explicit Builder(std::vector<Parameter>& parameters) : parameters_(parameters) {}

  void align() { end_ = (end_ + kAlignment - 1) / kAlignment * kAlignment; }
  /// Without a gap before it.
  Parameter& add(std::string name, std::vector<std::size_t> shape, bool decays) {
    const std::size_t size = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
    parameters_.push_back({.name = std::move(name),
                           .shape = std::move(shape),
                           .offset = end_,
                           .size = size,
                           .level = level,
                           .decays = decays,
                           .has_sparse_gradient = false});
    end_ += size;
    return parameters_.back();
  }
  Parameter& add_table(std::string name, std::size_t rows, std::size_t width) {
    align();
    return add(std::move(name), {rows, width}, true);
  }
  /// The weights [n, k] of each name side by side, then the biases [n].
  void add_linear(std::initializer_list<std::string> names, std::size_t n, std::size_t k) {
    align();
    for (const std::string& name : names) add(name + ".weight", {n, k}, true);
    align();
    for (const std::string& name : names) add(name + ".bias", {n}, false);
  }
  void add_norm(const std::string& name, std::size_t width) {
    for (const char* const part : {".weight", ".bias"}) {
      align();
      add(name + part, {width}, false);
    }
  }
  std::size_t end() const { return end_; }

  int level = 0;

 private:
  std::vector<Parameter>& parameters_;
  std::size_t end_ = 0;
};

void add_embeddings(Builder& builder, const ModelConfig& config) {
  const std::string prefix = std::string(family_names(config.family).prefix) + "embeddings.";
  const std::size_t h = size_of(config.hidden_size);
  builder.add_table(prefix + "word_embeddings.weight", size_of(config.vocab_size), h).has_sparse_gradient = true;
  builder.add_table(prefix + "position_embeddings.weight", size_of(config.max_positions), h);
  if (config.type_vocab_size > 0) {
    builder.add_table(prefix + "token_type_embeddings.weight", size_of(config.type_vocab_size), h);
  }
  builder.add_norm(prefix + "LayerNorm", h);
}

void add_layer(Builder& builder, const ModelConfig& config, int index) {
  const FamilyNames& names = family_names(config.family);
  const std::string prefix = fmt::format("{}{}.{}.", names.prefix, names.layer, index);
  const std::size_t h = size_of(config.hidden_size);
  const std::size_t i = size_of(config.intermediate_size);
  builder.add_linear({prefix + names.query, prefix + names.key, prefix + names.value}, h, h);
  builder.add_linear({prefix + names.attention_out}, h, h);
  builder.add_norm(prefix + names.attention_norm, h);
  builder.add_linear({prefix + names.up}, i, h);
  builder.add_linear({prefix + names.down}, h, i);
  builder.add_norm(prefix + names.output_norm, h);
}

}  // namespace

ParameterLayout::ParameterLayout(const ModelConfig& config) {
  Builder builder(parameters_);
  add_embeddings(builder, config);
  for (int layer = 0; layer < config.n_layers; ++layer) {
    builder.level = layer + 1;
    add_layer(builder, config, layer);
  }
  builder.level = config.n_layers + 1;
  builder.add_linear({"qa_outputs"}, 2, size_of(config.hidden_size));
  builder.align();
  n_floats_ = builder.end();
}

const Parameter* ParameterLayout::find(std::string_view name) const {
  const auto found =
      std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& p) { return p.name == name; });
  return found == parameters_.end() ? nullptr : &*found;
}

}  // namespace spanqa
