// What a request is called, in its response and in the log.
#pragma once

#include <string>

#include "serve/http_message.h"

namespace spanqa::serve {

/// 16 hexadecimal digits. Unlikely to come twice; no secret. Threads: every call may run concurrently.
std::string random_id();

/// The client's X-Request-ID where it is 1 to 128 visible ASCII characters, else a random one.
std::string request_id(const HttpRequest& request);

}  // namespace spanqa::serve
