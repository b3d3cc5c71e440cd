// For tests: reference rows, and model folders made from the tiny fixture with something changed.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "nn/packed_batch.h"
#include "nn/qa_model.h"
#include "nn/safetensors.h"
#include "shared_data.h"

namespace spanqa::testing {

/// A sequence and what a reference implementation answers.
struct ReferenceRow {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> types;
  std::vector<float> start;
  std::vector<float> end;
};

/// Reads {"rows": [...]} or a list of rows.
inline std::vector<ReferenceRow> read_rows(const std::filesystem::path& path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file);
  std::vector<ReferenceRow> rows;
  for (const auto& row : json.is_array() ? json : json.at("rows")) {
    ReferenceRow made{
        .ids = row.at("input_ids"), .types = {}, .start = row.at("start_logits"), .end = row.at("end_logits")};
    if (row.contains("token_type_ids")) made.types = row.at("token_type_ids").get<std::vector<std::uint8_t>>();
    made.types.resize(made.ids.size());
    rows.push_back(std::move(made));
  }
  return rows;
}

inline void append_row(PackedBatch& batch, const ReferenceRow& row) {
  batch.ids.insert(batch.ids.end(), row.ids.begin(), row.ids.end());
  batch.type_ids.insert(batch.type_ids.end(), row.types.begin(), row.types.end());
  batch.offsets.push_back(static_cast<std::uint32_t>(batch.ids.size()));
}

inline PackedBatch batch_of(const std::vector<ReferenceRow>& rows) {
  PackedBatch batch;
  for (const ReferenceRow& row : rows) append_row(batch, row);
  return batch;
}

/// Sequences of random ids, with lengths between `low` and `high`.
inline PackedBatch random_batch(const ModelConfig& config, std::size_t n_sequences, int low, int high,
                                std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> length(low, high);
  std::uniform_int_distribution<int> id(0, config.vocab_size - 1);
  PackedBatch batch;
  for (std::size_t i = 0; i < n_sequences; ++i) {
    const int n = length(random);
    for (int t = 0; t < n; ++t) {
      batch.ids.push_back(id(random));
      batch.type_ids.push_back(t * 3 > n && config.type_vocab_size > 1 ? 1 : 0);
    }
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.ids.size()));
  }
  return batch;
}

/// Sequence `i` of a batch, alone.
inline PackedBatch sequence_of(const PackedBatch& batch, std::size_t i) {
  const auto part = [&](const auto& all) {
    return std::remove_cvref_t<decltype(all)>(all.begin() + batch.offsets[i], all.begin() + batch.offsets[i + 1]);
  };
  return {.ids = part(batch.ids),
          .type_ids = part(batch.type_ids),
          .offsets = {0, batch.offsets[i + 1] - batch.offsets[i]}};
}

/// The largest distance of two lists; infinite when their lengths differ or a number is not one.
inline double largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

inline double largest_difference(const SpanLogits& a, const SpanLogits& b) {
  return std::max(largest_difference(a.start, b.start), largest_difference(a.end, b.end));
}

inline SpanLogits logits_of(const QaModel& model, const PackedBatch& batch, int n_threads = 1) {
  Workspace workspace(n_threads);
  SpanLogits logits;
  const Status status = model.forward(batch, workspace, logits);
  EXPECT_TRUE(status) << status.error().message;
  return logits;
}

/// Every row alone and all of them in one batch against the reference.
inline void expect_rows(const std::filesystem::path& folder, const std::filesystem::path& rows_path, double tolerance) {
  const auto opened = QaModel::open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  const QaModel& model = **opened;
  const std::vector<ReferenceRow> rows = read_rows(rows_path);
  ASSERT_FALSE(rows.empty());
  SpanLogits all;
  for (const ReferenceRow& row : rows) {
    const SpanLogits logits = logits_of(model, batch_of({row}));
    EXPECT_LE(largest_difference(logits.start, row.start), tolerance);
    EXPECT_LE(largest_difference(logits.end, row.end), tolerance);
    all.start.insert(all.start.end(), row.start.begin(), row.start.end());
    all.end.insert(all.end.end(), row.end.begin(), row.end.end());
  }
  EXPECT_LE(largest_difference(logits_of(model, batch_of(rows)), all), tolerance);
}

