#include "data/question_kind.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"
#include "base/utf8.h"

namespace spanqa {
namespace {

struct QuestionWord {
  std::string_view word;
  QuestionKind kind;
};
constexpr QuestionWord kQuestionWords[] = {
    {"what", QuestionKind::kWhat}, {"who", QuestionKind::kWho},     {"whom", QuestionKind::kWho},
    {"whose", QuestionKind::kWho}, {"when", QuestionKind::kWhen},   {"where", QuestionKind::kWhere},
    {"why", QuestionKind::kWhy},   {"which", QuestionKind::kWhich}, {"how", QuestionKind::kHow},
};

/// Punctuation of the General Punctuation block (quotes, dashes) parts words; other code points beyond ASCII do not.
bool is_word_part(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  return c >= 0xC0 && (c < 0x2000 || c > 0x206F);
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

constexpr const char* kNames[] = {"what", "who", "when", "where", "why", "which", "how", "other"};

}  // namespace

const char* question_kind_name(QuestionKind kind) {
  const auto i = static_cast<std::size_t>(kind);
  SPANQA_CHECK(i < std::size(kNames));
  return kNames[i];
}

QuestionKind classify_question(std::string_view question) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= question.size();) {
    const CodePoint c = i < question.size() ? decode_utf8(question, i) : CodePoint{' ', 1};
    if (!is_word_part(c.value)) {
      const std::string_view word = question.substr(begin, i - begin);
      for (const QuestionWord& known : kQuestionWords) {
        if (equals_ignoring_case(word, known.word)) return known.kind;
      }
      begin = i + c.bytes;
    }
    i += c.bytes;
  }
  return QuestionKind::kOther;
}

}  // namespace spanqa
