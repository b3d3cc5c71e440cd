#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/file.h"
#include "text/splitter.h"
#include "text/tokenizer_spec.h"
#include "text/truncation.h"

namespace spanqa {
namespace {

constexpr std::uint64_t kMaxTextBytes = 0xFFFFFFFF;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;

Result<std::optional<std::string>> read_if_there(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<std::string>();
  SPANQA_ASSIGN(std::string text, read_file(path, kMaxFileBytes));
  return std::optional<std::string>(std::move(text));
}

std::string name_of(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path whole = std::filesystem::absolute(folder, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "models/bert/" names bert
  return whole.filename().string();
}

SplitterParts parts_of(TokenizerSpec& spec) {
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalized;
  for (const AddedToken& token : spec.added) {
    if (!token.normalized) {
      raw.push_back(token);
      continue;
    }
    normalized.push_back(token);
    normalized.back().content = spec.normalizer.apply_to(token.content);
  }
  return {.normalizer = std::move(spec.normalizer),
          .splits_words = spec.splits_words,
          .raw_tokens = AddedTokens(std::move(raw)),
          .normalized_tokens = AddedTokens(std::move(normalized)),
          .unknown_id = spec.specials.unk,
          .max_word_chars = static_cast<std::size_t>(spec.settings.max_input_chars_per_word)};
}

void reserve(Encoding& encoding, std::size_t n) {
  encoding.ids.reserve(n);
  encoding.type_ids.reserve(n);
  encoding.attention_mask.reserve(n);
  encoding.special_mask.reserve(n);
  encoding.sequence.reserve(n);
  encoding.spans.reserve(n);
  encoding.words.reserve(n);
}

void append_special(Encoding& encoding, std::int32_t id, std::uint8_t type) {
  encoding.ids.push_back(id);
  encoding.type_ids.push_back(type);
  encoding.attention_mask.push_back(1);
  encoding.special_mask.push_back(1);
  encoding.sequence.push_back(-1);
  encoding.spans.push_back({});
  encoding.words.push_back(-1);
}

void append_tokens(Encoding& encoding, const TokenizedText& text, TokenRange range, bool is_second, std::uint8_t type) {
  const auto begin = static_cast<std::ptrdiff_t>(range.begin);
  const auto end = static_cast<std::ptrdiff_t>(range.end);
  encoding.ids.insert(encoding.ids.end(), text.ids.begin() + begin, text.ids.begin() + end);
  encoding.spans.insert(encoding.spans.end(), text.spans.begin() + begin, text.spans.begin() + end);
  encoding.words.insert(encoding.words.end(), text.words.begin() + begin, text.words.begin() + end);
  const std::size_t n = encoding.ids.size();
  encoding.type_ids.resize(n, type);
  encoding.attention_mask.resize(n, 1);
  encoding.special_mask.resize(n, 0);
  encoding.sequence.resize(n, is_second ? std::int8_t{1} : std::int8_t{0});
}

template <typename T>
void fill(std::vector<T>& values, std::size_t n, T value, Side side) {
  values.insert(side == Side::kRight ? values.end() : values.begin(), n, value);
}

void pad(Encoding& encoding, std::size_t length, std::int32_t pad_id, Side side) {
  if (encoding.ids.size() >= length) return;
  const std::size_t n = length - encoding.ids.size();
  fill(encoding.ids, n, pad_id, side);
  fill<std::uint8_t>(encoding.type_ids, n, 0, side);
  fill<std::uint8_t>(encoding.attention_mask, n, 0, side);
  fill<std::uint8_t>(encoding.special_mask, n, 1, side);
  fill<std::int8_t>(encoding.sequence, n, -1, side);
  fill(encoding.spans, n, ByteSpan{}, side);
  fill(encoding.words, n, -1, side);
}

/// Length that all sequences of a call are filled up to: by the main one, which no overflow is longer than.
std::size_t padded_length(const std::vector<Encoding>& encodings, const PaddingOptions& options) {
  const std::size_t length = options.fixed_length.value_or(encodings.front().ids.size());
  const std::size_t over = options.multiple_of > 0 ? length % options.multiple_of : 0;
  return over == 0 ? length : length + options.multiple_of - over;
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerSpec&& spec)
      : vocabulary(std::move(spec.vocabulary)),
        splitter(parts_of(spec), vocabulary),
        specials(spec.specials),
        second_type(spec.second_type),
        settings(std::move(spec.settings)) {}

  Encoding assemble(const TokenizedText& first, const TokenizedText* second, const WindowRanges& window,
                    bool with_specials) const;

  Vocabulary vocabulary;  // before the splitter, which refers to it
  Splitter splitter;
  SpecialIds specials;
  std::uint8_t second_type = 1;
  TokenizerSettings settings;
};

Encoding Tokenizer::Impl::assemble(const TokenizedText& first, const TokenizedText* second, const WindowRanges& window,
                                   bool with_specials) const {
  Encoding encoding;
  reserve(encoding, window.first.size() + window.second.size() + 3);
  if (with_specials) append_special(encoding, specials.cls, 0);
  append_tokens(encoding, first, window.first, false, 0);
  if (with_specials) append_special(encoding, specials.sep, 0);
  if (second == nullptr) return encoding;
  append_tokens(encoding, *second, window.second, true, second_type);
  if (with_specials) append_special(encoding, specials.sep, second_type);
  return encoding;
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::open(const std::filesystem::path& folder,
                                                         const TokenizerOverrides& overrides) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("tokenizer folder '{}' is not there; give the folder of a downloaded model", folder.string()));
  }
  TokenizerFiles files;
  files.name = folder.string();
  SPANQA_ASSIGN(files.tokenizer_json, read_if_there(folder / "tokenizer.json"));
  if (!files.tokenizer_json) {
    SPANQA_ASSIGN(files.vocab_txt, read_if_there(folder / "vocab.txt"));
  }
  SPANQA_ASSIGN(files.tokenizer_config_json, read_if_there(folder / "tokenizer_config.json"));
  return from_files(files, overrides);
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_files(const TokenizerFiles& files,
                                                               const TokenizerOverrides& overrides) {
  const auto path = [&files](const char* file) { return (std::filesystem::path(files.name) / file).string(); };
  ModelSpec model;
  if (files.tokenizer_json) {
    SPANQA_ASSIGN(model, parse_tokenizer_json(*files.tokenizer_json, path("tokenizer.json")));
  } else if (files.vocab_txt) {
    SPANQA_ASSIGN(model, parse_vocab_txt(*files.vocab_txt, path("vocab.txt")));
  } else {
    return fail(ErrorCode::kNotFound,
                fmt::format("'{}' has neither tokenizer.json nor vocab.txt; copy one of them there "
                            "from where the model came from",
                            files.name));
  }
  ConfigSpec config;
  if (files.tokenizer_config_json) {
    SPANQA_ASSIGN(config, parse_tokenizer_config(*files.tokenizer_config_json, path("tokenizer_config.json")));
  }
  SPANQA_ASSIGN(TokenizerSpec spec, resolve_spec(std::move(model), config, overrides, name_of(files.name)));
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::make_unique<const Impl>(std::move(spec))));
}

