// One tokenizer, many threads: run by ThreadSanitizer too.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

TEST(TokenizerThreads, SharedTokenizerAnswersEachThreadAsItAnswersOne) {
  const auto opened = Tokenizer::open(testing::source_path("tests/fixtures/text/added"));
  ASSERT_TRUE(opened) << opened.error().message;
  const Tokenizer& tokenizer = **opened;
  const std::string question = "Where is the Caf\u00e9 <go>?";
  const std::string context =
      "the cat sat on a mat \u4e2d\u6587 new york unbelievably running [SEP] e\u0327\u0301 page";
  const auto encode = [&](std::size_t stride) {
    return tokenizer.encode(question, context,
                            {.truncation = Truncation::kOnlySecond,
                             .max_length = 24,
                             .stride = stride,
                             .padding = PaddingOptions{.multiple_of = 8},
                             .specials_in_text = stride % 2 == 0 ? SpecialsInText::kText : SpecialsInText::kMatch});
  };
  std::vector<std::vector<Encoding>> expected;
  for (std::size_t stride = 0; stride < 4; ++stride) {
    auto encodings = encode(stride);
    ASSERT_TRUE(encodings) << encodings.error().message;
    expected.push_back(std::move(*encodings));
  }

  constexpr std::size_t kThreads = 8;
  std::vector<int> n_wrong(kThreads, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t round = 0; round < 200; ++round) {
          const std::size_t stride = (t + round) % expected.size();
          const auto got = encode(stride);
          bool same = got.has_value() && got->size() == expected[stride].size();
          for (std::size_t i = 0; same && i < got->size(); ++i) {
            same = (*got)[i].ids == expected[stride][i].ids && (*got)[i].spans == expected[stride][i].spans;
          }
          n_wrong[t] += same ? 0 : 1;
        }
      });
    }
  }
  EXPECT_EQ(n_wrong, std::vector<int>(kThreads, 0));
}

}  // namespace
}  // namespace spanqa
