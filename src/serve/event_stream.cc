#include "serve/event_stream.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "serve/weighted_list.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

Json best_json(const AnswerCall& call, const EngineProgress& progress) {
  if (!progress.best) return nullptr;
  const Answer& best = *progress.best;
  const std::size_t document = call.request.pairs[progress.pair].document;
  const TextIndex index{std::string_view(call.request.documents[document].text)};
  const TextPosition begin = index.at_byte(best.span.begin);
  const TextPosition end = index.at_byte(best.span.end);
  return {{"text", best.text},
          {"score", best.score},
          {"context", document},
          {"code_points", {{"start", begin.code_point}, {"end", end.code_point}}},
          {"bytes", {{"start", begin.byte}, {"end", end.byte}}},
          {"utf16", {{"start", begin.utf16}, {"end", end.utf16}}},
          {"window", best.window}};
}

/// The best quality of a type, the most exact range deciding; below 0 where no range names it.
struct TypeQuality {
  double quality = -1.0;
  int exactness = -1;

  void see(int range_exactness, double range_quality) {
    if (range_exactness < exactness) return;
    exactness = range_exactness;
    quality = range_quality;
  }
};

/// 2 for the type itself, 1 for its "main/*", 0 for "*/*", -1 for others.
int exactness_of(std::string_view range, std::string_view type) {
  if (equal_ignoring_case(range, type)) return 2;
  const std::string_view main = type.substr(0, type.find('/') + 1);
  if (range.ends_with("/*") && equal_ignoring_case(range.substr(0, range.size() - 1), main)) return 1;
  return range == "*/*" ? 0 : -1;
}

}  // namespace

std::string event_bytes(std::string_view name, std::string_view json) {
  return fmt::format("event: {}\ndata: {}\n\n", name, json);
}

std::string heartbeat_bytes() { return ": still reading\n\n"; }

std::string progress_event(const AnswerCall& call, const EngineProgress& progress) {
  const Json json = {{"windows_done", progress.windows_done},
                     {"windows_total", progress.windows_total},
                     {"question", call.request.pairs[progress.pair].question},
                     {"best", best_json(call, progress)}};
  return event_bytes("progress", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string answer_event(std::string_view full_body) { return event_bytes("answer", full_body); }
std::string error_event(const ApiError& error) { return event_bytes("error", error_json(error)); }

Accepts parse_accept(std::string_view accept) {
  if (trimmed(accept).empty()) return {.json = true, .stream = true, .prefers_stream = false};
  TypeQuality json;
  TypeQuality stream;
  bool stream_named_first = false;
  for (const WeightedName& range : parse_weighted_list(accept)) {
    const int for_stream = exactness_of(range.name, "text/event-stream");
    const int for_json = exactness_of(range.name, "application/json");
    if (for_stream == 2 && json.exactness < 2) stream_named_first = true;
    if (for_stream >= 0) stream.see(for_stream, range.quality);
    if (for_json >= 0) json.see(for_json, range.quality);
  }
  const bool wants_stream = stream.exactness == 2 && stream.quality > 0.0;
  return {.json = json.quality > 0.0,
          .stream = stream.quality > 0.0,
          .prefers_stream = wants_stream &&
                            (stream.quality > json.quality || (stream.quality == json.quality && stream_named_first))};
}

}  // namespace spanqa::serve
