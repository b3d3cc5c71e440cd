// Replays a corpus through a fuzz target without libFuzzer: every file whole, cut short, and with bits flipped.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kCuts = 64;
constexpr int kFlips = 200;

void run(const std::vector<std::uint8_t>& bytes) { LLVMFuzzerTestOneInput(bytes.data(), bytes.size()); }

void replay(const std::string& text) {
  const std::vector<std::uint8_t> whole(text.begin(), text.end());
  run(whole);
  const std::size_t step = std::max<std::size_t>(1, whole.size() / kCuts);
  for (std::size_t n = 0; n < whole.size(); n += step) {
    run(std::vector<std::uint8_t>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
  }
  std::mt19937 random(1);  // the same damage each run
  for (int i = 0; i < kFlips && !whole.empty(); ++i) {
    std::vector<std::uint8_t> damaged = whole;
    const std::uint32_t n_flips = 1 + random() % 4;
    for (std::uint32_t k = 0; k < n_flips; ++k) {
      damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    }
    run(damaged);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  int n_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const auto text = spanqa::read_file(entry.path());
    if (!text) {
      std::fprintf(stderr, "%s\n", text.error().message.c_str());
      return 1;
    }
    replay(*text);
    ++n_files;
  }
  std::printf("%d files replayed\n", n_files);
  return n_files > 0 ? 0 : 1;
}
