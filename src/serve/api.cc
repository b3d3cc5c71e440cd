#include "serve/api.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "serve/api_answers.h"
#include "serve/api_call.h"
#include "serve/content_coding.h"
#include "serve/docs_page.h"
#include "serve/event_stream.h"
#include "serve/info_body.h"
#include "serve/openapi.h"
#include "serve/page.h"
#include "serve/response_body.h"

namespace spanqa::serve {
namespace {

using CallPtr = std::shared_ptr<ApiCall>;

constexpr int kSoon = 1;  // seconds until another try, where nobody can tell
// Of a request that is tokenised on the caller's thread: a small body may ask 32 questions of 64 contexts, which takes
// tens of milliseconds.
constexpr std::size_t kInlinePairs = 64;

bool has_body(const Route& route) { return !route.request_schema.empty(); }

/// How /v1/answer is to be given; nothing where the client takes neither form. HTTP/1.0 knows no chunks.
std::optional<Delivery> delivery_for(const HttpRequest& request) {
  const Accepts accepts = parse_accept(request.header("Accept"));
  const bool may_stream = accepts.stream && !request.is_http_10;
  if (may_stream && accepts.prefers_stream) return Delivery::kStream;
  if (accepts.json) return Delivery::kWhole;
  return may_stream ? std::optional(Delivery::kStream) : std::nullopt;
}

bool is_acceptable(const Route& route, const HttpRequest& request) {
  if (!has_body(route) || route.response_type.empty()) return true;
  if (route.id == RouteId::kAnswer) return delivery_for(request).has_value();
  return parse_accept(request.header("Accept")).json;
}

/// What becomes no call: its response is taken instead of sent.
class KeptExchange final : public Exchange {
 public:
  void respond(HttpResponse response) override { response_ = std::move(response); }
  void stream(HttpResponse /*head*/) override {}
  bool send(std::string /*chunk*/, bool /*must_arrive*/) override { return false; }
  void end() override {}
  bool is_gone() const override { return false; }
  void on_gone(std::function<void()> /*call*/) override {}
  HttpResponse take() { return std::move(response_); }

 private:
  HttpResponse response_;
};

std::vector<TokenText> tokens_of(const Tokenizer& tokenizer, const Encoding& encoding) {
  std::vector<TokenText> tokens;
  tokens.reserve(encoding.ids.size());
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    tokens.push_back({.id = encoding.ids[i],
                      .text = std::string(tokenizer.token(encoding.ids[i])),
                      .span = encoding.spans[i],
                      .special = encoding.special_mask[i] != 0});
  }
  return tokens;
}

}  // namespace

