// What the machine offers: cores this process may use, and the CPU's name and features.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spanqa {

/// Cores this process may run on (affinity mask), at least 1. OMP_NUM_THREADS, when set, lowers or raises it.
int usable_cores();

struct CpuInfo {
  std::string model;  // "AMD EPYC 9B14"
  std::vector<std::string>
      features;  // of those spanqa's kernels care about: "avx2", "avx512f", "avx512_vnni", "amx_tile"
};
CpuInfo cpu_info();

/// Highest resident memory of this process so far, in bytes.
std::uint64_t peak_memory_bytes();
/// Resident memory of this process now, in bytes; 0 where the system does not tell.
std::uint64_t resident_memory_bytes();

}  // namespace spanqa
