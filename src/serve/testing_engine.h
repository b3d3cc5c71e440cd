// What the engine's tests share: tiny models, requests, and answers that must be the same. Not installed.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qa/testing_reader.h"
#include "serve/engine.h"

namespace spanqa::serve::testing {

using namespace spanqa::testing;  // NOLINT(google-build-using-namespace): of the same kind

/// "tiny-bert" or "tiny-distilbert", with a generation of its own.
inline std::shared_ptr<const LoadedModel> tiny_model(std::string_view folder = "tiny-bert") {
  static std::atomic<std::uint64_t> generation = 0;
  return std::make_shared<const LoadedModel>(LoadedModel{
      .name = std::string(folder), .generation = ++generation, .reader = tiny_reader({.n_threads = 1}, folder)});
}

/// Every question of every document.
inline EngineRequest request_of(std::shared_ptr<const LoadedModel> model, std::vector<std::string> questions,
                                std::vector<std::string> documents, AskOptions options = {}) {
  EngineRequest request;
  request.model = std::move(model);
  request.request.questions = std::move(questions);
  for (std::string& text : documents) request.request.documents.push_back({.id = {}, .text = std::move(text)});
  request.request.options = std::move(options);
  request.request.pair_all();
  return request;
}

inline EngineRequest one_question(std::shared_ptr<const LoadedModel> model) {
  return request_of(std::move(model), {kQuestion}, {kContext});
}

/// Words of the tiny models' vocabulary.
inline std::string random_text(std::mt19937& random, std::size_t n_words) {
  constexpr const char* kWords[] = {"the", "king", "river", "city", "tower", "1066", "war", "won", "paris", "team."};
  std::string text;
  for (std::size_t i = 0; i < n_words; ++i) text += std::string(i > 0 ? " " : "") + kWords[random() % 10];
  return text;
}

/// oneDNN's AVX-512 products do not depend on the number of rows.
inline bool is_bit_equal(const Reader& reader) {
  return reader.model().matmul_kernel().find("brg:avx512") != std::string::npos;
}

/// `score` and logits equal to the bit, or where the products depend on their rows within a rounding of float.
inline void expect_same(const Answers& given, const Answers& expected, bool bit_equal) {
  const auto expect_close = [bit_equal](double a, double b) {
    if (bit_equal) {
      EXPECT_EQ(a, b);
    } else {
      EXPECT_NEAR(a, b, 1e-5);
    }
  };
  EXPECT_EQ(given.n_windows, expected.n_windows);
  EXPECT_EQ(given.n_tokens, expected.n_tokens);
  EXPECT_EQ(given.question_truncated, expected.question_truncated);
  EXPECT_EQ(given.run_qa.prediction, expected.run_qa.prediction);
  expect_close(given.no_answer_score, expected.no_answer_score);
  ASSERT_EQ(given.answers.size(), expected.answers.size());
  for (std::size_t i = 0; i < given.answers.size(); ++i) {
    const Answer& a = given.answers[i];
    const Answer& b = expected.answers[i];
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.span, b.span);
    EXPECT_EQ(a.window, b.window);
    EXPECT_EQ(a.is_no_answer, b.is_no_answer);
    expect_close(a.score, b.score);
    expect_close(a.start_logit, b.start_logit);
    expect_close(a.end_logit, b.end_logit);
    expect_close(a.margin, b.margin);
  }
}

}  // namespace spanqa::serve::testing
