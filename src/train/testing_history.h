// An invented run for tests: plausible curves, slices, and errors whose texts try to break a page.
#pragma once

#include <cmath>
#include <cstddef>

#include "train/run_log.h"

namespace spanqa::testing {

inline StepRecord step_record(std::size_t step, std::size_t n_steps) {
  const double share = static_cast<double>(step) / static_cast<double>(n_steps);
  const double wave = std::sin(static_cast<double>(step * 7919 % 1000));
  return {.step = step,
          .n_steps = n_steps,
          .epoch = 3.0 * share,
          .loss = 0.9 + 4.2 * std::exp(-9.0 * share) - 0.35 * share + 0.12 * wave,
          .learning_rate = share < 0.1 ? 5e-4 * share : 5e-5 * (1.0 - share) / 0.9,
          .gradient_norm = 9.0 + 16.0 * std::exp(-6.0 * share) + 2.5 * wave,
          .windows_per_second = 24.0 + wave,
          .tokens_per_second = 4100.0 + 150.0 * wave,
          .seconds = 0.65 * static_cast<double>(step),
          .seconds_left = 0.65 * static_cast<double>(n_steps - step),
          .peak_memory_bytes = std::uint64_t{1450} << 20U};
}

inline std::vector<SliceGroup> slice_groups() {
  return {{"question word",
           {{"what", 4750, 68.9, 78.2},
            {"who", 1061, 77.5, 83.4},
            {"how many", 680, 76.2, 83.0},
            {"when", 696, 83.9, 88.1},
            {"which", 454, 72.0, 80.4},
            {"where", 433, 65.4, 77.9},
            {"how", 410, 55.1, 71.6},
            {"why", 151, 31.8, 60.3},
            {"other", 935, 66.0, 75.9}}},
          {"answer length",
           {{"1 word", 3512, 79.7, 83.6},
            {"2 words", 2411, 78.6, 84.2},
            {"3-5 words", 2794, 65.5, 77.6},
            {"6-10 words", 1187, 48.0, 69.9},
            {"over 10 words", 666, 27.4, 61.2}}},
          {"context length",
           {{"up to 75 words", 1266, 73.2, 81.5},
            {"76-125 words", 5037, 71.9, 80.4},
            {"126-200 words", 3304, 68.8, 77.9},
            {"201-300 words", 801, 66.4, 76.0},
            {"over 300 words", 162, 62.3, 72.7}}}};
}

inline std::vector<WorstError> worst_errors() {
  return {{.id = "56be4db0",
           .question = "Which NFL team represented the AFC at Super Bowl 50?",
           .prediction = "Carolina Panthers",
           .golds = {"Denver Broncos", "the Denver Broncos"},
           .sentence = "The American Football Conference (AFC) champion Denver Broncos defeated the National Football "
                       "Conference (NFC) champion Carolina Panthers 24\xE2\x80\x93"
                       "10 to earn their third Super Bowl title.",
           .f1 = 0.0,
           .probability = 0.981},
          {.id = "<b id=\"x\">",
           .question = "What does </table><script>alert(1)</script> do?",
           .prediction = "<img src=x onerror=alert(2)>",
           .golds = {"nothing & \"nobody\"", "\xFF\xFE"},
           .sentence = "Here <img src=x onerror=alert(2)> stands, and </section> too.",
           .f1 = 12.5,
           .probability = 0.87},
          {.id = "5a7db48670df9f001a87505f",
           .question = "What is the original meaning of the word Norman?",
           .prediction = "",
           .golds = {"Viking", "Norseman, Viking"},
           .sentence = "",
           .f1 = 0.0,
           .probability = 0.64}};
}

inline EvaluationRecord evaluation_record(std::size_t number, std::size_t step) {
  const double gain = 1.0 - std::exp(-0.9 * static_cast<double>(number));
  return {.step = step,
          .epoch = static_cast<double>(number) / 2.0,
          .loss = 2.4 - 1.2 * gain + 0.02 * static_cast<double>(number * number),
          .metrics = {{.name = "exact_match", .value = 70.8 * gain},
                      {.name = "f1", .value = 80.0 * gain},
                      {.name = "total", .value = 10570.0, .is_count = true}},
          .exact = 70.8 * gain,
          .f1 = 80.0 * gain,
          .slices = slice_groups(),
          .worst = worst_errors(),
          .seconds = 41.5,
          .is_best = true};
}

/// 270 records of 2,700 steps, six evaluations, three checkpoints.
inline RunHistory run_history() {
  RunHistory out;
  constexpr std::size_t kSteps = 2700;
  for (std::size_t step = 10; step <= kSteps; step += 10) out.steps.push_back(step_record(step, kSteps));
  for (std::size_t i = 1; i <= 6; ++i) out.evaluations.push_back(evaluation_record(i, 450 * i));
  for (std::size_t i = 1; i <= 3; ++i) {
    out.checkpoints.push_back({.step = 900 * i, .folder = "checkpoint-" + std::to_string(900 * i)});
  }
  return out;
}

}  // namespace spanqa::testing
