// An Api whose engine is the test's own, with everything around it. Not installed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/scratch_file.h"
#include "serve/api.h"
#include "serve/testing_exchange.h"
#include "shared_data.h"

namespace spanqa::serve::testing {

/// Finds "Ann" in every context, at once or when told.
class FakeEngine final : public Engine {
 public:
  static constexpr const char* kFound = "Ann";

  Ticket submit(EngineRequest request, Done done, Progress progress) override {
    std::unique_lock lock(mutex_);
    const Ticket ticket = ++last_;
    ++n_submitted;
    if (holds) {
      waiting_[ticket] = {std::move(request), std::move(done), std::move(progress)};
      return ticket;
    }
    lock.unlock();
    done(refusal ? EngineOutcome(tl::unexpected<ApiError>(*refusal)) : answer_to(std::move(request)));
    return ticket;
  }
  void cancel(Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    if (waiting_.erase(ticket) > 0) ++n_cancelled;
  }
  std::optional<int> seconds_to_wait(std::size_t /*n_tokens*/) const override { return wait; }

  /// Answers the request that waits longest.
  void answer_next(std::optional<ApiError> error = std::nullopt) {
    Waiting next = take_next();
    next.done(error ? EngineOutcome(tl::unexpected<ApiError>(*error)) : answer_to(std::move(next.request)));
  }
  /// A window of it is done.
  void step_next(std::size_t done, std::size_t total) {
    const Waiting& next = waiting_.begin()->second;
    ASSERT_TRUE(next.progress) << "nobody asked for progress";
    const std::string& text = next.request.request.documents.front().text;
    next.progress({.windows_done = done, .windows_total = total, .pair = 0, .best = found_in(text, 0.5)});
  }
  const EngineRequest& next() const { return waiting_.begin()->second.request; }

  // Set before requests come.
  bool holds = false;
  std::optional<ApiError> refusal;
  std::optional<int> wait;
  std::size_t n_found = 1;  // answers of each pair that has one

  int n_submitted = 0;
  int n_cancelled = 0;

 private:
  struct Waiting {
    EngineRequest request;
    Done done;
    Progress progress;
  };

  Waiting take_next() {
    const std::lock_guard lock(mutex_);
    auto node = waiting_.extract(waiting_.begin());
    return std::move(node.mapped());
  }

  static std::optional<Answer> found_in(const std::string& text, double score) {
    const std::size_t at = text.find(kFound);
    if (at == std::string::npos) return std::nullopt;
    const auto begin = static_cast<std::uint32_t>(at);
    return Answer{.text = kFound,
                  .span = {begin, begin + 3},
                  .score = score,
                  .start_logit = 1.0F,
                  .end_logit = 2.0F,
                  .margin = score};
  }

  EngineAnswer answer_to(EngineRequest asked) const {
    EngineAnswer answer;
    for (const QuestionPair& pair : asked.request.pairs) {
      const std::string& text = asked.request.documents[pair.document].text;
      Answers found;
      if (const auto best = found_in(text, 0.9)) found.answers.assign(n_found, *best);
      found.no_answer_score = 0.1;
      found.n_windows = 1;
      found.n_tokens = 12;
      answer.by_pair.push_back(std::move(found));
      if (asked.keep_windows) keep_window(text, *asked.model->reader, answer);
    }
    answer.request = std::move(asked.request);
    answer.max_length = 384;
    answer.overlap = 128;
    answer.times = {.tokenize = std::chrono::microseconds(250),
                    .queue = std::chrono::microseconds(1500),
                    .inference = std::chrono::milliseconds(9)};
    return answer;
  }

