// Counts a text in the three ways spanqa counts places. Proves that an installed spanqa can be included and linked.
#include <cstdio>
#include <string>

#include "base/file.h"
#include "base/utf8.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s SPANQA_SOURCE_FOLDER\n", argv[0]);
    return 2;
  }
  const auto text = spanqa::read_file(std::string(argv[1]) + "/examples/data/lighthouses.txt");
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().message.c_str());
    return 1;
  }
  const spanqa::TextPosition end = spanqa::TextIndex(*text).end();
  std::printf("%zu bytes, %zu code points, %zu UTF-16 units\n", end.byte, end.code_point, end.utf16);
  return end.code_point < end.byte && end.utf16 == end.code_point ? 0 : 1;
}
