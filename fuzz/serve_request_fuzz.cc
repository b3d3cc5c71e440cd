// Bytes of a connection from anywhere: each request that comes of them is routed and its body parsed; the same bytes in
// small parts give the same requests.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "serve/request_body.h"
#include "serve/request_reader.h"
#include "serve/routes.h"

namespace {

using namespace spanqa::serve;  // NOLINT(google-build-using-namespace): this target is about that room alone
using Event = RequestReader::Event;

constexpr HttpLimits kLimits{.header_bytes = 512, .header_fields = 10, .body_bytes = 1024};

HttpResponse response_of(const HttpRequest& request) {
  static const Router router({.feedback = true});
  const auto match = router.match(request.method, request.target);
  if (!match) return error_response(match.error());
  if (auto wrong = check_content_type(request.header("Content-Type"))) return error_response(*wrong);
  const auto respond = [](const auto& call) { return call ? json_response(200, "{}") : error_response(call.error()); };
  switch (match->route->id) {
    case RouteId::kPredict:
      return respond(parse_predict_body(request.body, {}));
    case RouteId::kHuggingFace:
    case RouteId::kHuggingFaceModel:
      return respond(parse_hugging_face_body(request.body, {}));
    case RouteId::kAnswer:
      return respond(parse_answer_body(request.body, {}));
    default:
      return json_response(200, "{}");
  }
}

/// Takes what has come; false after an error of HTTP, which ends the connection.
bool drain(RequestReader& reader, Event event, std::vector<std::string>& list) {
  for (; event == Event::kRequest; event = reader.feed({})) {
    const HttpRequest request = reader.take();
    SPANQA_CHECK(request.body.size() <= kLimits.body_bytes && !request.method.empty());
    const HttpResponse response = response_of(request);
    SPANQA_CHECK(nlohmann::json::accept(response.body));
    list.push_back(std::to_string(response.status) + response.body);
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
