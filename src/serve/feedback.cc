#include "serve/feedback.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/append_file.h"
#include "base/check.h"
#include "base/file.h"
#include "data/example_reader.h"
#include "data/example_writer.h"
#include "serve/engine.h"
#include "serve/request_id.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kSyncInterval = std::chrono::seconds(1);

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRight:
      return "right";
    case Verdict::kWrong:
      return "wrong";
    case Verdict::kCorrected:
      return "corrected";
  }
  SPANQA_CHECK(false);
}

Example example_of(const FeedbackCall& call) {
  Example example;
  example.id = random_id();
  example.question = call.question;
  example.context = std::make_shared<const std::string>(call.context);
  example.has_answers_field = call.verdict != Verdict::kWrong;
  if (example.has_answers_field && !call.answer.empty()) {
    example.answers.push_back({.text = call.answer, .start = static_cast<std::int64_t>(call.answer_start)});
  }
  return example;
}

/// What a row has beside the example.
Json remarks_of(const FeedbackCall& call) {
  Json remarks = {{"verdict", verdict_name(call.verdict)},
                  {"model", call.model},
                  {"time", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))}};
  if (call.verdict == Verdict::kWrong) remarks["judged"] = {{"text", call.answer}, {"start", call.answer_start}};
  return remarks;
}

Result<std::string> line_of(const FeedbackCall& call) {
  std::string line;
  ExampleWriter writer = ExampleWriter::to_sink(
      [&](std::string_view bytes) -> Status {
        line += bytes;
        return {};
      },
      {.format = DataFormat::kJsonl});
  SPANQA_TRY(writer.write(example_of(call)));
  SPANQA_TRY(writer.finish());
  const std::size_t brace = line.rfind('}');
  SPANQA_CHECK(brace != std::string::npos);
  line.resize(brace);
  line += ", ";
  line += remarks_of(call).dump(-1, ' ', true, Json::error_handler_t::replace).substr(1);
  line += '\n';
  return line;
}

/// Bytes of the file that are whole lines.
Result<std::uint64_t> whole_lines(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file);
  if (!text && text.error().code == ErrorCode::kNotFound) return 0;
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  const std::size_t end = text->find_last_of('\n');
  const std::size_t size = end == std::string::npos ? 0 : end + 1;
  const std::string_view rest = std::string_view(*text).substr(size);
  // A line of ours that was torn begins as one.
  if (rest.empty() || (rest.front() == '{' && !Json::accept(rest))) return size;
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("{}: does not end with a line of feedback; end its last line, or name another file", file.string()));
}

/// Those rows that have golds.
Status copy_golds(const std::filesystem::path& file, ExampleWriter& writer) {
  SPANQA_ASSIGN(const auto reader, ExampleReader::open(file, {.format = DataFormat::kJsonl}));
  while (true) {
    SPANQA_ASSIGN(const std::optional<Example> example, reader->next());
    if (!example) return {};
    if (example->has_answers_field) SPANQA_TRY(writer.write(*example));
  }
}

}  // namespace

struct FeedbackStore::Impl {
  Impl(AppendFile opened, bool is_new) : file(std::move(opened)), is_empty(is_new) {}
  mutable std::mutex mutex;
  AppendFile file;
  bool is_empty;
  Clock::time_point synced = {};
};

FeedbackStore::FeedbackStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FeedbackStore::~FeedbackStore() {
  // Nobody is left to be told that it failed.
  [[maybe_unused]] const Status ignored = impl_->file.sync();
}

Result<std::unique_ptr<FeedbackStore>> FeedbackStore::open(const std::filesystem::path& file) {
  SPANQA_ASSIGN(const std::uint64_t size, whole_lines(file));
  SPANQA_ASSIGN(AppendFile opened, AppendFile::open_cut(file, size));
  return std::unique_ptr<FeedbackStore>(new FeedbackStore(std::make_unique<Impl>(std::move(opened), size == 0)));
}

Status FeedbackStore::append(const FeedbackCall& call) {
  SPANQA_ASSIGN(const std::string line, line_of(call));
  const std::lock_guard lock(impl_->mutex);
  SPANQA_TRY(impl_->file.append(line));
  impl_->is_empty = false;
  const auto now = Clock::now();
  if (now < impl_->synced + kSyncInterval) return {};
  impl_->synced = now;
  return impl_->file.sync();
}

Result<std::string> FeedbackStore::squad() const {
  const std::lock_guard lock(impl_->mutex);  // so that no line is half there
  std::string text;
  ExampleWriter writer = ExampleWriter::to_sink(
      [&](std::string_view bytes) -> Status {
        text += bytes;
        return {};
      },
      {.format = DataFormat::kSquad, .version = "v2.0"});
  if (!impl_->is_empty)
    SPANQA_TRY(copy_golds(impl_->file.path(), writer));  // a data set without rows is an error there
  SPANQA_TRY(writer.finish());
  return text;
}

}  // namespace spanqa::serve
