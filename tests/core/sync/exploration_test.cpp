// The queueing locks in all interleavings of two and three threads: one inside, in the order of the doors, none forgotten.
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>

#include "core/sync/mcs_lock.hpp"
#include "core/sync/quaternion_lock.hpp"
#include "core/sync/ticket_lock.hpp"
#include "tests/core/sync/explorer.hpp"

namespace fb::core::sync::test {
namespace {

using Room = WaitingRoom<ModelProcessor>;
using Quaternion = QuaternionLock<ModelProcessor>;
using Ticket = TicketLock<std::uint16_t, ModelProcessor>;
using Mcs = McsLock<ModelProcessor>;

void expect_sound(const Explorer::Outcome& outcome) {
  EXPECT_FALSE(outcome.crowded);
  EXPECT_FALSE(outcome.overtaken);
  EXPECT_FALSE(outcome.stuck);
  EXPECT_GT(outcome.states, 10U);
  std::printf("%zu states\n", outcome.states);
}

/// Takes the lock and gives it back.
template <class Lock>
Explorer::Program turn(Explorer& explorer, Lock& lock) {
  return [&explorer, &lock](unsigned thread) {
    explorer.at_the_door();
    lock.lock();
    explorer.enter(thread);
    explorer.leave();
    lock.unlock();
  };
}

template <class Lock>
Explorer::Outcome explored(unsigned threads, unsigned count) {
  Explorer explorer;
  if constexpr (std::is_same_v<Lock, Quaternion>) {
    Room room;
    Quaternion lock(room, HurwitzUnit(5));
    return explorer.explore(threads, count, turn(explorer, lock));
  } else {
    Lock lock;
    return explorer.explore(threads, count, turn(explorer, lock));
  }
}

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr unsigned kTurnsOfThree = 1;  // the release preset takes two, which are 600,000 states
#else
constexpr unsigned kTurnsOfThree = 2;
#endif

TEST(QuaternionLockExplored, two_threads_three_turns_each_C5_03) { expect_sound(explored<Quaternion>(2, 3)); }
TEST(QuaternionLockExplored, three_threads_C5_03) { expect_sound(explored<Quaternion>(3, kTurnsOfThree)); }
TEST(TicketLockExplored, two_threads_three_turns_each) { expect_sound(explored<Ticket>(2, 3)); }
TEST(TicketLockExplored, three_threads_two_turns_each) { expect_sound(explored<Ticket>(3, 2)); }

Explorer::Outcome explored_mcs(unsigned threads, unsigned count) {
  Explorer explorer;
  Mcs lock;
  std::deque<Mcs::Node> nodes;
  for (unsigned i = 0; i != threads; ++i) nodes.emplace_back();
  return explorer.explore(threads, count, [&](unsigned thread) {
    explorer.at_the_door();
    lock.lock(nodes[thread]);
    explorer.enter(thread);
    explorer.leave();
    lock.unlock(nodes[thread]);
  });
}
TEST(McsLockExplored, two_threads_two_turns_each) { expect_sound(explored_mcs(2, 2)); }
TEST(McsLockExplored, three_threads) { expect_sound(explored_mcs(3, kTurnsOfThree)); }

// The last position: the head's carry must not reach the tail, and people wait across it.
TEST(QuaternionLockExplored, three_threads_while_the_positions_wrap_C5_03) {
  Explorer explorer;
  Room room;
  Quaternion lock(room);
  Explorer::Cell& word = *reinterpret_cast<Explorer::Cell*>(&lock);  // its first member
  word = 0xffff'fffe'ffff'fffeU;
  expect_sound(explorer.explore(3, 1, turn(explorer, lock)));
}

// As when a lock with the same turn calls somebody: who waits there is woken needlessly, and not forgotten.
TEST(QuaternionLockExplored, a_call_that_was_for_the_waiter_of_another_lock_C5_03) {
  Explorer explorer;
  Room room;
  Quaternion lock(room);
  const auto program = turn(explorer, lock);
  expect_sound(explorer.explore(4, 1, [&](unsigned thread) {
    if (thread == 3) {
      room.cell(HurwitzUnit(2)).fetch_add(1, std::memory_order_release);
    } else {
      program(thread);
    }
  }));
}

template <class Lock>
Explorer::Outcome trying() {
  Explorer explorer;
  std::deque<Room> rooms;
  std::deque<Lock> locks;
  if constexpr (std::is_same_v<Lock, Quaternion>) {
    locks.emplace_back(rooms.emplace_back());
  } else {
    locks.emplace_back();
  }
  Lock& lock = locks.front();
  return explorer.explore(3, 1, [&](unsigned thread) {
    explorer.at_the_door();
    if (thread == 0) {
      if (!lock.try_lock()) return;
    } else {
      lock.lock();
    }
    explorer.enter(thread);
    explorer.leave();
    lock.unlock();
  });
}
TEST(QuaternionLockExplored, one_who_tries_waits_for_nobody_and_is_alone_C5_03) {
  const auto outcome = trying<Quaternion>();
  EXPECT_FALSE(outcome.crowded);
  EXPECT_FALSE(outcome.stuck);
}
TEST(TicketLockExplored, one_who_tries_waits_for_nobody_and_is_alone) {
  const auto outcome = trying<Ticket>();
  EXPECT_FALSE(outcome.crowded);
  EXPECT_FALSE(outcome.stuck);
}

// The explorer finds what it looks for.

/// Looks, and then takes.
struct HastyLock {
  void lock() {
    ModelProcessor::await(held, std::memory_order_acquire, 1, [](bool now) { return !now; });
    held.store(true, std::memory_order_relaxed);
  }
  void unlock() { held.store(false, std::memory_order_release); }
  ModelProcessor::Atomic<bool> held{false};
};
TEST(Explorer, finds_two_inside_at_once) { EXPECT_TRUE(explored<HastyLock>(2, 1).crowded); }

/// Whoever is quick gets it.
struct GreedyLock {
  void lock() {
    door.fetch_add(1, std::memory_order_relaxed);
    while (held.exchange(true, std::memory_order_acquire))
      ModelProcessor::await(held, std::memory_order_relaxed, 1, [](bool now) { return !now; });
  }
  void unlock() { held.store(false, std::memory_order_release); }
  ModelProcessor::Atomic<bool> held{false};
  ModelProcessor::Atomic<unsigned> door{0};
};
TEST(Explorer, finds_somebody_overtaken) {
  const auto outcome = explored<GreedyLock>(2, 1);
  EXPECT_TRUE(outcome.overtaken);
  EXPECT_FALSE(outcome.crowded);
  EXPECT_FALSE(outcome.stuck);
}

/// Looks at the lock before it looks at what will wake it: the order that QuaternionLock::wait_for must not have.
struct ForgetfulLock {
  void lock() {
    const auto mine = next.fetch_add(1, std::memory_order_relaxed);
    while (head.load(std::memory_order_acquire) != mine) {
      const auto seen = calls.load(std::memory_order_acquire);
      ModelProcessor::await(calls, std::memory_order_acquire, 1, [=](unsigned now) { return now != seen; });
    }
  }
  void unlock() {
    head.fetch_add(1, std::memory_order_release);
    calls.fetch_add(1, std::memory_order_release);
  }
  ModelProcessor::Atomic<unsigned> next{0}, head{0}, calls{0};
};
TEST(Explorer, finds_a_wake_up_that_is_lost) {
  const auto outcome = explored<ForgetfulLock>(2, 1);
  EXPECT_TRUE(outcome.stuck);
  EXPECT_FALSE(outcome.crowded);
}

}  // namespace
}  // namespace fb::core::sync::test
