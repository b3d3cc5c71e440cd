#include "cli/reading_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "cli/layout.h"
#include "cli/model_folder.h"
#include "cli/whole_number.h"
#include "qa/default_model.h"

namespace spanqa::cli {
namespace {

constexpr std::uint64_t kMostAnswers = 10000;

PipelineCompat compat_of(const std::string& name) {
  if (name == "hf-5.2") return PipelineCompat::kHf52;
  return name == "hf-4.52" ? PipelineCompat::kHf452 : PipelineCompat::kSane;
}

}  // namespace

void ReadingFlags::add_tokenizer_to(CLI::App& command) {
  command
      .add_option("-m,--model", model,
                  "Model folder (config.json, model.safetensors, tokenizer); default: models/DEFAULT")
      ->envname("SPANQA_MODEL");
  CLI::Option* lower = command.add_flag_callback(
      "--lowercase", [this] { lowercase = true; }, "Lower-case, whatever the tokenizer's files say");
  command
      .add_flag_callback(
          "--no-lowercase", [this] { lowercase = false; }, "Keep case, whatever the tokenizer's files say")
      ->excludes(lower);
}

void ReadingFlags::add_model_to(CLI::App& command) {
  add_tokenizer_to(command);
  command.add_option("--threads", threads, "Threads; default: all cores this process may use")
      ->check(whole_number(0, 1024));
  command
      .add_option("--precision", precision,
                  "Numbers that linear layers multiply: float32, bfloat16 (where the processor has it), or int8")
      ->check(CLI::IsMember({"float32", "bfloat16", "int8"}))
      ->capture_default_str();
}

CLI::Option* ReadingFlags::only_for(std::vector<std::string> decoders, CLI::Option* option) {
  decoder_flags_.push_back({option, std::move(decoders)});
  return option;
}

/// A flag that does nothing would be taken for one that does.
Status ReadingFlags::check_decoder_flags(const std::string& chosen) const {
  for (const DecoderFlag& flag : decoder_flags_) {
    const auto& decoders = flag.decoders;
    if (flag.option->count() == 0 || std::find(decoders.begin(), decoders.end(), chosen) != decoders.end()) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--{} belongs to the decoder {}, the chosen one is {}; drop it or choose with --decoder",
                            flag.option->get_lnames().front(), fmt::join(decoders, " or "), chosen));
  }
  return {};
}

void ReadingFlags::add_to(CLI::App& command, const std::string& default_name) {
  default_decoder = default_name;
  add_model_to(command);
  command
      .add_option("--decoder", decoder,
                  "pipeline (probabilities), run_qa (n-best of logit sums) or global (comparable scores)")
      ->check(CLI::IsMember({"pipeline", "run_qa", "global"}))
      ->default_str(default_name);
  only_for({"pipeline", "global"}, command.add_option("-k,--top-k", top_k, "Answers at most (pipeline, global)"))
      ->check(whole_number(1, kMostAnswers))
      ->capture_default_str();
  command
      .add_option("--max-answer-tokens,--max-answer-len", max_answer_tokens,
                  "Longest answer in tokens; default: 15 (pipeline), 30 (others)")
      ->check(whole_number(1, kMostTokens));
  max_length_option_ = command
                           .add_option("--max-length,--max-seq-len", max_length,
                                       "Tokens of a window, question and special tokens included")
                           ->check(whole_number(4, kMostTokens))
                           ->capture_default_str();
  command
      .add_option("--overlap,--doc-stride", overlap,
                  "Tokens that windows share; default: 128, or half a shorter window")
      ->check(whole_number(0, kMostTokens));
  command.add_flag("--no-answer,--handle-impossible-answer", no_answer, "Let \"no answer\" compete with the answers");
  only_for({"run_qa", "global"},
           command.add_option("--threshold", threshold,
                              "No answer when null score - best score exceeds this (run_qa), or when the score does "
                              "not (global)"));
  only_for({"global"}, command.add_option("--temperature", temperature,
                                          "Divides the logits of scores (global); default: as fitted, else 1"));
  only_for({"run_qa"},
           command.add_option("--n-best", n_best, "Starts and ends considered per window, entries listed (run_qa)"))
      ->check(whole_number(1, kMostAnswers))
      ->capture_default_str();
  only_for({"pipeline", "global"},
           command.add_flag("--no-align", no_align,
                            "Do not complete words cut at either end of an answer (pipeline, global)"));
  command
      .add_option("--compat", compat,
                  "hf-5.2 or hf-4.52: the Python pipeline to the letter, defects included (pipeline)")
      ->check(CLI::IsMember({"none", "hf-5.2", "hf-4.52"}))
      ->capture_default_str();
  CLI::Option* truncate = command.add_flag("--truncate-question", truncate_question,
                                           "Cut a question that leaves no room, instead of an error");
  command.add_option("--max-question-len", max_question_length, "Tokens kept by --truncate-question")
      ->check(whole_number(1, kMostTokens))
      ->capture_default_str()
      ->needs(truncate);
  command.add_flag(
      "--match-special-tokens", match_special_tokens,
      "Read a literal [SEP] in a text as the special token, as the reference does (an injection otherwise)");
}

