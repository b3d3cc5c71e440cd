#include "data/unanswerable.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "data/random.h"

namespace spanqa {
namespace {

constexpr std::array<std::string_view, 3> kArticles = {"a", "an", "the"};
constexpr std::array<std::string_view, 16> kQuestionWords = {"what", "who",   "whom", "whose", "when", "where",
                                                             "why",  "which", "how",  "is",    "are",  "was",
                                                             "were", "do",    "does", "did"};

/// As classify_question parts words, without the underscore.
bool is_word_part(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return c >= 0xC0 && (c < 0x2000 || c > 0x206F);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= text.size();) {
    const CodePoint c = i < text.size() ? decode_utf8(text, i) : CodePoint{' ', 1};
    if (is_word_part(c.value)) {
      append_utf8(word, c.value >= 'A' && c.value <= 'Z' ? c.value - U'A' + U'a' : c.value);
    } else if (!word.empty()) {
      if (std::find(kArticles.begin(), kArticles.end(), word) == kArticles.end()) words.push_back(word);
      word.clear();
    }
    i += c.bytes;
  }
  return words;
}

/// " w1 w2 … ": one such text stands in another where its words do, in a row. Empty when there are none.
std::string spaced(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " " + word;
  return text.empty() ? text : text + " ";
}

struct Paragraph {
  std::shared_ptr<const std::string> context;
  std::string words;                    // spaced()
  std::vector<std::uint32_t> distinct;  // numbers of its words, ascending
};

/// The paragraphs of all articles, and in how many of them each word stands.
class Paragraphs {
 public:
  explicit Paragraphs(std::span<const Example> examples) {
    for (const Example& example : examples) {
      SPANQA_CHECK(example.context != nullptr);
      const auto [place, is_new] =
          numbers_.try_emplace(example.title + '\0' + *example.context, static_cast<std::uint32_t>(all_.size()));
      numbers_of_examples_.push_back(place->second);
      if (is_new) add(example);
    }
  }

  std::uint32_t number_of_example(std::size_t example) const { return numbers_of_examples_[example]; }
  const std::vector<std::uint32_t>& of_article(const std::string& title) const { return articles_.at(title); }
  const Paragraph& operator[](std::uint32_t number) const { return all_[number]; }

  /// Numbers and idf of a question's distinct words that stand in some paragraph; others no paragraph can share.
  std::vector<std::pair<std::uint32_t, double>> weigh(const std::vector<std::string>& words) const {
    std::vector<std::pair<std::uint32_t, double>> weights;
    for (const std::string& word : words) {
      if (std::find(kQuestionWords.begin(), kQuestionWords.end(), word) != kQuestionWords.end()) continue;
      const auto known = vocabulary_.find(word);
      if (known == vocabulary_.end()) continue;
      const double n_with = static_cast<double>(n_paragraphs_with_[known->second]);
      weights.emplace_back(known->second, std::log1p(static_cast<double>(all_.size()) / n_with));
    }
    std::sort(weights.begin(), weights.end());
    weights.erase(std::unique(weights.begin(), weights.end()), weights.end());
    return weights;
  }

 private:
  void add(const Example& example) {
    articles_[example.title].push_back(static_cast<std::uint32_t>(all_.size()));
    const std::vector<std::string> words = words_of(*example.context);
    Paragraph paragraph{.context = example.context, .words = spaced(words), .distinct = {}};
    for (const std::string& word : words) {
      paragraph.distinct.push_back(
          vocabulary_.try_emplace(word, static_cast<std::uint32_t>(vocabulary_.size())).first->second);
    }
    std::sort(paragraph.distinct.begin(), paragraph.distinct.end());
    paragraph.distinct.erase(std::unique(paragraph.distinct.begin(), paragraph.distinct.end()),
                             paragraph.distinct.end());
    n_paragraphs_with_.resize(vocabulary_.size());
    for (const std::uint32_t word : paragraph.distinct) ++n_paragraphs_with_[word];
    all_.push_back(std::move(paragraph));
  }

