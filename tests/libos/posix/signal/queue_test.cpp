#include "libos/posix/signal/queue.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <vector>

namespace fb::libos::posix::signal {
namespace {

constexpr Set kAll(~std::uint64_t{0});

Info queued(Signal signal, std::uint64_t value) { return Info::from(signal, code::kQueue, 7, 0, value); }
Signal real_time(unsigned n) { return static_cast<Signal>(static_cast<unsigned>(Signal::FirstRealTime) + n); }

TEST(SignalSet, has_bit_n_minus_1_for_signal_n) {
  EXPECT_EQ(Set::of(Signal::HangUp, Signal::Last).bits(), 1U | std::uint64_t{1} << 63);
  EXPECT_EQ(Set::of(Signal::Quit, Signal::Kill).lowest(), Signal::Quit);
  EXPECT_EQ(signal_of(0), std::nullopt);
  EXPECT_EQ(signal_of(65), std::nullopt);
  EXPECT_EQ(signal_of(64), Signal::Last);
}

TEST(SignalQueue, a_standard_signal_is_pending_once_with_what_came_first) {
  Queue queue;
  EXPECT_TRUE(queue.add(queued(Signal::User1, 1)));
  EXPECT_TRUE(queue.add(queued(Signal::User1, 2)));
  EXPECT_EQ(queue.take(kAll)->payload[1], 1U);
  EXPECT_EQ(queue.take(kAll), std::nullopt);
  EXPECT_TRUE(queue.pending().empty());
}

TEST(SignalQueue, real_time_signals_keep_their_order_and_their_values) {
  Queue queue;
  for (std::uint64_t i = 0; i != 3; ++i) EXPECT_TRUE(queue.add(queued(real_time(0), i)));
  for (std::uint64_t i = 0; i != 3; ++i) {
    EXPECT_TRUE(queue.pending().has(real_time(0)));
    EXPECT_EQ(queue.take(kAll)->payload[1], i);
  }
  EXPECT_TRUE(queue.pending().empty());
}

TEST(SignalQueue, synchronous_signals_go_first_then_the_lowest) {
  Queue queue;
  for (const auto signal : {Signal::Terminate, Signal::HangUp, Signal::Segment, real_time(1)})
    EXPECT_TRUE(queue.add(Info::of(signal, code::kKernel)));
  EXPECT_EQ(queue.take(kAll)->signal(), Signal::Segment);
  EXPECT_EQ(queue.take(kAll)->signal(), Signal::HangUp);
  EXPECT_EQ(queue.take(Set::of(real_time(1)))->signal(), real_time(1)) << "only what is wanted";
  EXPECT_EQ(queue.take(kAll)->signal(), Signal::Terminate);
}

TEST(SignalQueue, when_it_is_full_sigqueue_is_refused_and_kill_still_comes) {
  Queue queue;
  for (std::size_t i = 0; i != Queue::kMost; ++i) EXPECT_TRUE(queue.add(queued(real_time(0), i)));
  const auto refused = queue.add(queued(real_time(1), 0));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno::TryAgain);
  EXPECT_TRUE(queue.add(Info::from(Signal::Terminate, code::kUser, 7, 0)));
  EXPECT_TRUE(queue.add(Info::from(real_time(2), code::kUser, 7, 0)));
  EXPECT_EQ(queue.take(Set::of(Signal::Terminate))->signal(), Signal::Terminate);
  EXPECT_EQ(queue.take(Set::of(real_time(2)))->signal(), real_time(2));
  EXPECT_EQ(queue.take(Set::of(real_time(1))), std::nullopt);
}

TEST(SignalQueue, dropped_signals_never_came) {
  Queue queue;
  EXPECT_TRUE(queue.add(queued(real_time(0), 1)));
  EXPECT_TRUE(queue.add(queued(Signal::Stop, 1)));
  EXPECT_TRUE(queue.add(queued(real_time(0), 2)));
  queue.drop(Set::of(real_time(0)));
  EXPECT_EQ(queue.pending(), Set::of(Signal::Stop));
  EXPECT_EQ(queue.take(kAll)->signal(), Signal::Stop);
  EXPECT_EQ(queue.take(kAll), std::nullopt);
}

RC_GTEST_PROP(SignalQueue, is_a_queue_for_each_signal, (const std::vector<std::uint16_t>& commands)) {
  Queue queue;
  std::map<unsigned, std::vector<std::uint64_t>> model;
  std::uint64_t next = 0;
  for (const auto command : commands) {
    const unsigned number = 1 + command % 64;
    const auto signal = static_cast<Signal>(number);
    auto& its = model[number];
    if (command & 0x8000) {
      const auto got = queue.take(Set::of(signal));
      RC_ASSERT(got.has_value() == !its.empty());
      if (!got) continue;
      RC_ASSERT(got->payload[1] == its.front());
      its.erase(its.begin());
    } else if (queue.add(queued(signal, ++next)) && (number >= 32 || its.empty())) {
      its.push_back(next);
    }
    RC_ASSERT(queue.pending().has(signal) == !its.empty());
  }
}

}  // namespace
}  // namespace fb::libos::posix::signal