TokenizedText Tokenizer::tokenize(std::string_view text, SpecialsInText specials) const {
  TokenizedText out;
  impl_->splitter.run(text, specials, out);
  return out;
}

TokenizedText Tokenizer::tokenize_ref(std::string_view text, SpecialsInText specials) const {
  TokenizedText out;
  impl_->splitter.run_ref(text, specials, out);
  return out;
}

Result<std::vector<Encoding>> Tokenizer::encode(std::string_view first, std::optional<std::string_view> second,
                                                const EncodeOptions& options) const {
  if (std::max(first.size(), second.value_or(std::string_view()).size()) > kMaxTextBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "a text of 4 GiB or more cannot be tokenised whole; cut it into documents");
  }
  const TokenizedText a = tokenize(first, options.specials_in_text);
  TokenizedText b;
  std::optional<std::size_t> n_second;
  if (second) {
    b = tokenize(*second, options.specials_in_text);
    n_second = b.size();
  }
  const std::size_t n_special = !options.add_special_tokens ? 0 : second ? 3 : 2;
  SPANQA_ASSIGN(const std::vector<WindowRanges> windows, plan_truncation(a.size(), n_second, n_special, options));
  std::vector<Encoding> encodings;
  const std::size_t n_windows = options.keep_overflow ? windows.size() : 1;
  encodings.reserve(n_windows);
  for (std::size_t i = 0; i < n_windows; ++i) {
    encodings.push_back(impl_->assemble(a, second ? &b : nullptr, windows[i], options.add_special_tokens));
  }
  if (options.padding) {
    const std::size_t length = padded_length(encodings, *options.padding);
    for (Encoding& encoding : encodings) pad(encoding, length, specials().pad, options.padding->side);
  }
  return encodings;
}

const TokenizerSettings& Tokenizer::settings() const { return impl_->settings; }
const SpecialIds& Tokenizer::specials() const { return impl_->specials; }
std::size_t Tokenizer::vocabulary_size() const { return impl_->vocabulary.size(); }
std::string_view Tokenizer::token(std::int32_t id) const { return impl_->vocabulary.text(id); }
std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const { return impl_->vocabulary.find(token); }

}  // namespace spanqa
