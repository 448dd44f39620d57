#include "libos/rt/fibre.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "libos/rt/event_loop.hpp"

namespace fb::libos::rt {
namespace {

using abi::EventBits;
using core::Error;
using core::Nanoseconds;

/// A clock that moves only while everyone waits, and an event whose signals are planned.
struct TestMachine {
  struct Seat {};  // one context
  void lock(Seat&) {}
  void lock() {}
  void settle() {}
  void unlock() {}
  void kick(Seat&) {}
  void sleep(Seat&, Nanoseconds) {}

  std::uint64_t clock{};
  std::uint64_t pending{};
  std::multiset<std::pair<std::uint64_t, std::uint64_t>> plan;  // when, bits
  std::set<std::byte*> stacks;
  std::size_t limit{100};
  unsigned waits{};

  Nanoseconds now() const { return Nanoseconds(clock); }
  core::Ticks ticks() const { return core::Ticks(clock); }
  core::Ticks millisecond() const { return core::Ticks(1'000'000); }
  Nanoseconds time_at(core::Ticks ticks) const { return Nanoseconds(ticks.raw()); }
  EventBits wait(EventBits mask, Nanoseconds deadline) {
    ++waits;
    for (;;) {
      while (!plan.empty() && plan.begin()->first <= clock) {
        pending |= plan.begin()->second;
        plan.erase(plan.begin());
      }
      if (const std::uint64_t bits = pending & mask.raw()) {
        pending &= ~bits;
        return EventBits(bits);
      }
      if (clock >= deadline.raw()) return EventBits(0);
      const std::uint64_t next =
          plan.empty() ? deadline.raw() : std::min(deadline.raw(), plan.begin()->first);
      if (next == ~std::uint64_t{0}) throw std::runtime_error("everybody waits for ever");
      clock = next;
    }
  }
  core::Result<Stack> allocate_stack() {
    if (stacks.size() == limit) return core::fail(Error::NoMemory);
    constexpr std::size_t kSize = 256 * 1024;
    auto* base = static_cast<std::byte*>(std::aligned_alloc(4096, kSize));
    stacks.insert(base);
    return Stack{base, kSize};
  }
  void free_stack(Stack stack) {
    EXPECT_EQ(stacks.erase(stack.base), 1u);
    std::free(stack.base);
  }
  ~TestMachine() {
    for (std::byte* base : stacks) std::free(base);
  }
};
using Fibres = Scheduler<TestMachine>;

struct World {
  TestMachine machine;
  Fibres fibres{machine};
  std::string log;
};

TEST(Fibre, join_waits_for_the_end_and_frees_the_stack) {
  World world;
  const auto fibre = world.fibres.spawn([](void* w) { static_cast<World*>(w)->log += "ran"; }, &world);
  ASSERT_TRUE(fibre);
  EXPECT_EQ(world.log, "");
  world.fibres.join(**fibre);
  EXPECT_EQ(world.log, "ran");
  EXPECT_TRUE(world.machine.stacks.empty());
}

TEST(Fibre, yield_takes_turns) {
  World world;
  const auto body = [](void* w) {
    auto& self = *static_cast<World*>(w);
    const char name = static_cast<char>('a' + self.log.size());
    for (int i = 0; i != 3; ++i) {
      self.log += name;
      self.fibres.yield();
    }
  };
  const auto a = world.fibres.spawn(body, &world);
  const auto b = world.fibres.spawn(body, &world);
  world.fibres.join(**a);
  world.fibres.join(**b);
  EXPECT_EQ(world.log, "ababab");
}

TEST(Fibre, stack_is_aligned_for_calls) {
  World world;
  const auto fibre = world.fibres.spawn(
      [](void* w) {
        alignas(16) volatile char local[16] = {};
        const auto* frame = static_cast<const char*>(__builtin_frame_address(0));
        // The ABI: the frame pointer of an aligned call is 16-byte aligned.
        static_cast<World*>(w)->log = reinterpret_cast<std::uintptr_t>(frame) % 16 == 0 ? "aligned" : "not";
        local[0] = 1;
      },
      &world);
  world.fibres.join(**fibre);
  EXPECT_EQ(world.log, "aligned");
}

TEST(Fibre, no_stack_is_an_error_and_nothing_runs) {
  World world;
  world.machine.limit = 0;
  EXPECT_EQ(world.fibres.spawn([](void*) { FAIL(); }, nullptr).error(), Error::NoMemory);
  world.fibres.yield();
}

TEST(Fibre, sleepers_wake_in_the_order_of_their_deadlines) {
  World world;
  struct Sleeper {
    World* world;
    std::uint64_t until;
  };
  Sleeper sleepers[] = {{&world, 300}, {&world, 100}, {&world, 200}};
  std::vector<Fibre*> all;
  for (Sleeper& sleeper : sleepers) {
    all.push_back(*world.fibres.spawn(
        [](void* s) {
          const auto& self = *static_cast<Sleeper*>(s);
          self.world->fibres.sleep_until(Nanoseconds(self.until));
          self.world->log += std::to_string(self.world->machine.clock) + " ";
        },
        &sleeper));
  }
  for (Fibre* fibre : all) world.fibres.join(*fibre);
  EXPECT_EQ(world.log, "100 200 300 ");
}

TEST(Fibre, wait_times_out_at_its_deadline_C2_10) {
  World world;
  world.machine.plan.insert({50, 2});
  EXPECT_EQ(world.fibres.wait(EventBits(1), Nanoseconds(100)).error(), Error::TimedOut);
  EXPECT_EQ(world.machine.clock, 100u);
  // The bit that nobody asked for is still there.
  EXPECT_EQ(*world.fibres.wait(EventBits(2), Nanoseconds(100)), EventBits(2));
}

TEST(Fibre, signal_wakes_the_longest_waiting_once_C2_09) {
  World world;
  struct Waiter {
    World* world;
    std::uint64_t mask;
    std::string* out;
  };
  std::string first, second;
  Waiter waiters[] = {{&world, 3, &first}, {&world, 6, &second}};
  std::vector<Fibre*> all;
  for (Waiter& waiter : waiters) {
    all.push_back(*world.fibres.spawn(
        [](void* w) {
          const auto& self = *static_cast<Waiter*>(w);
          const auto bits = self.world->fibres.wait(EventBits(self.mask), Nanoseconds(1000));
          *self.out = bits ? std::to_string(bits->raw()) : "late";
        },
        &waiter));
  }
  world.machine.plan.insert({10, 3});
  for (Fibre* fibre : all) world.fibres.join(*fibre);
  EXPECT_EQ(first, "3");
  EXPECT_EQ(second, "late");
}

TEST(Fibre, a_block_with_a_deadline_ends_at_the_latest_then) {
  World world;
  EXPECT_FALSE(world.fibres.block(Nanoseconds(500)));
  EXPECT_GE(world.machine.now(), Nanoseconds(500));
  const auto fibre = world.fibres.spawn(
      [](void* w) {
        auto& self = *static_cast<World*>(w);
        self.log += self.fibres.block(Nanoseconds(1'000'000)) ? "woken" : "late";
      },
      &world);
  world.fibres.yield();
  world.fibres.unblock(**fibre);
  world.fibres.join(**fibre);
  EXPECT_EQ(world.log, "woken");
  EXPECT_LT(world.machine.now(), Nanoseconds(1'000'000));
}

TEST(Fibre, unblock_before_block_is_kept) {
  World world;
  world.fibres.unblock(*world.fibres.current());
  world.fibres.block();
  const auto fibre = world.fibres.spawn(
      [](void* w) {
        auto& self = *static_cast<World*>(w);
        self.fibres.block();
        self.log += "on";
      },
      &world);
  world.fibres.yield();
  EXPECT_EQ(world.log, "");
  world.fibres.unblock(**fibre);
  world.fibres.join(**fibre);
  EXPECT_EQ(world.log, "on");
}

TEST(Fibre, detached_frees_itself) {
  World world;
  for (int i = 0; i != 5; ++i) {
    ASSERT_TRUE(world.fibres.spawn([](void* w) { static_cast<World*>(w)->log += "."; }, &world, true));
  }
  world.fibres.yield();
  world.fibres.yield();
  EXPECT_EQ(world.log, ".....");
  EXPECT_TRUE(world.machine.stacks.empty());
}

TEST(Fibre, busy_fibres_do_not_starve_events) {
  World world;
  world.machine.pending = 1;
  const auto waiter = world.fibres.spawn(
      [](void* w) {
        auto& self = *static_cast<World*>(w);
        static_cast<void>(self.fibres.wait(EventBits(1)));
        self.log = "woken";
      },
      &world);
  for (int i = 0; i != 100 && world.log.empty(); ++i) world.fibres.yield();
  EXPECT_EQ(world.log, "woken");
  world.fibres.join(**waiter);
}

TEST(EventLoop, upcall_runs_on_each_signal_with_its_bits_C2_09) {
  World world;
  EventLoop<TestMachine> loop(world.fibres);
  Upcall upcall{
      EventBits(0xc),
      [](void* w, EventBits bits) { static_cast<World*>(w)->log += std::to_string(bits.raw()) + " "; },
      &world};
  ASSERT_TRUE(loop.add(upcall));
  world.machine.plan = {{10, 4}, {20, 8}, {30, 12}, {40, 1}};
  world.fibres.sleep_until(Nanoseconds(100));
  EXPECT_EQ(world.log, "4 8 12 ");
}

RC_GTEST_PROP(Fibre, every_planned_signal_reaches_its_waiter, ()) {
  World world;
  struct Waiter {
    World* world;
    std::uint64_t bit;
    std::size_t expected;
    std::vector<std::uint64_t> times;
  };
  std::vector<Waiter> waiters;
  std::vector<std::vector<std::uint64_t>> planned;
  const auto count = *rc::gen::inRange<std::size_t>(1, 8);
  for (std::size_t i = 0; i != count; ++i) {
    auto times = *rc::gen::container<std::set<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 1000));
    planned.emplace_back(times.begin(), times.end());
    for (const std::uint64_t time : times) world.machine.plan.insert({time, std::uint64_t{1} << i});
    waiters.push_back({&world, i, times.size(), {}});
  }
  std::vector<Fibre*> all;
  for (Waiter& waiter : waiters) {
    all.push_back(*world.fibres.spawn(
        [](void* w) {
          auto& self = *static_cast<Waiter*>(w);
          while (self.times.size() != self.expected) {
            static_cast<void>(self.world->fibres.wait(EventBits(std::uint64_t{1} << self.bit)));
            self.times.push_back(self.world->machine.clock);
          }
        },
        &waiter));
  }
  for (Fibre* fibre : all) world.fibres.join(*fibre);
  for (std::size_t i = 0; i != count; ++i) RC_ASSERT(waiters[i].times == planned[i]);
  RC_ASSERT(world.machine.stacks.empty());
}

}  // namespace
}  // namespace fb::libos::rt
