#include "answer/answer_request.h"

namespace spanqa {

void AnswerRequest::pair_all() {
  pairs.clear();
  pairs.reserve(questions.size() * documents.size());
  for (std::size_t q = 0; q < questions.size(); ++q) {
    for (std::size_t d = 0; d < documents.size(); ++d) pairs.push_back({q, d});
  }
}

}  // namespace spanqa
