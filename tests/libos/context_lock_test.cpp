#include "libos/rt/context_lock.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace fb::libos::rt {
namespace {

std::atomic<unsigned> yields{0};
void count_and_yield() {
  ++yields;
  std::this_thread::yield();
}

TEST(ContextLock, excludes_and_hands_over) {
  ContextLock<&count_and_yield> lock;
  std::uint64_t shared = 0;
  std::array<exo_area, 4> areas{};  // a waiter may look at one after its thread is done
  std::vector<std::thread> threads;
  for (auto& area : areas) {
    area.running = 1;
    threads.emplace_back([&] {
      for (int turn = 0; turn != 5'000; ++turn) {
        lock.lock(&area);
        shared = shared + 1;
        lock.unlock();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared, 20'000u);
}

TEST(ContextLock, waiter_of_a_stopped_holder_yields_at_once_DESIGN_6) {
  ContextLock<&count_and_yield> lock;
  exo_area holder{};
  holder.running = 0;
  lock.lock(&holder);
  yields = 0;
  std::thread waiter([&] {
    lock.lock(nullptr);
    lock.unlock();
  });
  while (yields == 0) std::this_thread::yield();
  lock.unlock();
  waiter.join();
  EXPECT_GT(yields, 0u);
}

}  // namespace
}  // namespace fb::libos::rt
