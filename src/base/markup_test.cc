#include "base/markup.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

TEST(EscapeMarkup, LeavesNothingThatEndsAnElementOrAnAttribute) {
  EXPECT_EQ(escape_markup("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
}

TEST(EscapeMarkup, ReplacesWhatMarkupForbids) {
  EXPECT_EQ(escape_markup(std::string("a\0b\x1B\n\xFF", 6)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\n\xEF\xBF\xBD");
}

}  // namespace
}  // namespace spanqa
