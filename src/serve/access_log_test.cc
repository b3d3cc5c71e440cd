#include "serve/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/scratch_file.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using spanqa::testing::ScratchFile;
using namespace std::chrono_literals;

std::vector<Json> lines_of(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::istringstream text(read_file(path).value());
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

LogEntry entry_of(const std::string& id) {
  LogEntry entry;
  entry.id = id;
  entry.remote = "127.0.0.1";
  entry.method = "POST";
  entry.route = "predict";
  entry.status = 200;
  entry.bytes_in = 10;
  entry.bytes_out = 20;
  entry.total_ms = 1.23456;
  return entry;
}

TEST(AccessLog, WritesALineOfJsonForEachResponse) {
  const ScratchFile file("log", "");
  {
    const auto log = AccessLog::open({.file = file.path()}).value();
    LogEntry entry = entry_of("a");
    entry.model = "minilm";
    entry.times = EngineTimes{.tokenize = 1ms, .queue = 2ms, .inference = 3ms, .cached = true};
    entry.n_windows = 4;
    entry.n_tokens = 50;
    log->write(entry);
    LogEntry refused = entry_of("b\n\"");
    refused.method = "my secret";
    refused.status = 429;
    refused.code = "queue_full";
    refused.is_gone = true;
    log->write(refused);
  }
  const std::vector<Json> lines = lines_of(file.path());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["id"], "a");
  EXPECT_EQ(lines[0]["ms"], 1.235);
  EXPECT_EQ(lines[0]["queue_ms"], 2.0);
  EXPECT_EQ(lines[0]["windows"], 4);
  EXPECT_EQ(lines[0]["cached"], true);
  EXPECT_FALSE(lines[0].contains("code"));
  EXPECT_FALSE(lines[0].contains("question"));
  EXPECT_EQ(lines[1]["id"], "b\n\"");
  EXPECT_EQ(lines[1]["method"], "other") << "a method may be any text";
  EXPECT_EQ(lines[1]["code"], "queue_full");
  EXPECT_EQ(lines[1]["gone"], true);
  EXPECT_FALSE(lines[1].contains("queue_ms"));
  const std::string time = lines[0]["time"];
  EXPECT_EQ(time.size(), std::string("2026-01-01T00:00:00.000Z").size()) << time;
  EXPECT_EQ(time[10], 'T');
}

TEST(AccessLog, OffItKeepsOnlyNotes) {
  const ScratchFile file("log", "before\n");
  {
    const auto log = AccessLog::open({.file = file.path(), .is_on = false}).value();
    log->write(entry_of("a"));
    log->note("reload", "the model is the old one");
  }
  const std::string text = read_file(file.path()).value();
  ASSERT_TRUE(text.starts_with("before\n"));
  const Json note = Json::parse(text.substr(7));
  EXPECT_EQ(note["event"], "reload");
  EXPECT_EQ(note["message"], "the model is the old one");
}

TEST(AccessLog, OpensItsFileAnew) {
  const ScratchFile file("log", "");
  const auto old = file.path().parent_path() / "log.1";
  {
    const auto log = AccessLog::open({.file = file.path()}).value();
    log->write(entry_of("a"));
    while (std::filesystem::file_size(file.path()) == 0) std::this_thread::sleep_for(1ms);
    std::filesystem::rename(file.path(), old);
    log->reopen();
    while (!std::filesystem::exists(file.path())) std::this_thread::sleep_for(1ms);
    log->write(entry_of("b"));
  }
  EXPECT_EQ(lines_of(old)[0]["id"], "a");
  ASSERT_EQ(lines_of(file.path()).size(), 1U);
  EXPECT_EQ(lines_of(file.path())[0]["id"], "b");
}

TEST(AccessLog, SaysWhichFileCannotBeOpened) {
  const auto log = AccessLog::open({.file = "/nowhere/at/all/log"});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kNotFound);
}

TEST(AccessLog, APipeThatNobodyReadsCostsLinesAndNoTime) {
  const ScratchFile folder("unused", "");
  const auto pipe = folder.path().parent_path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  constexpr std::size_t kLines = 5000;  // 200 bytes each: more than the pipe's 64 KiB and the queue together
  const auto begin = Clock::now();
  std::uint64_t n_dropped = 0;
  {
    const auto log = AccessLog::open({.file = pipe, .most_waiting = 64 << 10}).value();
    for (std::size_t i = 0; i < kLines; ++i) log->write(entry_of("a"));
    n_dropped = log->n_dropped();
  }
  EXPECT_GT(n_dropped, 1000U);
  EXPECT_LT(n_dropped, kLines);
  EXPECT_LT(Clock::now() - begin, 20s) << "ends in spite of the full pipe";
  ::close(reader);
}

TEST(AccessLog, LinesOfManyThreadsStayWhole) {
  const ScratchFile file("log", "");
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kLines = 200;
  {
    const auto log = AccessLog::open({.file = file.path()}).value();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < kLines; ++i) log->write(entry_of(std::to_string(i)));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(lines_of(file.path()).size(), kThreads * kLines);
}

}  // namespace
}  // namespace spanqa::serve
