// Requests and responses as values: no socket, no library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spanqa::serve {

struct Header {
  std::string name;  // as it was written; compared without regard to case
  std::string value;
};

/// The first header of that name; empty without one. ASCII case does not count.
std::string_view find_header(const std::vector<Header>& headers, std::string_view name);
bool has_header(const std::vector<Header>& headers, std::string_view name);
/// Equal but for ASCII case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// A complete request. Its framing has been checked and undone; a content coding has not.
struct HttpRequest {
  std::string method;  // "GET"; upper case as sent
  std::string target;  // "/predict?x=1", never empty
  std::vector<Header> headers = {};
  std::string body = {};
  bool keep_alive = true;  // the client will ask again on this connection
  bool is_http_10 = false;
  std::string remote = {};  // the client's address, without its port; empty where there is none

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

/// What the handler gives back. Content-Length, Date and Connection are the session's to add; to HEAD it sends the
/// headers of the body and not the body.
struct HttpResponse {
  int status = 200;
  std::vector<Header> headers = {};
  std::string body = {};
  bool close = false;  // no further request on this connection

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  void set(std::string name, std::string value) { headers.push_back({std::move(name), std::move(value)}); }
};

/// "Not Found"; "Unknown" for a number that the server never sends.
std::string_view reason_phrase(int status);

HttpResponse json_response(int status, std::string body);

}  // namespace spanqa::serve
