// Files cut off at every byte and with every bit flipped: an error or examples, never a crash.
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "data/internal/data_fuzz.h"
#include "shared_data.h"

namespace spanqa {
namespace {

struct DamageCase {
  const char* file;
  DataFormat format;
  std::size_t n_examples;
};

class ReaderDamage : public ::testing::TestWithParam<DamageCase> {
 protected:
  std::string text() const {
    const auto file = read_file(testing::source_path(std::string("tests/fixtures/data/") + GetParam().file));
    EXPECT_TRUE(file);
    return file ? *file : std::string();
  }
  std::optional<std::size_t> read(const std::string& text) const {
    return drain(text, GetParam().file, GetParam().format);
  }
};

TEST_P(ReaderDamage, ReadsTheSoundFile) { EXPECT_EQ(read(text()), GetParam().n_examples); }

TEST_P(ReaderDamage, SurvivesAFileCutAnywhere) {
  const std::string whole = text();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::optional<std::size_t> n_read = read(whole.substr(0, n));
    EXPECT_LE(n_read.value_or(0), GetParam().n_examples) << "cut at " << n;
    const bool is_whole_json = GetParam().format == DataFormat::kSquad || GetParam().format == DataFormat::kJson;
    const bool only_blanks_cut = whole.find_first_not_of(" \n", n) == std::string::npos;
    if (is_whole_json && !only_blanks_cut) {
      EXPECT_FALSE(n_read) << "a cut file is refused as a whole, cut at " << n;
    }
  }
}

TEST_P(ReaderDamage, SurvivesEveryFlippedBit) {
  const std::string whole = text();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
      EXPECT_LE(read(damaged).value_or(0), GetParam().n_examples + 4) << "byte " << i << ", bit " << bit;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, ReaderDamage,
                         ::testing::Values(DamageCase{"squad_v1.json", DataFormat::kSquad, 2},
                                           DamageCase{"squad_v2.json", DataFormat::kSquad, 4},
                                           DamageCase{"rows.json", DataFormat::kJson, 5},
                                           DamageCase{"rows.jsonl", DataFormat::kJsonl, 3},
                                           DamageCase{"rows.csv", DataFormat::kCsv, 2},
                                           DamageCase{"rows_answers.csv", DataFormat::kCsv, 2}));

}  // namespace
}  // namespace spanqa
