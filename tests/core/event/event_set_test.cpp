#include "core/event/event_set.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/spin.hpp"

namespace fb::core::event {
namespace {

struct Waiter {
  int before = 0;
  WaitNode node;
  std::atomic<std::uint64_t> woken{0};
};
using Set = EventSet<Waiter, &Waiter::node>;
using Wakes = std::vector<std::pair<Waiter*, EventBits>>;
constexpr VisitLimit kAll{std::numeric_limits<std::uint32_t>::max()};

/// Signals and lets every waiter that wants something have it.
Wakes signal(Set& set, EventBits bits, VisitLimit limit = kAll) {
  Wakes wakes;
  const auto wake = [&](Waiter& waiter, EventBits taken) { wakes.emplace_back(&waiter, taken); };
  for (bool more = set.signal(bits, wake, limit); more;) more = set.resume(wake, limit);
  return wakes;
}

TEST(EventSet, a_bit_without_a_waiter_stays_pending_until_taken_C2_10) {
  Set set;
  EXPECT_TRUE(signal(set, EventBits(0b101)).empty());
  EXPECT_EQ(set.pending(), EventBits(0b101));
  EXPECT_EQ(set.take(EventBits(0b110)), EventBits(0b100));
  EXPECT_EQ(set.take(EventBits(0b110)), EventBits());
  EXPECT_EQ(set.pending(), EventBits(0b001));
}

TEST(EventSet, waiting_for_a_pending_bit_returns_it_at_once_C2_10) {
  Set set;
  Waiter waiter;
  signal(set, EventBits(0b11));
  EXPECT_EQ(set.enqueue(waiter, EventBits(0b110)), EventBits(0b10));
  EXPECT_EQ(waiter.node.taken, EventBits(0b10));
  EXPECT_FALSE(set.cancel(waiter));
  EXPECT_EQ(set.pending(), EventBits(0b01));
}

TEST(EventSet, a_waiter_takes_exactly_the_bits_it_wants_C2_10) {
  Set set;
  Waiter waiter;
  EXPECT_EQ(set.enqueue(waiter, EventBits(0b110)), EventBits());
  EXPECT_EQ(signal(set, EventBits(0b011)), (Wakes{{&waiter, EventBits(0b010)}}));
  EXPECT_EQ(waiter.node.taken, EventBits(0b010));
  EXPECT_EQ(set.pending(), EventBits(0b001));
  EXPECT_FALSE(waiter.node.link.linked());
}

TEST(EventSet, who_waits_alone_is_woken_the_short_way_C2_10) {
  Set set;
  Waiter waiter;
  Waiter second;
  EXPECT_EQ(set.enqueue_first(waiter, EventBits(0b110)), EventBits());
  EXPECT_EQ(set.signal_only(EventBits(0b001)), nullptr);
  EXPECT_EQ(set.signal_only(EventBits(0b011)), &waiter);
  EXPECT_EQ(waiter.node.taken, EventBits(0b010));
  EXPECT_EQ(set.pending(), EventBits(0b001));
  EXPECT_EQ(set.signal_only(EventBits(0b010)), nullptr);
  // One of two who come before it is alone again, or is cancelled, is not forgotten.
  EXPECT_EQ(set.enqueue(waiter, EventBits(0b010)), EventBits());
  EXPECT_EQ(set.enqueue(second, EventBits(0b100)), EventBits());
  EXPECT_EQ(set.signal_only(EventBits(0b100)), nullptr);
  EXPECT_EQ(signal(set, EventBits(0b100)), Wakes({{&second, EventBits(0b100)}}));
  EXPECT_EQ(set.cancel_first(), &waiter);
  EXPECT_EQ(set.enqueue_first(second, EventBits(0b010)), EventBits());
  EXPECT_EQ(set.cancel_first(), &second);
  EXPECT_EQ(set.cancel_first(), nullptr);
}

TEST(EventSet, one_bit_wakes_the_longest_waiting_only_C2_10) {
  Set set;
  std::array<Waiter, 3> waiters;
  for (Waiter& waiter : waiters) set.enqueue(waiter, EventBits(1));
  for (Waiter& waiter : waiters) EXPECT_EQ(signal(set, EventBits(1)), (Wakes{{&waiter, EventBits(1)}}));
  EXPECT_TRUE(signal(set, EventBits(1)).empty());
}

TEST(EventSet, all_64_bits_wake_64_waiters) {
  Set set;
  std::array<Waiter, 64> waiters;
  for (unsigned bit = 0; bit < 64; ++bit) set.enqueue(waiters[bit], EventBit(bit));
  const Wakes wakes = signal(set, EventBits(~std::uint64_t{0}));
  ASSERT_EQ(wakes.size(), 64u);
  for (unsigned bit = 0; bit < 64; ++bit)
    EXPECT_EQ(wakes[bit], std::pair(&waiters[bit], EventBits(EventBit(bit))));
  EXPECT_TRUE(set.pending().empty());
}

TEST(EventSet, a_cancelled_waiter_takes_nothing_C2_22) {
  Set set;
  Waiter waiter;
  set.enqueue(waiter, EventBits(1));
  EXPECT_TRUE(set.cancel(waiter));
  EXPECT_FALSE(set.cancel(waiter));
  EXPECT_TRUE(signal(set, EventBits(1)).empty());
  EXPECT_EQ(waiter.node.taken, EventBits());
  EXPECT_EQ(set.pending(), EventBits(1));
}

TEST(EventSet, an_empty_mask_waits_for_cancel_alone) {
  Set set;
  Waiter waiter;
  signal(set, EventBits(1));
  EXPECT_EQ(set.enqueue(waiter, EventBits()), EventBits());
  EXPECT_TRUE(signal(set, EventBits(~std::uint64_t{0})).empty());
  EXPECT_EQ(set.cancel_first(), &waiter);
  EXPECT_EQ(set.cancel_first(), nullptr);
}

TEST(EventSet, one_call_visits_no_more_waiters_than_its_limit) {
  Set set;
  std::array<Waiter, 10> others;
  Waiter last;
  for (Waiter& waiter : others) set.enqueue(waiter, EventBits(0b10));
  set.enqueue(last, EventBits(0b01));
  Wakes wakes;
  const auto wake = [&](Waiter& waiter, EventBits taken) { wakes.emplace_back(&waiter, taken); };
  EXPECT_TRUE(set.signal(EventBits(1), wake, VisitLimit(4)));
  EXPECT_TRUE(set.resume(wake, VisitLimit(4)));
  EXPECT_TRUE(wakes.empty());
  EXPECT_FALSE(set.resume(wake, VisitLimit(4)));
  EXPECT_EQ(wakes, (Wakes{{&last, EventBits(1)}}));
}

TEST(EventSet, a_stream_of_signals_cannot_start_an_unfinished_pass_over) {
  Set set;
  std::array<Waiter, 20> others;
  Waiter last;
  for (Waiter& waiter : others) set.enqueue(waiter, EventBits(0));
  set.enqueue(last, EventBits(1));
  int woken = 0;
  const auto wake = [&](Waiter&, EventBits) { ++woken; };
  EXPECT_TRUE(set.signal(EventBits(1), wake, VisitLimit(2)));
  for (unsigned call = 1; call <= 10 && woken == 0; ++call) {
    (void)set.signal(EventBits(EventBit(call)), wake, VisitLimit(2));
  }
  EXPECT_EQ(woken, 1);
}

TEST(EventSet, who_enqueues_during_a_pass_neither_overtakes_nor_misses_it_C2_10) {
  Set set;
  Waiter other, first, second;
  set.enqueue(other, EventBits(0b100));
  set.enqueue(first, EventBits(0b001));
  Wakes wakes;
  const auto wake = [&](Waiter& waiter, EventBits taken) { wakes.emplace_back(&waiter, taken); };
  ASSERT_TRUE(set.signal(EventBits(0b011), wake, VisitLimit(1)));
  EXPECT_EQ(set.enqueue(second, EventBits(0b011)), EventBits());  // bit 0 is the first waiter's
  while (set.resume(wake, VisitLimit(1))) continue;
  EXPECT_EQ(wakes, (Wakes{{&first, EventBits(0b001)}, {&second, EventBits(0b010)}}));
}

TEST(EventSet, cancelling_the_last_waiter_of_a_pass_loses_no_wake_up_C2_22) {
  Set set;
  Waiter other, last, late;
  set.enqueue(other, EventBits(0b100));
  set.enqueue(last, EventBits(0b001));
  const auto wake = [](Waiter&, EventBits) {};
  ASSERT_TRUE(set.signal(EventBits(1), wake, VisitLimit(1)));
  EXPECT_TRUE(set.cancel(last));
  EXPECT_EQ(set.enqueue(late, EventBits(1)), EventBits(1));
}

/// The specification without passes: a signal serves everyone in order before anything else happens.
struct Model {
  std::uint64_t pending = 0;
  std::vector<std::pair<Waiter*, std::uint64_t>> queue;

