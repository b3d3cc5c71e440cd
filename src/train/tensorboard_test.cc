#include "train/tensorboard.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/file.h"
#include "base/scratch_file.h"

namespace spanqa {
namespace {

std::uint64_t fixed(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// The data of each record; both checksums are looked at.
std::vector<std::string> records_of(std::string_view file) {
  std::vector<std::string> out;
  while (!file.empty()) {
    const std::size_t n = fixed(file.substr(0, 8));
    EXPECT_EQ(fixed(file.substr(8, 4)), masked_crc32c(file.substr(0, 8)));
    out.emplace_back(file.substr(12, n));
    EXPECT_EQ(fixed(file.substr(12 + n, 4)), masked_crc32c(out.back()));
    file.remove_prefix(16 + n);
  }
  return out;
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST(TensorBoard, KnowsTheAnswersOfCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(TensorBoard, MasksTheChecksum) {
  // ((crc >> 15) | (crc << 17)) + 0xa282ead8, written out for 0xE3069283.
  EXPECT_EQ(masked_crc32c("123456789"), 0xC78AB0E5U);
}

TEST(TensorBoard, FramesARecord) {
  const std::string record = tensorboard_record("123456789");
  ASSERT_EQ(record.size(), 25U);
  EXPECT_EQ(record.substr(0, 8), std::string("\x09\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(fixed(std::string_view(record).substr(8, 4)), masked_crc32c(record.substr(0, 8)));
  EXPECT_EQ(record.substr(12, 9), "123456789");
  EXPECT_EQ(fixed(std::string_view(record).substr(21, 4)), 0xC78AB0E5U);
}

TEST(TensorBoard, WritesVersionStartAndScalar) {
  const testing::ScratchFile scratch("x", "");
  auto writer = TensorBoardWriter::create(scratch.path().parent_path() / "tensorboard", 7, 1.0);
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ(writer->path().filename().string().rfind("events.out.tfevents.1.", 0), 0U);
  ASSERT_TRUE(writer->add_scalar("a/b", 300, 0.5, 1.0));
  const auto records = records_of(read_file(writer->path()).value());
  ASSERT_EQ(records.size(), 3U);
  const std::string time("\x09\0\0\0\0\0\0\xF0\x3F", 9);  // field 1, double 1.0
  EXPECT_EQ(records[0], time + "\x1A\x0D" + "brain.Event:2");
  EXPECT_EQ(records[1], time + "\x10\x07" + "\x3A\x02\x08\x01");
  // step 300; summary of 12 bytes, value of 10: tag "a/b", simple_value 0.5f
  EXPECT_EQ(records[2], time + "\x10\xAC\x02" + "\x2A\x0C\x0A\x0A\x0A\x03" + "a/b" + std::string("\x15\0\0\0\x3F", 5));
}

TEST(TensorBoard, NamesASecondFileOfTheSameSecond) {
  const testing::ScratchFile scratch("x", "");
  const auto folder = scratch.path().parent_path();
  const auto first = TensorBoardWriter::create(folder, 0, 5.0);
  const auto second = TensorBoardWriter::create(folder, 0, 5.5);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_NE(first->path(), second->path());
}

TEST(TensorBoard, WritesTextAsATensorOfStrings) {
  const testing::ScratchFile scratch("x", "");
  auto writer = TensorBoardWriter::create(scratch.path().parent_path(), 0, 1.0);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add_text("recipe", "**seed** 42", 2.0));
  const auto records = records_of(read_file(writer->path()).value());
  ASSERT_EQ(records.size(), 3U);
  EXPECT_NE(records[2].find("**seed** 42"), std::string::npos);
  EXPECT_NE(records[2].find("\x0A\x04text"), std::string::npos);
}

TEST(TensorBoard, SaysWhenTheFolderCannotBe) {
  const testing::ScratchFile scratch("file", "");
  const auto writer = TensorBoardWriter::create(scratch.path() / "below", 0, 1.0);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace spanqa
