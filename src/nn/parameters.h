// The numbers that training changes: every tensor of an encoder and its answer head, in one array, under the names that
// transformers gives them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "nn/model_config.h"

namespace spanqa {

/// One tensor's place in an array of all of them.
struct Parameter {
  std::string name;                  // "bert.encoder.layer.0.attention.self.query.weight"
  std::vector<std::size_t> shape;    // row-major
  std::size_t offset = 0;            // of its first number in the array
  std::size_t size = 0;              // product of `shape`
  int level = 0;                     // 0: embeddings; 1 to n_layers: that layer; n_layers + 1: the answer head
  bool decays = false;               // weight decay holds for it: not for biases and normalisations
  bool has_sparse_gradient = false;  // the word embeddings: only rows of ids in the batch have a gradient
};

/// Where every tensor of a model lies. Queries, keys and values of a layer, and their biases, lie one after another, so
/// that they can be read as one matrix [3 h, h] and one bias [3 h]. All other offsets, and that of the three together,
/// are multiples of 16.
class ParameterLayout {
 public:
  explicit ParameterLayout(const ModelConfig& config);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Length of the array, gaps included; gaps hold zeros.
  std::size_t n_floats() const { return n_floats_; }
  /// nullptr when there is none of that name.
  const Parameter* find(std::string_view name) const;

 private:
  std::vector<Parameter> parameters_;
  std::size_t n_floats_ = 0;
};

}  // namespace spanqa
