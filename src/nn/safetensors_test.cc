#include "nn/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

#include "shared_data.h"

namespace spanqa {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The bytes of a file with this header and data.
std::string file_of(std::string_view header, std::string_view data) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) file.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
  return file.append(header).append(data);
}

std::string error_of(std::string_view header, std::string_view data) {
  const std::string file = file_of(header, data);
  const auto parsed = parse_safetensors(bytes_of(file), "a.safetensors");
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(parsed.error().message.starts_with("a.safetensors: ")) << parsed.error().message;
  return parsed.error().message;
}

class SafetensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-safetensors-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// A file of three small tensors.
  std::filesystem::path write_sample(std::string_view name) {
    const std::filesystem::path path = folder_ / name;
    const std::vector<NamedTensor> tensors = {
        {.name = "half", .dtype = DType::kFloat16, .shape = {3}, .bytes = bytes_of("aabbcc")},
        {.name = "a \"quoted\" name", .dtype = DType::kFloat32, .shape = {2, 1}, .bytes = bytes_of("11112222")},
        {.name = "scalar", .dtype = DType::kBFloat16, .shape = {}, .bytes = bytes_of("zz")}};
    EXPECT_TRUE(write_safetensors(path, tensors));
    return path;
  }
  std::string open_error() const {
    const auto opened = TensorFile::open_folder(folder_);
    return opened ? "" : opened.error().message;
  }
  std::filesystem::path folder_;
};

TEST_F(SafetensorsTest, WrittenTensorsReadBack) {
  const auto file = TensorFile::open(write_sample("model.safetensors")).value();
  ASSERT_EQ(file.tensors().size(), 3U);
  const TensorView* const quoted = file.find("a \"quoted\" name");
  ASSERT_NE(quoted, nullptr);
  EXPECT_EQ(quoted->shape, (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(quoted->dtype().value(), DType::kFloat32);
  EXPECT_EQ(std::memcmp(quoted->bytes.data(), "11112222", 8), 0);
  EXPECT_EQ(file.find("half")->n_elements(), 3U);
  EXPECT_EQ(file.find("half")->dtype().value(), DType::kFloat16);
  EXPECT_EQ(file.find("scalar")->n_elements(), 1U);
  EXPECT_EQ(file.find("other"), nullptr);
}

TEST_F(SafetensorsTest, WrittenFilesAreAlignedAndCarryTheirMetadata) {
  const std::string text = read_file(write_sample("model.safetensors")).value();
  EXPECT_EQ(static_cast<unsigned char>(text[0]) % 8, 0);  // header length: the data starts at a multiple of 8
  EXPECT_NE(text.find(R"({"__metadata__":{"format":"pt"},"a \"quoted\" name":{"dtype":"F32")"), std::string::npos);
  ASSERT_TRUE(write_safetensors(folder_ / "empty", {}, {}));
  const auto empty = TensorFile::open(folder_ / "empty").value();
  EXPECT_TRUE(empty.tensors().empty());
}

TEST_F(SafetensorsTest, AFileCutShortAnywhereIsAnError) {
  const std::string whole = read_file(write_sample("model.safetensors")).value();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(parse_safetensors(bytes_of(whole.substr(0, n)), "cut")) << n;
  }
  EXPECT_FALSE(parse_safetensors(bytes_of(whole + "x"), "longer"));
}

TEST_F(SafetensorsTest, FlippedBitsNeverLeadOutsideTheFile) {
  const std::string whole = read_file(write_sample("model.safetensors")).value();
  std::size_t n_errors = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_safetensors(bytes_of(damaged), "damaged");
    n_errors += parsed ? 0U : 1U;
    if (!parsed) continue;
    for (const auto& [name, tensor] : *parsed) {
      const auto* const begin = reinterpret_cast<const std::byte*>(damaged.data());
      EXPECT_GE(tensor.bytes.data(), begin) << name;
      EXPECT_LE(tensor.bytes.data() + tensor.bytes.size(), begin + damaged.size()) << name;
    }
  }
  // What may pass: bits of names, of the metadata, of the padding, and of the data, which has no checksum.
  EXPECT_GT(n_errors, whole.size() * 8 / 2);
}

TEST(ParseSafetensors, ErrorsSayWhatIsWrong) {
  struct Case {
    const char* header;
    const char* expected;
  };
  const Case cases[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {R"({"a":1})", R"(tensor "a" has no dtype)"},
      {R"({"a":{"dtype":7}})", "has no dtype"},
      {R"({"a":{"dtype":"F32"}})", "has no shape"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "has no shape"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "has no data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "has no data_offsets"},
      {R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", R"(unknown dtype "F33")"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "claims bytes 8 to 0 of the 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", "claims bytes 0 to 9 of the 8"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "has 8 bytes, but F32 [3] does not"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}})", "does not"},  // 2^64 + 8 bytes
      {R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}})", "bytes that no tensor claims"},
      {R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", "4 bytes at the end"},
      {R"({"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}})",
       R"(tensor "b" overlaps)"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "overlaps"},
      {"{\"\xFF\":{}}", "not a JSON object"},
  };
  for (const Case& c : cases) {
    EXPECT_NE(error_of(c.header, "12345678").find(c.expected), std::string::npos)
        << c.header << " -> " << error_of(c.header, "12345678");
  }
}

