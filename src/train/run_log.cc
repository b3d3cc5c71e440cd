#include "train/run_log.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <type_traits>

#include "base/file.h"
#include "base/json_text.h"
#include "train/record_json.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kEventsFile = "events.jsonl";
constexpr const char* kTensorBoardFolder = "tensorboard";

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string event_line(const char* event, double time, const Json& fields) {
  Json out = {{"event", event}, {"time", time}};
  out.update(fields);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json settings_json(const RunSettings& settings) {
  Json out = Json::object();
  for (const auto& [name, value] : settings) out[name] = value;
  return out;
}

std::string settings_markdown(const RunSettings& settings) {
  std::string out = "| option | value |\n|---|---|\n";
  for (const auto& [name, value] : settings) out += fmt::format("| {} | {} |\n", name, value);
  return out;
}

/// Steps ascend but for a record made again, which replaces its forerunner.
template <typename Record>
void put(std::vector<Record>& records, Record record) {
  if (!records.empty() && records.back().step == record.step) records.pop_back();
  records.push_back(std::move(record));
}

void put_event(RunHistory& history, const Json& json) {
  const auto event = json.at("event").get<std::string>();
  if (event == "step") put(history.steps, step_record_from(json));
  if (event == "evaluation") put(history.evaluations, evaluation_record_from(json));
  if (event == "checkpoint") put(history.checkpoints, checkpoint_record_from(json));
}

struct Kept {
  RunHistory history;
  std::uint64_t size = 0;  // bytes of whole lines up to the wanted step
};

/// Lines up to the first that speaks of a step behind `last_step`.
Result<Kept> parse_events(std::string_view text, std::string_view source, std::optional<std::size_t> last_step) {
  Kept out;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    ++number;
    try {
      const Json json = Json::parse(text.substr(begin, end - begin));
      if (last_step && json.contains("step") && count_from(json, "step") > *last_step) break;
      put_event(out.history, json);
    } catch (const Json::exception& error) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{}:{}: not a line of a run's log: {}; remove the line, or start the "
                              "run in another folder",
                              source, number, plain_json_fault(error.what())));
    }
    begin = end + 1;
    out.size = begin;
  }
  return out;
}

Result<Kept> read_events(const std::filesystem::path& path, std::optional<std::size_t> last_step) {
  SPANQA_ASSIGN(const std::string text, read_file(path));
  return parse_events(text, path.string(), last_step);
}

bool is_more_than_headline(const MetricValue& metric) {
  return !metric.is_count && metric.name != "f1" && metric.name != "exact" && metric.name != "exact_match";
}

}  // namespace

Result<RunHistory> read_run_history(const std::filesystem::path& events) {
  SPANQA_ASSIGN(Kept kept, read_events(events, std::nullopt));
  return std::move(kept.history);
}

Result<RunHistory> parse_run_history(std::string_view text, std::string_view source) {
  SPANQA_ASSIGN(Kept kept, parse_events(text, source, std::nullopt));
  return std::move(kept.history);
}

Result<RunLog> RunLog::start(const std::filesystem::path& folder, const RunSettings& settings) {
  const double time = now();
  SPANQA_ASSIGN(AppendFile events, AppendFile::open_cut(folder / kEventsFile, 0));
  SPANQA_TRY(events.append(event_line("start", time, {{"settings", settings_json(settings)}})));
  SPANQA_ASSIGN(TensorBoardWriter board, TensorBoardWriter::create(folder / kTensorBoardFolder, 0, time));
  SPANQA_TRY(board.add_text("settings", settings_markdown(settings), time));
  return RunLog(std::move(events), std::move(board), {});
}

Result<RunLog> RunLog::resume(const std::filesystem::path& folder, std::size_t step, const RunSettings& settings) {
  const double time = now();
  SPANQA_ASSIGN(Kept kept, read_events(folder / kEventsFile, step));
  SPANQA_ASSIGN(AppendFile events, AppendFile::open_cut(folder / kEventsFile, kept.size));
  SPANQA_TRY(events.append(event_line("resume", time, {{"step", step}, {"settings", settings_json(settings)}})));
  SPANQA_ASSIGN(TensorBoardWriter board, TensorBoardWriter::create(folder / kTensorBoardFolder, step + 1, time));
  SPANQA_TRY(board.add_text("settings", settings_markdown(settings), time));
  return RunLog(std::move(events), std::move(board), std::move(kept.history));
}

Status RunLog::add(const StepRecord& record) {
  const double time = now();
  SPANQA_TRY(events_.append(event_line("step", time, to_json(record))));
  put(history_.steps, record);
  SPANQA_TRY(board_.add_scalar("train/loss", record.step, record.loss, time));
  SPANQA_TRY(board_.add_scalar("train/learning_rate", record.step, record.learning_rate, time));
  SPANQA_TRY(board_.add_scalar("train/grad_norm", record.step, record.gradient_norm, time));
  SPANQA_TRY(board_.add_scalar("train/epoch", record.step, record.epoch, time));
  return board_.add_scalar("train/windows_per_second", record.step, record.windows_per_second, time);
}

Status RunLog::add(const EvaluationRecord& record) {
  const double time = now();
  SPANQA_TRY(events_.append(event_line("evaluation", time, to_json(record))));
  put(history_.evaluations, record);
  SPANQA_TRY(board_.add_scalar("eval/loss", record.step, record.loss, time));
  SPANQA_TRY(board_.add_scalar("eval/f1", record.step, record.f1, time));
  SPANQA_TRY(board_.add_scalar("eval/exact_match", record.step, record.exact, time));
  for (const MetricValue& metric : record.metrics) {
    if (!is_more_than_headline(metric)) continue;
    SPANQA_TRY(board_.add_scalar("eval/" + metric.name, record.step, metric.value, time));
  }
  return {};
}

Status RunLog::add(const CheckpointRecord& record) {
  SPANQA_TRY(events_.append(event_line("checkpoint", now(), to_json(record))));
  put(history_.checkpoints, record);
  return {};
}

Status RunLog::sync() {
  SPANQA_TRY(events_.sync());
  return board_.sync();
}

Status RunLog::end(std::size_t step, std::string_view reason) {
  return events_.append(event_line("end", now(), {{"step", step}, {"reason", reason}}));
}

}  // namespace spanqa
