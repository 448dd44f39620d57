// The locks under real threads: one at a time, what one holder wrote the next one sees, everybody gets through; and what it
// took and how fair it was, as a report.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "bench/kernel/fairness.hpp"
#include "core/spin.hpp"
#include "core/sync/mcs_lock.hpp"
#include "core/sync/quaternion_lock.hpp"
#include "core/sync/ticket_lock.hpp"

namespace fb::core::sync {
namespace {

/// Spins a little, then lets others have the processor: a host has fewer of them than there are threads, and one that is
/// not running may be the next in line.
struct PatientProcessor : Processor {
  template <class T, class Ready>
  static T await(const Atomic<T>& cell, std::memory_order order, unsigned pauses, Ready ready) {
    for (unsigned looks = 1;; ++looks) {
      const T value = cell.load(order);
      if (ready(value)) return value;
      for (unsigned i = 0; i != pauses; ++i) pause();
      if (looks % 64 == 0) std::this_thread::yield();
    }
  }
};

using Room = WaitingRoom<PatientProcessor>;
struct Quaternion : QuaternionLock<PatientProcessor> {
  explicit Quaternion(Room& room) : QuaternionLock(room, HurwitzUnit(17)) {}
};
struct Ticket : TicketLock<std::uint32_t, PatientProcessor> {
  explicit Ticket(Room&) {}
};
struct Mcs {
  explicit Mcs(Room&) {}
  McsLock<PatientProcessor> lock;
};
struct TestAndSet : SpinLock {
  explicit TestAndSet(Room&) {}
};

template <class Lock, class Body>
void with(Lock& lock, Body body) {
  if constexpr (std::is_same_v<Lock, Mcs>) {
    McsLock<PatientProcessor>::Node node;
    lock.lock.lock(node);
    body();
    lock.lock.unlock(node);
  } else {
    const Guard guard(lock);
    body();
  }
}

template <class Lock>
class LockTest : public ::testing::Test {
 protected:
  Room room_;
  Lock lock_{room_};
};
struct Names {
  template <class Lock>
  static std::string GetName(int) {
    if (std::is_same_v<Lock, Quaternion>) return "Quaternion";
    if (std::is_same_v<Lock, Ticket>) return "Ticket";
    return std::is_same_v<Lock, Mcs> ? "Mcs" : "TestAndSet";
  }
};
using Locks = ::testing::Types<Quaternion, Ticket, Mcs, TestAndSet>;
TYPED_TEST_SUITE(LockTest, Locks, Names);

TYPED_TEST(LockTest, one_is_inside_at_a_time_and_all_get_through_C5_03) {
  constexpr unsigned kThreads = 5;
  constexpr unsigned kTurns = 1500;
  long count = 0;  // plain: a data race if the lock is none
  int inside = 0;
  bool crowded = false;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i != kThreads; ++i) {
    threads.emplace_back([&] {
      for (unsigned turn = 0; turn != kTurns; ++turn) {
        with(this->lock_, [&] {
          crowded = crowded || ++inside != 1;
          ++count;
          --inside;
        });
      }
    });
  }
  threads.clear();
  EXPECT_EQ(count, long{kThreads} * kTurns);
  EXPECT_FALSE(crowded);
}

// Figures of this host, which has perhaps fewer processors than there are threads: told, not judged.
TYPED_TEST(LockTest, what_a_turn_takes_and_how_fair_it_is) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kMost = 1'000'000;
  constexpr auto kEnough = std::chrono::milliseconds(60);  // more than a host's time slice
  for (const unsigned holders : {1U, 2U, 4U}) {
    std::vector<std::uint8_t> order;
    order.reserve(kMost);
    std::atomic<unsigned> ready{0};
    Clock::time_point began;
    std::vector<std::jthread> threads;
    for (unsigned me = 0; me != holders; ++me) {
      threads.emplace_back([&, me] {
        if (me == 0) began = Clock::now();
        ++ready;
        while (ready != holders) std::this_thread::yield();
        bool more = true;
        while (more) {
          with(this->lock_, [&] {
            more = order.size() != kMost && (order.size() % 64 != 0 || Clock::now() - began < kEnough);
            if (order.size() != kMost) order.push_back(static_cast<std::uint8_t>(me));
          });
        }
      });
    }
    threads.clear();
    const double took = std::chrono::duration<double, std::nano>(Clock::now() - began).count();
    const auto found = bench::fairness(order, holders);
    std::printf("%u threads: %.1f ns a turn, Jain's index %.3f (worst %.3f), longest wait %ju turns\n",
                holders, took / double(order.size()), double(found.median) / 1000, double(found.worst) / 1000,
                std::uintmax_t{found.longest});
    EXPECT_GE(order.size(), holders);
  }
}

// Many locks, one waiting room: their waiters meet in places and wake each other needlessly, and nobody is left waiting.
TEST(WaitingRoom, serves_many_locks_C5_03) {
  constexpr unsigned kLocks = 30;
  constexpr unsigned kThreads = 4;
  Room room;
  std::vector<std::unique_ptr<QuaternionLock<PatientProcessor>>> locks;
  std::vector<long> counts(kLocks);
  for (unsigned i = 0; i != kLocks; ++i)
    locks.push_back(std::make_unique<QuaternionLock<PatientProcessor>>(room, HurwitzUnit(i)));
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i != kThreads; ++i) {
    threads.emplace_back([&] {
      for (unsigned turn = 0; turn != 100 * kLocks; ++turn) {
        const Guard guard(*locks[turn / 50 % kLocks]);
        ++counts[turn / 50 % kLocks];
      }
    });
  }
  threads.clear();
  for (const long each : counts) EXPECT_EQ(each, 100 * kThreads);
}

TEST(QuaternionLock, trying_takes_a_free_lock_only_C5_03) {
  Room room;
  QuaternionLock<PatientProcessor> lock(room);
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(TicketLock, trying_takes_a_free_lock_only) {
  TicketLock<std::uint16_t> lock;
  for (unsigned i = 0; i != 70'000; ++i) {  // past the end of the tickets
    ASSERT_TRUE(lock.try_lock());
    ASSERT_FALSE(lock.try_lock());
    lock.unlock();
  }
}

}  // namespace
}  // namespace fb::core::sync
