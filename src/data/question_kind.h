// What a question asks for, by its question word: the slices statistics and evaluation report.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace spanqa {

enum class QuestionKind : std::uint8_t { kWhat, kWho, kWhen, kWhere, kWhy, kWhich, kHow, kOther };

inline constexpr std::array<QuestionKind, 8> kQuestionKinds = {
    QuestionKind::kWhat, QuestionKind::kWho,   QuestionKind::kWhen, QuestionKind::kWhere,
    QuestionKind::kWhy,  QuestionKind::kWhich, QuestionKind::kHow,  QuestionKind::kOther};

/// "what", "who", …, "other".
const char* question_kind_name(QuestionKind kind);

/// By the first question word anywhere in the question ("In which year …" asks which). Words are runs of ASCII letters
/// and of code points beyond ASCII, compared without case, so "What's" asks what and "however" nothing. Whom and whose
/// count as who.
QuestionKind classify_question(std::string_view question);

}  // namespace spanqa