/// The routes and what they need.
class Api::Routes : public std::enable_shared_from_this<Api::Routes> {
 public:
  Routes(ApiOptions options, ApiParts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        router_({.feedback = parts_.feedback != nullptr}),
        answers_{.engine = parts_.engine,
                 .preparation = parts_.preparation,
                 .inline_bytes = options_.inline_bytes,
                 .log_text = options_.log_text} {}

  CallPtr begin(HttpRequest request, std::shared_ptr<Exchange> exchange) const {
    const CallSinks sinks{
        .metrics = parts_.metrics, .log = parts_.log, .cors = parts_.cors, .owner = shared_from_this()};
    auto call = std::make_shared<ApiCall>(sinks, std::move(request), std::move(exchange));
    if (Parsed<RouteMatch> match = router_.match(call->request().method, call->request().target)) {
      call->set_match(*std::move(match));
    }
    return call;
  }

  void run(const CallPtr& call) {
    if (parts_.cors.is_on() && Cors::is_preflight(call->request())) {
      if (auto response = preflight(call->request())) return call->respond(*std::move(response));
    }
    if (auto error = check_head(call->request())) return call->refuse(*std::move(error));
    if (!is_for_preparation(*call)) return run_body(call);
    post(call, call->request().body.size(), [self = shared_from_this(), call] { self->run_waited(call); });
  }

  /// Everything that can be wrong before a body is looked at.
  std::optional<ApiError> check_head(const HttpRequest& request) const {
    const Parsed<RouteMatch> match = router_.match(request.method, request.target);
    if (!match) return match.error();
    const Route& route = *match->route;
    if (route.key == Key::kNeeded) {
      if (!parts_.keys.allows(request)) return ApiError{.kind = ErrorKind::kUnauthorized};
      if (auto error = check_phase()) return error;
    }
    if (!has_body(route)) return std::nullopt;
    if (auto error = check_content_type(request.header("Content-Type"))) return error;
    if (!is_acceptable(route, request)) return ApiError{.kind = ErrorKind::kNotAcceptable};
    if (!gives_answers(route.id)) return std::nullopt;
    const std::optional<int> wait = parts_.engine.seconds_to_wait(1);
    if (wait) return ApiError{.kind = ErrorKind::kQueueFull, .retry_after_seconds = wait};
    return std::nullopt;
  }

  void set_phase(ServerPhase phase) { phase_ = phase; }

 private:
  using Handler = void (Routes::*)(const CallPtr&);

  /// A route without a handler does not compile.
  static Handler handler_of(RouteId id) {
    switch (id) {
      case RouteId::kPage:
        return &Routes::page;
      case RouteId::kAsset:
        return &Routes::asset;
      case RouteId::kHuggingFace:
      case RouteId::kHuggingFaceModel:
        return &Routes::hugging_face;
      case RouteId::kPredict:
        return &Routes::predict;
      case RouteId::kAnswer:
        return &Routes::answer;
      case RouteId::kTokenize:
        return &Routes::tokenize;
      case RouteId::kModels:
        return &Routes::models;
      case RouteId::kStoreFeedback:
        return &Routes::store_feedback;
      case RouteId::kExportFeedback:
        return &Routes::export_feedback;
      case RouteId::kLive:
      case RouteId::kHealth:
        return &Routes::live;
      case RouteId::kReady:
        return &Routes::ready;
      case RouteId::kInfo:
        return &Routes::info;
      case RouteId::kMetrics:
        return &Routes::metrics;
      case RouteId::kOpenapi:
        return &Routes::openapi;
      case RouteId::kDocs:
        return &Routes::docs;
    }
    SPANQA_CHECK(false);
  }

  std::optional<HttpResponse> preflight(const HttpRequest& request) const {
    // No route answers OPTIONS: what it would be refused with knows what the path allows.
    const Parsed<RouteMatch> match = router_.match(request.method, request.target);
    if (match || match.error().kind != ErrorKind::kMethodNotAllowed) return std::nullopt;
    return parts_.cors.preflight(request, match.error().allow);
  }

  std::optional<ApiError> check_phase() const {
    switch (phase_.load()) {
      case ServerPhase::kStarting:
        return ApiError{.kind = ErrorKind::kNotReady, .retry_after_seconds = kSoon};
      case ServerPhase::kStopping:
        return ApiError{.kind = ErrorKind::kShuttingDown};
      case ServerPhase::kReady:
      case ServerPhase::kDraining:
        return std::nullopt;
    }
    SPANQA_CHECK(false);
  }

  /// Feedback waits for the disk; the others cost time by the size of their bodies.
  bool is_for_preparation(const ApiCall& call) const {
    const RouteId id = call.match().route->id;
    if (id == RouteId::kStoreFeedback || id == RouteId::kExportFeedback) return true;
    if (!has_body(*call.match().route)) return false;
    return call.request().body.size() > options_.inline_bytes || has_header(call.request().headers, "Content-Encoding");
  }

  /// Of a body that waited for its thread. A question whose client has left, or whose time is over, is not looked at;
  /// feedback is kept all the same.
  void run_waited(const CallPtr& call) {
    if (gives_answers(call->match().route->id)) {
      if (call->is_gone()) return call->leave();
      if (Clock::now() > call->begun() + options_.deadline) return call->refuse({.kind = ErrorKind::kDeadlineExceeded});
    }
    run_body(call);
  }

  void run_body(const CallPtr& call) {
    if (has_body(*call->match().route)) {
      if (auto error = decode_body(call->request(), options_.body_bytes)) return call->refuse(*std::move(error));
    }
    (this->*handler_of(call->match().route->id))(call);
  }

  void page(const CallPtr& call) { call->respond(page_response(page_index(), call->request())); }

  void asset(const CallPtr& call) {
    const PageFile* const file = find_page_asset(call->match().parameter);
    if (file == nullptr) return call->refuse({.kind = ErrorKind::kNotFound});
    call->respond(page_response(*file, call->request()));
  }

  /// By the model that the path names, if it names one.
  void hugging_face(const CallPtr& call) {
    Parsed<AnswerCall> asked = parse_hugging_face_body(call->request().body, options_.limits);
    if (asked) asked->model = call->match().parameter;
    ask(call, std::move(asked), Delivery::kWhole);
  }

  void predict(const CallPtr& call) {
    ask(call, parse_predict_body(call->request().body, options_.limits), Delivery::kWhole);
  }

  void answer(const CallPtr& call) {
    ask(call, parse_answer_body(call->request().body, options_.limits), *delivery_for(call->request()));
  }

  void ask(const CallPtr& call, Parsed<AnswerCall> asked, Delivery delivery) {
    if (!asked) return call->refuse(std::move(asked).error());
    const auto model = model_for(call, asked->model);
    if (!model) return;
    // What it was parsed from is not needed any more, and waits with the request otherwise.
    const std::size_t size = std::exchange(call->request().body, {}).size();
    const bool is_large = asked->request.pairs.size() > kInlinePairs;
    auto work = [self = shared_from_this(), call, asked = *std::move(asked), model, delivery]() mutable {
      answer_questions(self->answers_, call, std::move(asked), model, call->begun() + self->options_.deadline,
                       delivery);
    };
    if (!is_large) return work();
    post(call, size, std::move(work));
  }

  /// Leaves work to the preparation thread.
  void post(const CallPtr& call, std::size_t n_bytes, Worker::Job work) {
    if (parts_.preparation.post(n_bytes, std::move(work))) return;
    call->refuse({.kind = ErrorKind::kQueueFull, .retry_after_seconds = kSoon});
  }

  /// Null: the call has been refused.
  std::shared_ptr<const LoadedModel> model_for(const CallPtr& call, const std::string& name) const {
    auto model = parts_.models.find(name);
    if (model) return model;
    const bool is_named_by_path = !call->match().parameter.empty();
    call->refuse({.kind = ErrorKind::kModelNotFound, .field = is_named_by_path ? "" : "model"});
    return nullptr;
  }

  void tokenize(const CallPtr& call) {
    const Parsed<TokenizeCall> asked = parse_tokenize_body(call->request().body, options_.limits);
    if (!asked) return call->refuse(asked.error());
    const auto model = model_for(call, asked->model);
    if (!model) return;
    call->set_model(model->name);
    const Tokenizer& tokenizer = model->reader->tokenizer();
    const auto encodings =
        tokenizer.encode(asked->text, std::nullopt, {.add_special_tokens = asked->add_special_tokens});
    if (!encodings) return call->refuse({.kind = ErrorKind::kInternal, .message = encodings.error().message});
    call->respond(
        json_response(200, tokenize_body(model->name, asked->text, tokens_of(tokenizer, encodings->front()))));
  }

  void models(const CallPtr& call) {
    call->respond(json_response(200, models_body(summaries_of(parts_.models.models()))));
  }

  void store_feedback(const CallPtr& call) {
    const Parsed<FeedbackCall> told = parse_feedback_body(call->request().body, options_.limits);
    if (!told) return call->refuse(told.error());
    if (const Status stored = parts_.feedback->append(*told); !stored) {
      return call->refuse({.kind = ErrorKind::kInternal, .message = stored.error().message});
    }
    call->respond({.status = 204});
  }

  void export_feedback(const CallPtr& call) {
    Result<std::string> squad = parts_.feedback->squad();
    if (!squad) return call->refuse({.kind = ErrorKind::kInternal, .message = squad.error().message});
    call->respond(json_response(200, *std::move(squad)));
  }

  bool is_ready() const { return phase_ == ServerPhase::kReady; }
  std::string health() const { return health_body(is_ready(), summaries_of(parts_.models.models())); }
  void live(const CallPtr& call) { call->respond(json_response(200, health())); }
  void ready(const CallPtr& call) {
    // Not an error: its body is that of a server that is ready.
    call->respond(json_response(is_ready() ? 200 : error_row(ErrorKind::kNotReady).status, health()));
  }

  void info(const CallPtr& call) {
    const ServerFacts facts{.version = options_.version,
                            .limits = options_.limits,
                            .body_bytes = options_.body_bytes,
                            .deadline = options_.deadline};
    call->respond(json_response(200, info_body(facts, parts_.models.models())));
  }

  void metrics(const CallPtr& call) {
    HttpResponse response{.body = parts_.metrics.text(parts_.snapshot ? parts_.snapshot() : MetricsSnapshot{})};
    response.set("Content-Type", std::string(call->match().route->response_type));
    call->respond(std::move(response));
  }

  /// Made when first asked for: a cold start need not wait for it.
  void describe() {
    std::call_once(is_described_, [this] {
      openapi_ = openapi_json(router_, {.limits = options_.limits,
                                        .models = options_.model_names,
                                        .keys = parts_.keys.is_on(),
                                        .version = options_.version});
      docs_ = docs_page(openapi_);
    });
  }
  void openapi(const CallPtr& call) {
    describe();
    call->respond(json_response(200, openapi_));
  }
  void docs(const CallPtr& call) {
    describe();
    call->respond(docs_);
  }

  const ApiOptions options_;
  const ApiParts parts_;
  const Router router_;
  const AnswerParts answers_;
  std::atomic<ServerPhase> phase_{ServerPhase::kStarting};
  std::once_flag is_described_;
  std::string openapi_;
  HttpResponse docs_;
};

Api::Api(ApiOptions options, ApiParts parts)
    : routes_(std::make_shared<Routes>(std::move(options), std::move(parts))) {}
Api::~Api() = default;

void Api::handle(HttpRequest request, std::shared_ptr<Exchange> exchange) {
  routes_->run(routes_->begin(std::move(request), std::move(exchange)));
}

std::optional<ApiError> Api::check_head(const HttpRequest& head) const { return routes_->check_head(head); }

HttpResponse Api::refuse(const HttpRequest& head, const ApiError& error) {
  const auto kept = std::make_shared<KeptExchange>();
  routes_->begin(head, kept)->refuse(error);
  return kept->take();
}

void Api::set_phase(ServerPhase phase) { routes_->set_phase(phase); }

}  // namespace spanqa::serve
