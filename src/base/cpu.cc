#include "base/cpu.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace spanqa {
namespace {

constexpr std::array kFeatures = {"avx2",     "fma",         "f16c",     "avx512f",  "avx512bw", "avx512_vnni",
                                  "avx_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"};

// More than any machine has; OpenMP falls over long before absurd counts.
constexpr int kMostThreads = 1024;

int threads_from_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  if (text == nullptr) return 0;
  int n = 0;
  const std::string_view view(text);
  std::from_chars(view.data(), view.data() + view.size(), n);
  return std::min(n, kMostThreads);
}

}  // namespace

int usable_cores() {
  if (const int n = threads_from_environment(); n > 0) return n;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

CpuInfo cpu_info() {
  CpuInfo info;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    if (info.model.empty() && line.starts_with("model name"))
      info.model = line.substr(std::min(colon + 2, line.size()));
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(colon + 1));
    for (std::string word; words >> word;) {
      if (std::find(kFeatures.begin(), kFeatures.end(), word) != kFeatures.end()) info.features.push_back(word);
    }
    break;
  }
  return info;
}

std::uint64_t peak_memory_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::uint64_t resident_memory_bytes() {
  std::ifstream file("/proc/self/statm");  // proc(5): pages of the program, of them resident
  std::uint64_t program = 0;
  std::uint64_t resident = 0;
  if (!(file >> program >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace spanqa