  Wakes signal(std::uint64_t bits) {
    pending |= bits;
    Wakes wakes;
    for (auto it = queue.begin(); it != queue.end();) {
      const std::uint64_t taken = it->second & pending;
      if (taken == 0) {
        ++it;
        continue;
      }
      pending &= ~taken;
      wakes.emplace_back(it->first, EventBits(taken));
      it = queue.erase(it);
    }
    return wakes;
  }
  std::uint64_t take(std::uint64_t mask) {
    const std::uint64_t taken = pending & mask;
    pending &= ~taken;
    return taken;
  }
  auto find(const Waiter& waiter) {
    return std::find_if(queue.begin(), queue.end(),
                        [&](const auto& entry) { return entry.first == &waiter; });
  }
};

using Command = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint8_t>;

/// Long sequences whose elements have their full range from the first on.
std::vector<Command> any_commands() {
  const auto any = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Command>());
  return *rc::gen::scale(3.0, rc::gen::container<std::vector<Command>>(any));
}
/// One or two of four bits: sets that often meet and often do not.
EventBits few(std::uint8_t bits) { return EventBits(EventBit(bits % 4)).join(EventBit(bits / 4 % 4)); }

RC_GTEST_PROP(EventSet, agrees_with_a_naive_queue_for_any_limit_C2_10, ()) {
  std::array<Waiter, 8> waiters;
  Set set;
  Model model;
  const VisitLimit limit(*rc::gen::inRange<std::uint32_t>(1, 10));
  for (const auto& [command, which, mask, unused] : any_commands()) {
    Waiter& waiter = waiters[which % waiters.size()];
    const EventBits bits = few(mask);
    const auto queued = model.find(waiter);
    if (command % 8 == 4) {
      // Nothing, or all that a signal does.
      const bool alone = model.queue.size() == 1 && (model.queue.front().second & bits.raw()) != 0;
      Waiter* const only = set.signal_only(bits);
      RC_ASSERT(only == nullptr || alone);
      if (only == nullptr) continue;
      RC_ASSERT(model.signal(bits.raw()) == Wakes({{only, only->node.taken}}));
    } else if (command % 4 == 0) {
      RC_ASSERT(signal(set, bits, limit) == model.signal(bits.raw()));
    } else if (command % 4 == 1) {
      RC_ASSERT(set.take(bits) == EventBits(model.take(bits.raw())));
    } else if (command % 4 == 2) {
      RC_ASSERT(set.cancel(waiter) == (queued != model.queue.end()));
      if (queued != model.queue.end()) model.queue.erase(queued);
    } else if (queued == model.queue.end()) {
      const bool first = command % 8 == 7 && model.queue.empty();
      const std::uint64_t taken = model.take(bits.raw());
      if (taken == 0) model.queue.emplace_back(&waiter, bits.raw());
      RC_ASSERT((first ? set.enqueue_first(waiter, bits) : set.enqueue(waiter, bits)) == EventBits(taken));
      RC_ASSERT(waiter.node.taken == EventBits(taken));
    }
    RC_ASSERT(set.pending() == EventBits(model.pending));
  }
}

/// Anything may happen between the calls of a hand-over; what must hold then is said without passes.
RC_GTEST_PROP(EventSet, interleaved_hand_overs_are_fair_and_lose_nothing_C2_10, ()) {
  std::array<Waiter, 8> waiters;
  Set set;
  Model model;  // its queue and pending set follow what the real one does
  bool more = false;
  const auto wake = [&](Waiter& waiter, EventBits bits) {
    const auto at = model.find(waiter);
    RC_ASSERT(at != model.queue.end());
    RC_ASSERT(!bits.empty() && bits.within(EventBits(at->second)) && bits.within(EventBits(model.pending)));
    RC_ASSERT(
        std::all_of(model.queue.begin(), at, [&](auto& ahead) { return (ahead.second & bits.raw()) == 0; }));
    model.pending &= ~bits.raw();
    model.queue.erase(at);
  };
  const auto check_settled = [&] {
    for (const auto& [waiter, mask] : model.queue) RC_ASSERT((mask & model.pending) == 0u);
  };
  for (const auto& [command, which, mask, visits] : any_commands()) {
    Waiter& waiter = waiters[which % waiters.size()];
    const EventBits bits = few(mask);
    const VisitLimit limit(visits % 3 + 1u);
    const auto queued = model.find(waiter);
    if (command % 8 < 2) {
      model.pending |= bits.raw();
      more = set.signal(bits, wake, limit);
    } else if (command % 8 == 2) {
      more = set.resume(wake, limit);
    } else if (command % 8 == 3) {
      RC_ASSERT(set.take(bits) == EventBits(model.take(bits.raw())));
    } else if (command % 8 == 4) {
      RC_ASSERT(set.cancel(waiter) == (queued != model.queue.end()));
      if (queued != model.queue.end()) model.queue.erase(queued);
    } else if (queued == model.queue.end()) {
      const EventBits taken = set.enqueue(waiter, bits);
      RC_ASSERT(taken.within(EventBits(model.pending).meet(bits)));
      for (const auto& ahead : model.queue) RC_ASSERT((ahead.second & taken.raw()) == 0u);
      model.pending &= ~taken.raw();
      if (taken.empty()) model.queue.emplace_back(&waiter, bits.raw());
    }
    RC_ASSERT(set.pending() == EventBits(model.pending));
    if (!more) check_settled();
  }
  for (int calls = 0; more; ++calls) {
    RC_ASSERT(calls < 64);
    more = set.resume(wake, VisitLimit(1));
  }
  check_settled();
}

/// Tokens go from two signallers to three waiters, one bit each way; a lost wake-up would never end.
TEST(EventSet, no_wake_up_is_lost_between_threads_C2_10) {
  constexpr int kTokens = 3'000;
  SpinLock lock;
  Set set;
  std::array<Waiter, 3> waiters;
  std::atomic<int> consumed{0};
  std::atomic<bool> done{false};
  std::array<std::uint64_t, 64> written{};
  const auto wake = [](Waiter& waiter, EventBits bits) {
    waiter.woken.store(bits.raw(), std::memory_order_release);
  };

  const auto consume = [&](Waiter& waiter) {
    while (!done.load()) {
      std::uint64_t bits = 0;
      {
        Guard guard(lock);
        waiter.woken.store(0);
        bits = set.enqueue(waiter, EventBits(0b11)).raw();
      }
      while (bits == 0) {
        bits = waiter.woken.load(std::memory_order_acquire);
        if (bits != 0 || !done.load()) {
          std::this_thread::yield();
          continue;
        }
        Guard guard(lock);
        if (set.cancel(waiter)) return;
      }
      for (unsigned bit = 0; bit < 2; ++bit) {
        if ((bits >> bit & 1) == 0) continue;
        EXPECT_NE(written[bit], 0u);
        written[bit] = 0;
        consumed.fetch_add(1);
        Guard guard(lock);
        while (set.signal(EventBits(EventBit(bit + 8)), wake, VisitLimit(1))) continue;
      }
    }
  };
  const auto produce = [&](unsigned bit) {
    for (int token = 1; token <= kTokens; ++token) {
      written[bit] = static_cast<std::uint64_t>(token);  // plain memory: the bit must carry it over
      {
        Guard guard(lock);
        while (set.signal(EventBits(EventBit(bit)), wake, VisitLimit(1))) continue;
      }
      while (!set.pending().has(EventBit(bit + 8))) std::this_thread::yield();
      Guard guard(lock);
      EXPECT_EQ(set.take(EventBit(bit + 8)), EventBits(EventBit(bit + 8)));
    }
  };
  {
    std::array<std::jthread, 3> consumers;
    for (std::size_t i = 0; i < 3; ++i) consumers[i] = std::jthread([&, i] { consume(waiters[i]); });
    {
      const std::jthread one([&] { produce(0); });
      const std::jthread two([&] { produce(1); });
    }
    done.store(true);
  }
  EXPECT_EQ(consumed.load(), 2 * kTokens);
  EXPECT_TRUE(set.pending().empty());
}

}  // namespace
}  // namespace fb::core::event
