// openapi.json for people: a page without script and without anything from elsewhere.
#pragma once

#include <string_view>

#include "serve/http_message.h"

namespace spanqa::serve {

/// HTML made from the OpenAPI description in `openapi`, which is ours. Brings its Content-Type and a
/// Content-Security-Policy that allows its own style and nothing else.
HttpResponse docs_page(std::string_view openapi);

}  // namespace spanqa::serve
