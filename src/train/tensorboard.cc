#include "train/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <climits>
#include <utility>

namespace spanqa {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

void append_fixed(std::string& out, std::uint64_t value, std::size_t n_bytes) {
  for (std::size_t i = 0; i < n_bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

/// A protobuf message under construction: fields in the order they are added.
class Message {
 public:
  Message& add_varint(std::uint32_t field, std::uint64_t value) {
    append_varint(field << 3U);
    append_varint(value);
    return *this;
  }
  Message& add_double(std::uint32_t field, double value) {
    append_varint((field << 3U) | 1U);
    append_fixed(bytes_, std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  Message& add_bytes(std::uint32_t field, std::string_view value) {
    append_varint((field << 3U) | 2U);
    append_varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& add_float(std::uint32_t field, float value) {
    append_varint((field << 3U) | 5U);
    append_fixed(bytes_, std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void append_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) bytes_ += static_cast<char>((value & 0x7FU) | 0x80U);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// Field numbers of event.proto, summary.proto, tensor.proto and tensor_shape.proto.
constexpr std::uint32_t kEventWallTime = 1;
constexpr std::uint32_t kEventStep = 2;
constexpr std::uint32_t kEventFileVersion = 3;
constexpr std::uint32_t kEventSummary = 5;
constexpr std::uint32_t kEventSessionLog = 7;
constexpr std::uint32_t kSessionLogStatus = 1;
constexpr std::uint64_t kSessionStart = 1;
constexpr std::uint32_t kSummaryValue = 1;
constexpr std::uint32_t kValueTag = 1;
constexpr std::uint32_t kValueSimpleValue = 2;
constexpr std::uint32_t kValueTensor = 8;
constexpr std::uint32_t kValueMetadata = 9;
constexpr std::uint32_t kMetadataPluginData = 1;
constexpr std::uint32_t kPluginName = 1;
constexpr std::uint32_t kTensorDtype = 1;
constexpr std::uint64_t kDtypeString = 7;
constexpr std::uint32_t kTensorShape = 2;
constexpr std::uint32_t kShapeDim = 2;
constexpr std::uint32_t kDimSize = 1;
constexpr std::uint32_t kTensorStringValue = 8;

Message event_at(std::size_t step, double wall_time) {
  Message event;
  event.add_double(kEventWallTime, wall_time).add_varint(kEventStep, step);
  return event;
}

std::string summary_event(const Message& value, std::size_t step, double wall_time) {
  Message summary;
  summary.add_bytes(kSummaryValue, value.bytes());
  return event_at(step, wall_time).add_bytes(kEventSummary, summary.bytes()).bytes();
}

std::string text_tensor(std::string_view text) {
  Message dim;
  dim.add_varint(kDimSize, 1);
  Message shape;
  shape.add_bytes(kShapeDim, dim.bytes());
  Message tensor;
  tensor.add_varint(kTensorDtype, kDtypeString)
      .add_bytes(kTensorShape, shape.bytes())
      .add_bytes(kTensorStringValue, text);
  return tensor.bytes();
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

Result<AppendFile> create_event_file(const std::filesystem::path& folder, double wall_time) {
  const std::string name = fmt::format("events.out.tfevents.{}.{}", static_cast<std::uint64_t>(wall_time), host_name());
  // A run that is resumed within the second needs a name of its own.
  for (int number = 0;; ++number) {
    auto file = AppendFile::create(folder / (number == 0 ? name : fmt::format("{}.{}", name, number)));
    if (file || file.error().code != ErrorCode::kInvalidArgument) return file;
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = (crc >> 8U) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

std::string tensorboard_record(std::string_view data) {
  std::string out;
  append_fixed(out, data.size(), 8);
  append_fixed(out, masked_crc32c(out), 4);
  out += data;
  append_fixed(out, masked_crc32c(data), 4);
  return out;
}

Result<TensorBoardWriter> TensorBoardWriter::create(const std::filesystem::path& folder, std::size_t first_step,
                                                    double wall_time) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", folder.string(), error.message()));
  SPANQA_ASSIGN(AppendFile file, create_event_file(folder, wall_time));
  TensorBoardWriter writer(std::move(file));
  Message version;
  version.add_double(kEventWallTime, wall_time).add_bytes(kEventFileVersion, "brain.Event:2");
  SPANQA_TRY(writer.file_.append(tensorboard_record(version.bytes())));
  Message session;
  session.add_varint(kSessionLogStatus, kSessionStart);
  const Message start = event_at(first_step, wall_time).add_bytes(kEventSessionLog, session.bytes());
  SPANQA_TRY(writer.file_.append(tensorboard_record(start.bytes())));
  return writer;
}

Status TensorBoardWriter::add_scalar(std::string_view tag, std::size_t step, double value, double wall_time) {
  Message scalar;
  scalar.add_bytes(kValueTag, tag).add_float(kValueSimpleValue, static_cast<float>(value));
  return file_.append(tensorboard_record(summary_event(scalar, step, wall_time)));
}

Status TensorBoardWriter::add_text(std::string_view tag, std::string_view markdown, double wall_time) {
  Message plugin;
  plugin.add_bytes(kPluginName, "text");
  Message metadata;
  metadata.add_bytes(kMetadataPluginData, plugin.bytes());
  Message value;
  value.add_bytes(kValueTag, tag)
      .add_bytes(kValueTensor, text_tensor(markdown))
      .add_bytes(kValueMetadata, metadata.bytes());
  return file_.append(tensorboard_record(summary_event(value, 0, wall_time)));
}

}  // namespace spanqa
