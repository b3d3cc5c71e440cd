// Asks a question with an installed spanqa: proves that it can be found, included, linked and used.
#include <spanqa/qa/default_model.h>
#include <spanqa/qa/reader.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

spanqa::Result<std::string> answer() {
  SPANQA_ASSIGN(const auto folder, spanqa::find_default_model());
  SPANQA_ASSIGN(const auto reader, spanqa::Reader::open(folder));
  SPANQA_ASSIGN(const auto answers,
                reader->ask("Who wrote the first program?", "Ada Lovelace wrote the first program."));
  return answers.answers.front().text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s SPANQA_SOURCE_FOLDER\n", argv[0]);
    return 2;
  }
  ::setenv("SPANQA_MODELS", (std::string(argv[1]) + "/models").c_str(), 1);
  const auto text = answer();
  std::printf("%s\n", text ? text->c_str() : text.error().message.c_str());
  return text && *text == "Ada Lovelace" ? 0 : 1;
}
