// The plain spinning lock: mutual exclusion, and what one holder wrote the next one sees.
#include "core/spin.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fb::core {
namespace {

static_assert(Lockable<SpinLock>);

TEST(SpinLock, lets_one_thread_in_at_a_time) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 2000;
  SpinLock lock;
  long count = 0;  // plain: a data race if the lock is none
  int inside = 0;
  bool crowded = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const Guard guard(lock);
        crowded = crowded || ++inside != 1;
        ++count;
        --inside;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(count, long{kThreads} * kRounds);
  EXPECT_FALSE(crowded);
}

struct CountingLock {
  void lock() { ++held; }
  void unlock() { --held; }
  int held = 0;
};

TEST(Guard, holds_for_its_scope) {
  CountingLock lock;
  {
    const Guard guard(lock);
    EXPECT_EQ(lock.held, 1);
  }
  EXPECT_EQ(lock.held, 0);
}

}  // namespace
}  // namespace fb::core