inline const std::filesystem::path& tiny_bert() {
  static const std::filesystem::path folder = source_path("tests/fixtures/nn/tiny-bert");
  return folder;
}

/// A tensor that owns its bytes.
struct StoredTensor {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::size_t> shape;
  std::string bytes;
};

/// A model folder as tests change it.
struct StoredModel {
  std::string config;  // the text of config.json
  std::vector<StoredTensor> tensors;

  StoredTensor& at(std::string_view name) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    if (found == tensors.end()) throw std::out_of_range(std::string(name));
    return *found;
  }
};

inline StoredModel read_stored_model(const std::filesystem::path& folder) {
  StoredModel model{.config = read_file(folder / "config.json").value(), .tensors = {}};
  const TensorFile file = TensorFile::open_folder(folder).value();
  for (const auto& [name, tensor] : file.tensors()) {
    model.tensors.push_back({name, tensor.dtype().value(), tensor.shape,
                             std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())});
  }
  return model;
}

inline Status write_tensors(const std::filesystem::path& path, std::span<const StoredTensor> tensors) {
  std::vector<NamedTensor> named;
  for (const StoredTensor& t : tensors) {
    named.push_back({t.name, t.dtype, t.shape, std::as_bytes(std::span(t.bytes.data(), t.bytes.size()))});
  }
  return write_safetensors(path, named);
}

/// Keeps what `type` can hold of every number, cut off, and stores it as `type`, or as float32 when `widen` is set:
/// both give the same model.
inline void reduce_precision(StoredModel& model, DType type, bool widen) {
  for (StoredTensor& tensor : model.tensors) {
    std::string bytes;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 4) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, tensor.bytes.data() + i, 4);
      std::uint16_t stored = static_cast<std::uint16_t>(bits >> 16);
      if (type == DType::kFloat16) {
        const std::uint32_t exponent = bits >> 23 & 0xFF;
        if (exponent < 113) bits &= 0x80000000;  // below 2^-14 float16 has fewer digits; zero will do here
        const std::uint32_t kept = exponent < 113 ? 0 : (exponent - 112) << 10 | (bits >> 13 & 0x3FF);
        stored = static_cast<std::uint16_t>((bits >> 31) << 15 | kept);
        bits &= 0xFFFFE000;
      } else {
        bits &= 0xFFFF0000;
      }
      bytes.append(widen ? reinterpret_cast<const char*>(&bits) : reinterpret_cast<const char*>(&stored),
                   widen ? 4 : 2);
    }
    tensor.bytes = std::move(bytes);
    tensor.dtype = widen ? DType::kFloat32 : type;
  }
}

/// A test with a temporary folder.
class ModelFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-model-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const StoredModel& model) {
    ASSERT_TRUE(write_file(folder_ / "config.json", model.config));
    ASSERT_TRUE(write_tensors(folder_ / "model.safetensors", model.tensors));
  }
  /// The error that opening the changed tiny model ends with; empty when it opens.
  Error error_after(const std::function<void(StoredModel&)>& change) {
    StoredModel model = read_stored_model(tiny_bert());
    change(model);
    write(model);
    const auto opened = QaModel::open(folder_);
    return opened ? Error{} : opened.error();
  }
  /// The logits of the changed tiny model for its own reference rows.
  SpanLogits logits_after(const std::function<void(StoredModel&)>& change) {
    const Error error = error_after(change);
    EXPECT_EQ(error.message, "");
    const auto model = QaModel::open(folder_);
    return model ? logits_of(**model, batch_of(read_rows(tiny_bert() / "expected.json"))) : SpanLogits{};
  }

  std::filesystem::path folder_;
};

}  // namespace spanqa::testing
