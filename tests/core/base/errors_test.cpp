// The one list of errors: numbers are the ABI's, names and texts are for people (DESIGN §4, C2).
#include "core/errors.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace fb::core {
namespace {

TEST(Errors, have_distinct_numbers_none_of_them_success) {
  std::set<std::uint32_t> numbers;
#define FB_ERROR(name, number, text) EXPECT_TRUE(numbers.insert(number).second) << #name;
#include "core/errors.def"
#undef FB_ERROR
  EXPECT_FALSE(numbers.contains(0));
}

TEST(Errors, know_their_names_and_texts) {
#define FB_ERROR(name, number, text)            \
  EXPECT_STREQ(name_of(Error::name), #name);    \
  EXPECT_STREQ(describe(Error::name), text);    \
  EXPECT_FALSE(std::string_view(text).empty()); \
  EXPECT_EQ(static_cast<std::uint32_t>(Error::name), std::uint32_t{number});
#include "core/errors.def"
#undef FB_ERROR
}

TEST(Errors, unknown_numbers_have_a_fixed_text) {
  for (const std::uint32_t number : {0U, 9999U, ~0U}) {
    EXPECT_STREQ(name_of(static_cast<Error>(number)), "Unknown");
    EXPECT_STREQ(describe(static_cast<Error>(number)), "unknown error");
  }
}

}  // namespace
}  // namespace fb::core