Result<std::filesystem::path> ReadingFlags::model_folder() const {
  if (model.empty()) return find_default_model();
  SPANQA_TRY(check_model_folder(model));
  return std::filesystem::path(model);
}

TokenizerOverrides ReadingFlags::tokenizer_overrides() const {
  TokenizerOverrides overrides;
  overrides.lowercase = lowercase;
  return overrides;
}

Precision ReadingFlags::chosen_precision() const { return parse_precision(precision).value_or(Precision::kFloat32); }

Result<std::shared_ptr<const Reader>> ReadingFlags::open_reader() const {
  SPANQA_ASSIGN(const std::filesystem::path folder, model_folder());
  ReaderOptions options;
  options.n_threads = threads;
  options.tokenizer = tokenizer_overrides();
  options.precision = chosen_precision();
  SPANQA_ASSIGN(auto reader, Reader::open(folder, options));
  if (prints_notes) print_notes(*reader);
  return reader;
}

void ReadingFlags::print_notes(const Reader& reader) const {
  const auto print = [](const std::string& note) { fmt::print(stderr, "spanqa: note: {}\n", one_line(note)); };
  for (const std::string& note : reader.notes()) print(note);
  for (const std::string& note : reader.settings().notes) print(note);
  if (max_length_option_ == nullptr || max_length_option_->count() == 0) return;
  if (const std::size_t most = reader.effective(windows()).max_length; most < max_length) {
    print(fmt::format("--max-length {} is more than the model reads; windows have {} tokens", max_length, most));
  }
}

WindowOptions ReadingFlags::windows() const {
  return {.max_length = max_length,
          .overlap = overlap.value_or(std::min<std::size_t>(128, max_length / 2)),
          .max_question_length = max_question_length,
          .long_question = truncate_question ? LongQuestion::kTruncate : LongQuestion::kError};
}

Result<AskOptions> ReadingFlags::resolve(const Reader& reader) const {
  AskOptions options;
  options.windows = windows();
  const bool faithful = compat != "none";
  if (match_special_tokens || faithful) options.specials_in_text = SpecialsInText::kMatch;
  const std::string chosen = !decoder.empty() ? decoder : faithful ? "pipeline" : default_decoder;
  if (faithful && chosen != "pipeline") {
    return fail(ErrorCode::kInvalidArgument,
                "--compat is about the pipeline decoder; drop it or use --decoder pipeline");
  }
  SPANQA_TRY(check_decoder_flags(chosen));
  if (chosen == "pipeline") {
    PipelineOptions pipeline;
    pipeline.top_k = top_k;
    pipeline.max_answer_tokens = max_answer_tokens.value_or(pipeline.max_answer_tokens);
    pipeline.handle_impossible_answer = no_answer;
    pipeline.align_to_words = !no_align;
    pipeline.compat = compat_of(compat);
    options.decoder = pipeline;
  } else if (chosen == "run_qa") {
    RunQaOptions run_qa;
    run_qa.n_best = n_best;
    run_qa.max_answer_tokens = max_answer_tokens.value_or(run_qa.max_answer_tokens);
    run_qa.version_2 = no_answer || threshold.has_value();
    run_qa.null_threshold = static_cast<float>(threshold.value_or(reader.settings().null_score_diff_threshold));
    options.decoder = run_qa;
  } else {
    GlobalOptions global;
    global.top_k = top_k;
    global.max_answer_tokens = max_answer_tokens.value_or(global.max_answer_tokens);
    global.temperature = temperature;
    global.align_to_words = !no_align;
    if (no_answer || threshold) {
      global.no_answer_threshold = threshold.value_or(reader.settings().no_answer_threshold);
    }
    options.decoder = global;
  }
  SPANQA_TRY(check_ask(options));
  return options;
}

}  // namespace spanqa::cli