  std::vector<Paragraph> all_;
  std::unordered_map<std::string, std::uint32_t> numbers_;  // by title and context
  std::vector<std::uint32_t> numbers_of_examples_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> articles_;  // by title
  std::unordered_map<std::string, std::uint32_t> vocabulary_;
  std::vector<std::uint32_t> n_paragraphs_with_;
};

/// `n` of the items, drawn; all of them in their order where there are no more.
std::vector<std::uint32_t> draw(std::vector<std::uint32_t> items, std::size_t n, SplitMix64& random) {
  if (items.size() <= n) return items;
  for (std::size_t i = 0; i < n; ++i) {
    std::swap(items[i], items[i + static_cast<std::size_t>(random.below(items.size() - i))]);
  }
  items.resize(n);
  return items;
}

/// The golds' words; empty when a gold has none, because nobody can then say whether a paragraph holds it.
std::vector<std::string> gold_words(const Example& example) {
  std::vector<std::string> golds;
  for (const GoldAnswer& gold : example.answers) {
    golds.push_back(spaced(words_of(gold.text)));
    if (golds.back().empty()) return {};
  }
  return golds;
}

/// The number of the paragraph that looks most like an answer to example `number`; nullopt when none is near enough.
std::optional<std::uint32_t> find_paragraph(const Example& example, std::uint32_t own, const Paragraphs& paragraphs,
                                            const UnanswerableOptions& options, SplitMix64& random) {
  const std::vector<std::string> golds = gold_words(example);
  const auto weights = paragraphs.weigh(words_of(example.question));
  if (example.title.empty() || golds.empty() || weights.empty()) return std::nullopt;
  const double whole = std::accumulate(weights.begin(), weights.end(), 0.0,
                                       [](double sum, const auto& weight) { return sum + weight.second; });
  double best = 0.0;
  std::optional<std::uint32_t> best_number;
  for (const std::uint32_t number : draw(paragraphs.of_article(example.title), options.n_candidates, random)) {
    if (number == own) continue;
    const Paragraph& paragraph = paragraphs[number];
    double shared = 0.0;
    for (const auto& [word, weight] : weights) {
      if (std::binary_search(paragraph.distinct.begin(), paragraph.distinct.end(), word)) shared += weight;
    }
    if (shared <= best || shared < options.min_overlap * whole) continue;
    const bool holds_gold = std::any_of(golds.begin(), golds.end(), [&](const std::string& gold) {
      return paragraph.words.find(gold) != std::string::npos;
    });
    if (holds_gold) continue;
    best = shared;
    best_number = number;
  }
  return best_number;
}

Example make_twin(const Example& example, const std::shared_ptr<const std::string>& context) {
  Example twin;
  twin.id = example.id + "-unanswerable-1";
  twin.question = example.question;
  twin.context = context;
  twin.has_answers_field = true;
  twin.title = example.title;
  twin.is_impossible = true;
  twin.where = example.where;
  return twin;
}

}  // namespace

std::vector<Example> make_unanswerable(std::span<const Example> examples, const UnanswerableOptions& options) {
  SPANQA_CHECK(options.share >= 0.0 && options.share <= 1.0);
  const Paragraphs paragraphs(examples);
  std::vector<std::uint32_t> answerable;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (!examples[i].answers.empty()) answerable.push_back(static_cast<std::uint32_t>(i));
  }
  const auto n_wanted = static_cast<std::size_t>(std::llround(options.share * static_cast<double>(answerable.size())));
  SplitMix64 random(options.seed);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;  // paragraph and example
  for (std::size_t i = 0; i < answerable.size() && pairs.size() < n_wanted; ++i) {
    std::swap(answerable[i], answerable[i + static_cast<std::size_t>(random.below(answerable.size() - i))]);
    const std::uint32_t number = answerable[i];
    const auto found =
        find_paragraph(examples[number], paragraphs.number_of_example(number), paragraphs, options, random);
    if (found) pairs.emplace_back(*found, number);
  }
  std::sort(pairs.begin(), pairs.end());
  std::vector<Example> made;
  made.reserve(pairs.size());
  for (const auto& [paragraph, number] : pairs)
    made.push_back(make_twin(examples[number], paragraphs[paragraph].context));
  return made;
}

}  // namespace spanqa
