#include "libos/posix/sync/futexes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <list>
#include <memory>
#include <vector>

#include "tests/libos/posix/vfs/script.hpp"

namespace fb::libos::posix::sync {
namespace {

using vfs::test::Script;

constexpr FutexKey kHere{1, 0x1000}, kThere{1, 0x1004}, kElsewhere{2, 0x1000};

/// Joined a queue and stays there; `woken` counts.
struct Sleeping {
  Sleeping(Futexes& futexes, FutexKey key, std::uint32_t bits = kAnyBits)
      : wait(futexes, key, bits, script) {}
  bool woken() { return wait.sleep(core::Nanoseconds(0)).has_value(); }
  Script script;
  FutexWait wait;
};

TEST(Futex, wakes_as_many_as_asked_in_the_order_they_came_C4_04) {
  Futexes futexes;
  Sleeping a(futexes, kHere), b(futexes, kHere), c(futexes, kHere), other(futexes, kElsewhere);
  EXPECT_EQ(futexes.wake(kHere, 2), 2U);
  EXPECT_TRUE(a.woken());
  EXPECT_TRUE(b.woken());
  EXPECT_FALSE(c.woken());
  EXPECT_FALSE(other.woken()) << "another memory's word at the same address";
  EXPECT_EQ(futexes.wake(kHere, 9), 1U);
  EXPECT_EQ(futexes.wake(kHere, 9), 0U);
}

TEST(Futex, wakes_those_whose_bits_meet_C4_04) {
  Futexes futexes;
  Sleeping a(futexes, kHere, 1), b(futexes, kHere, 2), c(futexes, kHere, 3);
  EXPECT_EQ(futexes.wake(kHere, 9, 2), 2U);
  EXPECT_FALSE(a.woken());
  EXPECT_TRUE(b.woken());
  EXPECT_TRUE(c.woken());
}

TEST(Futex, requeues_without_waking_and_keeps_the_order_C4_04) {
  Futexes futexes;
  Sleeping first(futexes, kThere), a(futexes, kHere), b(futexes, kHere), c(futexes, kHere), d(futexes, kHere);
  const auto done = futexes.requeue(kHere, kThere, 1, 2);
  EXPECT_EQ(done.woken, 1U);
  EXPECT_EQ(done.moved, 2U);
  EXPECT_TRUE(a.woken());
  EXPECT_EQ(futexes.count(kHere), 1U);
  EXPECT_EQ(futexes.wake(kThere, 2), 2U);
  EXPECT_TRUE(first.woken());
  EXPECT_TRUE(b.woken());
  EXPECT_FALSE(c.woken());
  EXPECT_FALSE(d.woken());
}

TEST(Futex, one_that_leaves_takes_no_wake_with_it_C4_04) {
  Futexes futexes;
  auto gone = std::make_unique<Sleeping>(futexes, kHere);
  Sleeping stays(futexes, kHere);
  gone.reset();
  EXPECT_EQ(futexes.wake(kHere, 1), 1U);
  EXPECT_TRUE(stays.woken());
}

TEST(Futex, a_wake_between_joining_and_sleeping_counts_C4_04) {
  Futexes futexes;
  Script script;
  FutexWait wait(futexes, kHere, kAnyBits, script);
  futexes.wake(kHere, 1);
  EXPECT_TRUE(wait.sleep(vfs::kForever));
  EXPECT_EQ(script.waits, 0);
}

TEST(Futex, a_sleep_ends_by_time_or_by_a_signal_C4_04) {
  Futexes futexes;
  Script late({[] {}}), signalled;
  FutexWait one(futexes, kHere, kAnyBits, late), two(futexes, kHere, kAnyBits, signalled);
  EXPECT_EQ(one.sleep(core::Nanoseconds(0)).error(), Errno::TimedOut);
  EXPECT_EQ(two.sleep(vfs::kForever).error(), Errno::Restart);
}

TEST(Futex, tells_who_has_slept_longest) {
  Futexes futexes;
  Script script;
  EXPECT_EQ(futexes.first(kHere), nullptr);
  const FutexWait one(futexes, kHere, kAnyBits, script, 7), two(futexes, kHere, kAnyBits, script, 8);
  EXPECT_EQ(futexes.first(kHere)->tag(), 7);
}

RC_GTEST_PROP(Futex, is_a_queue_for_each_word, (const std::vector<std::uint16_t>& commands)) {
  Futexes futexes;
  struct Model {
    std::unique_ptr<Sleeping> sleeper;
    unsigned word;
  };
  std::list<Model> model;
  const auto key = [](unsigned word) { return FutexKey{word / 4, 0x1000 + std::uint64_t{word % 4} * 64}; };
  for (const auto command : commands) {
    const unsigned word = command % 16, other = command >> 4 & 15, count = command >> 8 & 3;
    switch (command >> 14) {
      case 0:
      case 1:
        model.push_back({std::make_unique<Sleeping>(futexes, key(word)), word});
        break;
      case 2: {
        std::size_t expected = 0;
        for (const auto& one : model) expected += one.word == word && expected < count ? 1 : 0;
        RC_ASSERT(futexes.wake(key(word), count) == expected);
        for (auto i = model.begin(); expected != 0;) {
          const bool its = i->word == word;
          if (its) RC_ASSERT(i->sleeper->woken());
          expected -= its ? 1 : 0;
          i = its ? model.erase(i) : std::next(i);
        }
        break;
      }
      default: {
        unsigned moved = 0;
        std::list<Model> moving;
        if (word != other) {
          for (auto i = model.begin(); i != model.end() && moved < count;) {
            const auto next = std::next(i);
            if (i->word == word) {
              i->word = other;
              moving.splice(moving.end(), model, i);
              ++moved;
            }
            i = next;
          }
          model.splice(model.end(), moving);
        }
        RC_ASSERT(futexes.requeue(key(word), key(other), 0, count).moved == moved);
      }
    }
    for (unsigned i = 0; i != 16; ++i) {
      std::size_t expected = 0;
      for (const auto& one : model) expected += one.word == i ? 1 : 0;
      RC_ASSERT(futexes.count(key(i)) == expected);
    }
  }
  // What is left wakes in the order of the model.
  for (auto& one : model) {
    RC_ASSERT(futexes.wake(key(one.word), 1) == 1U);
    RC_ASSERT(one.sleeper->woken());
  }
}

}  // namespace
}  // namespace fb::libos::posix::sync
