#include "libos/posix/signal/actions.hpp"

#include <gtest/gtest.h>

namespace fb::libos::posix::signal {
namespace {

TEST(SignalActions, by_default_are_those_of_signal_7) {
  const Set ignored = Set::of(Signal::Child, Signal::Urgent, Signal::Window);
  for (unsigned i = 1; i <= 64; ++i) {
    const auto signal = static_cast<Signal>(i);
    const auto expected = ignored.has(signal)          ? Default::Ignore
                          : kStops.has(signal)         ? Default::Stop
                          : signal == Signal::Continue ? Default::Continue
                                                       : Default::End;
    EXPECT_EQ(default_of(signal), expected) << i;
  }
}

TEST(SignalActions, ignore_what_is_set_so_or_would_have_no_effect) {
  Actions actions;
  EXPECT_TRUE(actions.ignores(Signal::Child));
  EXPECT_FALSE(actions.ignores(Signal::Terminate));
  actions.set(Signal::Child, {.handler = 0x1000});
  actions.set(Signal::Terminate, {.handler = action::kIgnore});
  EXPECT_FALSE(actions.ignores(Signal::Child));
  EXPECT_TRUE(actions.ignores(Signal::Terminate));
  EXPECT_EQ(actions.caught(), Set::of(Signal::Child));
  EXPECT_EQ(actions.ignored(), Set::of(Signal::Terminate));
}

TEST(SignalActions, of_a_new_program_have_no_handlers_but_what_was_ignored_is) {
  Actions actions;
  actions.set(Signal::User1, {.handler = 0x1000, .flags = action::kRestart, .restorer = 1, .mask = 2});
  actions.set(Signal::User2, {.handler = action::kIgnore, .flags = action::kRestart});
  actions.reset_handlers();
  EXPECT_FALSE(actions.of(Signal::User1).handled());
  EXPECT_EQ(actions.of(Signal::User1).flags, 0U);
  EXPECT_TRUE(actions.ignores(Signal::User2));
}

}  // namespace
}  // namespace fb::libos::posix::signal
