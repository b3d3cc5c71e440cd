// Bytes of a connection from anywhere: each request that comes of them is answered by the API, whose models are not
// loaded; the same bytes in small parts give the same responses.
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "serve/api.h"
#include "serve/request_reader.h"

namespace {

using namespace spanqa::serve;  // NOLINT(google-build-using-namespace): this target is about that room alone
using Event = RequestReader::Event;

constexpr HttpLimits kLimits{.header_bytes = 512, .header_fields = 10, .body_bytes = 1024};

/// Nothing comes so far: no request finds a model.
class NoEngine final : public Engine {
 public:
  Ticket submit(EngineRequest /*request*/, Done /*done*/, Progress /*progress*/) override { SPANQA_CHECK(false); }
  void cancel(Ticket /*ticket*/) override { SPANQA_CHECK(false); }
  std::optional<int> seconds_to_wait(std::size_t /*n_tokens*/) const override { return std::nullopt; }
};

class WaitedExchange final : public Exchange {
 public:
  void respond(HttpResponse response) override { response_.set_value(std::move(response)); }
  void stream(HttpResponse /*head*/) override { SPANQA_CHECK(false); }
  bool send(std::string /*chunk*/, bool /*must_arrive*/) override { SPANQA_CHECK(false); }
  void end() override { SPANQA_CHECK(false); }
  bool is_gone() const override { return false; }
  void on_gone(std::function<void()> /*call*/) override {}
  HttpResponse wait() { return response_.get_future().get(); }

 private:
  std::promise<HttpResponse> response_;
};

struct Server {
  Server() { api.set_phase(ServerPhase::kReady); }
  NoEngine engine;
  ModelSet models{{.folders = {{.name = "model", .folder = "nowhere"}}}, engine};
  Metrics metrics;
  std::unique_ptr<AccessLog> log = AccessLog::open({.file = "/dev/null"}).value();
  Worker preparation;
  Api api{{.body_bytes = kLimits.body_bytes, .inline_bytes = 256},
          {.engine = engine,
           .models = models,
           .metrics = metrics,
           .log = *log,
           .preparation = preparation,
           .cors = Cors({"https://a.example"})}};
};

/// Status and body, but for the figures, which count these very requests.
std::string response_to(HttpRequest request) {
  static Server server;
  const auto exchange = std::make_shared<WaitedExchange>();
  server.api.handle(std::move(request), exchange);
  const HttpResponse response = exchange->wait();
  const std::string_view type = response.header("Content-Type");
  SPANQA_CHECK(type != "application/json" || nlohmann::json::accept(response.body));
  SPANQA_CHECK(has_header(response.headers, "X-Request-ID"));
  return std::to_string(response.status) + (type.starts_with("text/plain") ? "" : response.body);
}

/// Takes what has come; false after an error of HTTP, which ends the connection.
bool drain(RequestReader& reader, Event event, std::vector<std::string>& list) {
  for (; event == Event::kRequest; event = reader.feed({})) {
    HttpRequest request = reader.take();
    SPANQA_CHECK(request.body.size() <= kLimits.body_bytes && !request.method.empty());
    list.push_back(response_to(std::move(request)));
  }
  SPANQA_CHECK(reader.n_buffered() <= 8192);
  // Which fault is found first depends on how much is there to be looked at; that there is one does not.
  if (event == Event::kError) list.emplace_back("error");
  return event != Event::kError;
}

/// Every response's status and body, an error of HTTP last.
std::vector<std::string> responses(std::string_view bytes, std::size_t part) {
  RequestReader reader(kLimits);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < bytes.size(); i += part) {
    if (!drain(reader, reader.feed(bytes.substr(i, part)), list)) return list;
  }
  drain(reader, reader.end_of_input(), list);
  return list;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> whole = responses(bytes, 4096);
  SPANQA_CHECK(responses(bytes, 1) == whole && responses(bytes, 7) == whole);
  return 0;
}
