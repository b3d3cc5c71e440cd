#include "qa/default_model.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace spanqa {
namespace {

constexpr std::size_t kNameLimit = 4096;

std::vector<std::filesystem::path> candidate_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* folder = std::getenv("SPANQA_MODELS")) return {folder};
  folders.emplace_back("models");
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (auto above = program.parent_path(); !above.empty(); above = above.parent_path()) {
    folders.push_back(above / "models");
    if (above == above.root_path()) break;
  }
  folders.push_back(program.parent_path().parent_path() / "share" / "spanqa" / "models");
  return folders;
}

}  // namespace

Result<std::filesystem::path> find_default_model() {
  for (const std::filesystem::path& folder : candidate_folders()) {
    Result<std::string> name = read_file(folder / "DEFAULT", kNameLimit);
    if (!name && name.error().code == ErrorCode::kNotFound) continue;
    if (!name) return tl::unexpected<Error>(std::move(name).error());  // the next one would be another model silently
    const std::size_t end = name->find_last_not_of(" \t\r\n");
    name->resize(end == std::string::npos ? 0 : end + 1);
    const std::filesystem::path model = folder / *name;
    std::error_code ignored;
    if (name->empty() || !std::filesystem::is_directory(model, ignored)) {
      return fail(
          ErrorCode::kNotFound,
          fmt::format("{}: names the model '{}', but there is no such folder beside it; name a model with --model",
                      (folder / "DEFAULT").string(), *name));
    }
    return model;
  }
  return fail(
      ErrorCode::kNotFound,
      "no default model found (looked for models/DEFAULT here, above the program and in its share folder); name a "
      "model folder with --model, or set SPANQA_MODELS");
}

}  // namespace spanqa