TEST(ParseSafetensors, AHeaderLengthBeyondTheFileIsAnErrorEvenAtTheEdgeOfTheType) {
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{100'000'001}, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    EXPECT_FALSE(parse_safetensors(bytes_of(file + "{}"), "x")) << length;
  }
}

TEST(ParseSafetensors, TypesThatCannotBeComputedWithAreListed) {
  const std::string file = file_of(R"({"ids":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]}})", "12345678");
  const TensorMap tensors = parse_safetensors(bytes_of(file), "x").value();
  ASSERT_EQ(tensors.size(), 1U);
  const auto dtype = tensors.at("ids").dtype();
  ASSERT_FALSE(dtype);
  EXPECT_EQ(dtype.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(dtype.error().message.find("I64"), std::string::npos);
}

TEST_F(SafetensorsTest, ShardsAreReadAsOne) {
  write_sample("part-1.safetensors");
  const std::vector<NamedTensor> more = {
      {.name = "more", .dtype = DType::kFloat32, .shape = {1}, .bytes = bytes_of("3333")},
      {.name = "not in the index", .dtype = DType::kFloat32, .shape = {1}, .bytes = bytes_of("4444")}};
  ASSERT_TRUE(write_safetensors(folder_ / "part-2.safetensors", more));
  ASSERT_TRUE(write_file(folder_ / "model.safetensors.index.json",
                         R"({"metadata":{"total_size":20},"weight_map":{"half":"part-1.safetensors",
                             "scalar":"part-1.safetensors","more":"part-2.safetensors"}})"));
  const auto file = TensorFile::open_folder(folder_).value();
  EXPECT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(std::memcmp(file.find("more")->bytes.data(), "3333", 4), 0);
  EXPECT_EQ(std::memcmp(file.find("half")->bytes.data(), "aabbcc", 6), 0);
}

TEST_F(SafetensorsTest, FaultsOfAnIndexAreNamed) {
  write_sample("part.safetensors");
  struct Case {
    const char* index;
    const char* expected;
  };
  const Case cases[] = {{"{", "no weight_map"},
                        {R"({"weight_map":[]})", "no weight_map"},
                        {R"({"weight_map":{"half":3}})", "names no file"},
                        {R"({"weight_map":{"half":"../part.safetensors"}})", "not a file of the same folder"},
                        {R"({"weight_map":{"half":"/etc/passwd"}})", "not a file of the same folder"},
                        {R"({"weight_map":{"half":""}})", "not a file of the same folder"},
                        {R"({"weight_map":{"half":".."}})", "not a file of the same folder"},
                        {R"({"weight_map":{"half":"gone.safetensors"}})", "gone.safetensors: cannot open"},
                        {R"({"weight_map":{"other":"part.safetensors"}})", R"(tensor "other" is not in)"}};
  for (const Case& c : cases) {
    ASSERT_TRUE(write_file(folder_ / "model.safetensors.index.json", c.index));
    EXPECT_NE(open_error().find(c.expected), std::string::npos) << c.index << " -> " << open_error();
  }
}

TEST_F(SafetensorsTest, ADamagedIndexIsAnErrorOrNamesTensorsOfItsShards) {
  write_sample("a.safetensors");
  const std::string whole =
      R"({"metadata":{"total_size":16},"weight_map":{"half":"a.safetensors","scalar":"a.safetensors"}})";
  const auto opened_with = [&](const std::string& index) {
    std::ofstream(folder_ / "model.safetensors.index.json", std::ios::binary | std::ios::trunc) << index;
    return TensorFile::open_folder(folder_);
  };
  const TensorFile sound = opened_with(whole).value();
  EXPECT_EQ(sound.tensors().size(), 2U);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(opened_with(whole.substr(0, n))) << "cut at " << n;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto opened = opened_with(damaged);
    if (!opened) continue;
    for (const auto& [name, tensor] : opened->tensors()) EXPECT_TRUE(name == "half" || name == "scalar") << name;
  }
}

TEST_F(SafetensorsTest, AFolderWithoutWeightsSaysWhatToDo) {
  EXPECT_NE(open_error().find("neither model.safetensors nor"), std::string::npos);
  ASSERT_TRUE(write_file(folder_ / "pytorch_model.bin", "PK"));
  EXPECT_NE(open_error().find("safe_serialization=True"), std::string::npos) << open_error();
  EXPECT_EQ(TensorFile::open_folder(folder_).error().code, ErrorCode::kUnsupported);
  write_sample("model.safetensors");
  EXPECT_EQ(open_error(), "");
}

TEST(TensorFileGolden, RealCheckpointsOpen) {
  SPANQA_NEEDS_SHARED("models/minilm-base");
  const auto file = TensorFile::open_folder(testing::shared_path("models/minilm-base")).value();
  EXPECT_EQ(file.find("embeddings.position_ids")->type, "I64");
  EXPECT_EQ(file.find("embeddings.word_embeddings.weight")->shape, (std::vector<std::size_t>{30522, 384}));
}

}  // namespace
}  // namespace spanqa
