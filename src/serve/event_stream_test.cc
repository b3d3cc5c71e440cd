#include "serve/event_stream.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace spanqa::serve {
namespace {

std::string outcome(std::string_view accept) {
  const Accepts accepts = parse_accept(accept);
  return std::string(accepts.json ? "json " : "") + (accepts.stream ? "stream" : "") +
         (accepts.prefers_stream ? "!" : "");
}

TEST(ParseAccept, GivesAStreamOnlyToThoseWhoNameIt) {
  EXPECT_EQ(outcome(""), "json stream");
  EXPECT_EQ(outcome("*/*"), "json stream");
  EXPECT_EQ(outcome("text/event-stream"), "stream!");
  EXPECT_EQ(outcome("Text/Event-Stream;q=0.5"), "stream!");
  EXPECT_EQ(outcome("application/json"), "json ");
  EXPECT_EQ(outcome("application/*;q=0.1"), "json ");
  EXPECT_EQ(outcome("text/*"), "stream");
}

TEST(ParseAccept, WeighsWhatIsAskedFor) {
  EXPECT_EQ(outcome("application/json, text/event-stream"), "json stream");
  EXPECT_EQ(outcome("text/event-stream, application/json"), "json stream!");
  EXPECT_EQ(outcome("application/json;q=0.5, text/event-stream"), "json stream!");
  EXPECT_EQ(outcome("text/event-stream;q=0.1, */*;q=0.5"), "json stream");
  EXPECT_EQ(outcome("text/event-stream;q=0, */*"), "json ");
  EXPECT_EQ(outcome("text/html"), "");
  EXPECT_EQ(outcome("*/*;q=0"), "");
  EXPECT_EQ(outcome("application/json;q=x"), "");
  EXPECT_EQ(outcome(",, ;;q, application/json ; charset=utf-8 ; q=1.0"), "json ");
}

TEST(Events, AreANameAndOneLine) {
  EXPECT_EQ(event_bytes("x", "{}"), "event: x\ndata: {}\n\n");
  EXPECT_EQ(heartbeat_bytes().front(), ':');
  EXPECT_TRUE(heartbeat_bytes().ends_with("\n\n"));
  EXPECT_EQ(answer_event("{\"a\":1}"), "event: answer\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(error_event({.kind = ErrorKind::kDeadlineExceeded}),
            "event: error\ndata: {\"error\":\"The answer was not ready in time.\",\"code\":\"deadline_exceeded\"}\n\n");
}

TEST(ProgressEvent, TellsHowFarAndWhatIsBestSoFar) {
  AnswerCall call;
  call.request.questions = {"q"};
  call.request.documents = {{.id = {}, .text = "x"}, {.id = {}, .text = "😀 line\nAnn"}};
  call.request.pair_all();
  EngineProgress progress{.windows_done = 1, .windows_total = 3, .pair = 1, .best = std::nullopt};
  EXPECT_EQ(progress_event(call, progress),
            "event: progress\ndata: {\"windows_done\":1,\"windows_total\":3,\"question\":0,\"best\":null}\n\n");
  Answer best;
  best.text = "line\nAnn";
  best.span = {5, 13};
  best.score = 0.5;
  progress.best = best;
  const std::string event = progress_event(call, progress);
  EXPECT_EQ(event.find('\n', event.find("data:")), event.size() - 2) << "a line feed of the text stays escaped";
  const auto json = nlohmann::json::parse(event.substr(event.find('{')));
  EXPECT_EQ(json["best"]["context"], 1);
  EXPECT_EQ(json["best"]["code_points"]["start"], 2);
  EXPECT_EQ(json["best"]["utf16"]["start"], 3);
}

}  // namespace
}  // namespace spanqa::serve
