#include "base/cpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace spanqa {
namespace {

/// Sets an environment variable for as long as the object lives.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~ScopedEnvironment() {
    if (before_.empty()) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, before_.c_str(), 1);
    }
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  const char* name_;
  std::string before_;
};

TEST(UsableCores, FollowsOmpNumThreadsWhereItIsANumber) {
  {
    const ScopedEnvironment set("OMP_NUM_THREADS", "3");
    EXPECT_EQ(usable_cores(), 3);
  }
  {
    const ScopedEnvironment set("OMP_NUM_THREADS", "1000000");
    EXPECT_EQ(usable_cores(), 1024);  // bounded
  }
  for (const char* nonsense : {"0", "-2", "many", ""}) {
    const ScopedEnvironment set("OMP_NUM_THREADS", nonsense);
    EXPECT_GE(usable_cores(), 1) << nonsense;
    EXPECT_LE(usable_cores(), 4096) << nonsense;
  }
}

TEST(CpuInfo, NamesOnlyFeaturesItKnowsAndEachOnce) {
  const CpuInfo info = cpu_info();
  std::vector<std::string> features = info.features;
  std::sort(features.begin(), features.end());
  EXPECT_EQ(std::adjacent_find(features.begin(), features.end()), features.end());
  for (const std::string& feature : features) {
    EXPECT_TRUE(feature.starts_with("avx") || feature.starts_with("amx") || feature == "fma" || feature == "f16c")
        << feature;
  }
}

TEST(PeakMemory, GrowsWithWhatIsTouched) {
  const std::uint64_t before = peak_memory_bytes();
  std::vector<char> block(std::size_t{64} << 20, 'x');
  EXPECT_EQ(block[block.size() / 2], 'x');
  EXPECT_GE(peak_memory_bytes(), std::max(before, std::uint64_t{64} << 20));
}

TEST(ResidentMemory, IsAPartOfThePeak) {
  const std::uint64_t resident = resident_memory_bytes();
  EXPECT_GT(resident, std::uint64_t{1} << 20);
  EXPECT_LE(resident, peak_memory_bytes() + (std::uint64_t{16} << 20)) << "the kernel counts both with some delay";
}

}  // namespace
}  // namespace spanqa
