// Result and the two macros that return its error.
#include "core/result.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace fb::core {
namespace {

Result<> step(std::vector<int>& trace, int number, std::optional<int> failing) {
  trace.push_back(number);
  if (number == failing) return fail(Error::Busy);
  return {};
}
Result<int> four_steps(std::vector<int>& trace, std::optional<int> failing) {
  FB_TRY(step(trace, 0, failing));
  FB_TRY(step(trace, 1, failing));
  for (int i = 2; i < 4; ++i) FB_TRY(step(trace, i, failing));
  return 4;
}

RC_GTEST_PROP(Result, try_stops_at_the_first_error_and_passes_it_on, ()) {
  const auto failing = *rc::gen::inRange(0, 6);
  std::vector<int> trace;
  const auto result = four_steps(trace, failing);
  RC_ASSERT(result.has_value() == (failing >= 4));
  RC_ASSERT(trace.size() == static_cast<std::size_t>(std::min(failing + 1, 4)));
  if (!result) RC_ASSERT(result.error() == Error::Busy);
}

Result<std::unique_ptr<int>> made(bool good) {
  if (!good) return fail(Error::NoMemory);
  return std::make_unique<int>(7);
}
Result<int> sum(bool first, bool second) {
  FB_ASSIGN(const auto a, made(first));
  FB_ASSIGN(const auto b, made(second));
  return *a + *b;
}

TEST(Result, assign_declares_the_value_and_moves_it) {
  EXPECT_EQ(sum(true, true), 14);
  EXPECT_EQ(sum(true, false), fail(Error::NoMemory));
  EXPECT_EQ(sum(false, true), fail(Error::NoMemory));
}

Result<int> assign_existing(bool good) {
  std::unique_ptr<int> value;
  FB_ASSIGN(value, made(good));
  return *value;
}

TEST(Result, assign_also_sets_what_is_declared_already) {
  EXPECT_EQ(assign_existing(true), 7);
  EXPECT_EQ(assign_existing(false).error(), Error::NoMemory);
}

Result<long> other_type(bool good) {
  FB_TRY(made(good));
  return 1L;
}

TEST(Result, an_error_passes_between_results_of_different_types) {
  EXPECT_EQ(other_type(true), 1L);
  EXPECT_EQ(other_type(false).error(), Error::NoMemory);
}

TEST(Result, an_expression_is_evaluated_once) {
  int calls = 0;
  const auto function = [&]() -> Result<int> {
    const auto count = [&]() -> Result<int> { return ++calls; };
    FB_TRY(count());
    FB_ASSIGN(const int value, count());
    return value;
  };
  EXPECT_EQ(function(), 2);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace fb::core