  /// One window with the whole context behind [CLS], two tokens of a question and [SEP].
  static void keep_window(const std::string& text, const Reader& reader, EngineAnswer& answer) {
    auto tokens = std::make_shared<const TokenizedText>(reader.tokenizer().tokenize(text));
    KeptWindow kept;
    kept.context_position = 4;
    kept.n_context = tokens->size();
    kept.start.assign(kept.n_context + 5, 0.0F);
    kept.end.assign(kept.n_context + 5, 0.0F);
    answer.windows.push_back({std::move(kept)});
    answer.contexts.push_back(std::move(tokens));
  }

  std::mutex mutex_;
  std::map<Ticket, Waiting> waiting_;
  Ticket last_ = 0;
};

struct ApiSetUp {
  ApiOptions options = {};
  std::vector<std::string> model_names = {"tiny"};
  bool feedback = false;
  ApiKeys keys = {};
  Cors cors = Cors();
  bool log_is_on = true;
};

/// Everything around one Api. Ready at once.
class ApiFixture {
 public:
  explicit ApiFixture(ApiSetUp set_up = {}) : log_file_("log", ""), feedback_file_("feedback.jsonl", "") {
    ModelSetOptions models;
    for (const std::string& name : set_up.model_names) {
      models.folders.push_back({.name = name, .folder = spanqa::testing::source_path("tests/fixtures/nn/tiny-bert")});
    }
    models_.emplace(std::move(models), engine);
    EXPECT_TRUE(models_->load().empty());
    engine.n_submitted = 0;
    log_ = AccessLog::open({.file = log_file_.path(), .is_on = set_up.log_is_on}).value();
    if (set_up.feedback) feedback_ = FeedbackStore::open(feedback_file_.path()).value();
    set_up.options.model_names = set_up.model_names;
    preparation_.emplace();
    api_.emplace(set_up.options, ApiParts{.engine = engine,
                                          .models = *models_,
                                          .metrics = metrics,
                                          .log = *log_,
                                          .preparation = *preparation_,
                                          .feedback = feedback_.get(),
                                          .keys = std::move(set_up.keys),
                                          .cors = std::move(set_up.cors)});
    api_->set_phase(ServerPhase::kReady);
  }

  Api& api() { return *api_; }
  Worker& preparation() { return *preparation_; }
  std::shared_ptr<RecordingExchange> begin(HttpRequest request) {
    auto exchange = std::make_shared<RecordingExchange>();
    api_->handle(std::move(request), exchange);
    return exchange;
  }
  /// The whole response.
  HttpResponse send(HttpRequest request) {
    const auto exchange = begin(std::move(request));
    EXPECT_TRUE(exchange->is_answered());
    return exchange->response();
  }
  HttpResponse get(const std::string& target, std::vector<Header> headers = {}) {
    return send({.method = "GET", .target = target, .headers = std::move(headers)});
  }
  HttpResponse post(const std::string& target, const std::string& body, std::vector<Header> headers = {}) {
    return send(post_request(target, body, std::move(headers)));
  }
  static HttpRequest post_request(const std::string& target, const std::string& body,
                                  std::vector<Header> headers = {}) {
    headers.push_back({"Content-Type", "application/json"});
    return {.method = "POST", .target = target, .headers = std::move(headers), .body = body};
  }

  /// Ends everything; the lines of the log.
  std::vector<nlohmann::json> log_lines() {
    std::vector<nlohmann::json> lines;
    std::istringstream text(log_text());
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  std::string log_text() {
    api_.reset();
    preparation_.reset();
    log_.reset();
    return read_file(log_file_.path()).value();
  }

  Metrics metrics;
  FakeEngine engine;

 private:
  spanqa::testing::ScratchFile log_file_;
  spanqa::testing::ScratchFile feedback_file_;
  std::optional<ModelSet> models_;
  std::unique_ptr<AccessLog> log_;
  std::unique_ptr<FeedbackStore> feedback_;
  std::optional<Worker> preparation_;
  std::optional<Api> api_;
};

inline nlohmann::json json_of(const HttpResponse& response) {
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  return nlohmann::json::parse(response.body);
}

}  // namespace spanqa::serve::testing
