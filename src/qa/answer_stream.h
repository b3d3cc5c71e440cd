// A stream of examples through a reader, in order, in constant memory.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"
#include "data/example_reader.h"
#include "qa/reader.h"

namespace spanqa {

/// A figure of one window of an example; see AskOptions::measure. Called from several threads at once, each with
/// another example.
using ExampleMeasure = std::function<double(const Example&, const ReadWindow&)>;

struct AnswerStreamOptions {
  AskOptions ask = {};
  ExampleMeasure measure = {};  // in the place of ask.measure
  int n_threads = 0;            // 0: the reader's own number
  std::size_t limit = 0;        // examples read at most; 0: all
  /// Called when the answers of a group have been handed over: time to flush what the sink wrote.
  std::function<Status()> group_done = {};
};

/// What the stream has seen so far.
struct AnswerStreamCounts {
  std::size_t n_questions = 0;
  std::size_t n_errors = 0;  // questions that could not be answered; each reaches the sink as its error
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
};

/// Called with each example and its answers, one at a time, in the order of the file.
using AnswerSink = std::function<Status(const Example&, const Result<Answers>&)>;
/// Called now and then with the share of the file that was read, 0 to 1.
using StreamProgress = std::function<void(double share, const AnswerStreamCounts&)>;

/// Reads, answers and hands over every example. Each thread takes a group of examples, one packed batch or more,
/// through tokenising, model and decoder; groups are handed over in order. A group ends
/// early when the examples would_wait(), so that who writes one row and waits for its answer gets it. At most a few
/// groups per thread are in memory. Fails when the file does (the examples before the fault have reached the sink) or
/// the sink does.
Result<AnswerStreamCounts> answer_stream(const Reader& reader, ExampleReader& examples,
                                         const AnswerStreamOptions& options, const AnswerSink& sink,
                                         const StreamProgress& progress = {});

}  // namespace spanqa
