// Laws of scheduling on a machine of counted ticks: shares, order, places and delays, as sched(7) says (C4.03, E1.04).
#include "libos/rt/sched/turns.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "core/list/owner_of.hpp"

namespace fb::libos::rt::sched {
namespace {

using core::Ticks;

constexpr std::uint64_t kMs = 1000;  // ticks of a millisecond here

Terms fair(int nice = 0, std::uint64_t cpus = ~std::uint64_t{0}) {
  return {.policy = Policy::Fair, .nice = static_cast<std::int8_t>(nice), .cpus = cpus};
}
Terms of(Policy policy, std::uint8_t priority = 0, std::uint64_t cpus = ~std::uint64_t{0}) {
  return {.policy = policy, .priority = priority, .cpus = cpus};
}

/// Processors whose programs compute, and stop when their turn is over or they are called.
struct World {
  struct Task {
    Runnable run;
    std::uint64_t served = 0;
    std::set<Cpu> seen;
  };

  explicit World(Cpu count) : cpus(count), running(count), ends(count) {
    for (Cpu cpu = 0; cpu != count; ++cpu) {
      turns.open(cpu);
      turns.sleeps(cpu, true);
    }
  }
  Task& make(const Terms& terms) {
    tasks.push_back(std::make_unique<Task>());
    turns.set(tasks.back()->run, terms, Ticks(now));
    return *tasks.back();
  }
  Task& start(const Terms& terms) {
    Task& task = make(terms);
    turns.add(task.run, Ticks(now));
    return task;
  }
  static Task& task_of(Runnable& run) { return core::list::owner_of(run, &Task::run); }

  /// As a carrier that stopped its program to look around.
  void look(Cpu cpu) {
    if (running[cpu] != nullptr && !turns.goes_on(cpu, Ticks(now))) {
      turns.put_back(cpu, Ticks(now), false);
      running[cpu] = nullptr;
    }
    if (running[cpu] == nullptr) choose(cpu);
    // A program whose turn begins with nobody else ready is not stopped for its end.
    if (turns.any_ready()) turns.settle(cpu, Ticks(now));
    ends[cpu] = turns.any_ready() ? now + kMs : ~std::uint64_t{0};
    while (const auto other = turns.whom_to_call(cpu, Ticks(now))) called.insert(*other);
  }
  void choose(Cpu cpu) {
    Runnable* const run = turns.pick(cpu, Ticks(now));
    running[cpu] = run == nullptr ? nullptr : &task_of(*run);
    if (run != nullptr) running[cpu]->seen.insert(cpu);
    turns.sleeps(cpu, run == nullptr);
  }
  void leave(Cpu cpu, bool yields) {
    yields ? turns.put_back(cpu, Ticks(now), true) : turns.stop(cpu, Ticks(now));
    running[cpu] = nullptr;
    look(cpu);
  }
  void wake(Task& task) {
    turns.add(task.run, Ticks(now));
    // As what runs on the first processor did it, in a call.
    const bool quiet = running[0] != nullptr && turns.settled(0, Ticks(now));
    quiet ? void(ends[0] = std::min(ends[0], now + kMs)) : look(0);
    call();
  }
  void call() {
    while (const auto cpu = turns.whom_to_call(Turns::kAlone, Ticks(now))) called.insert(*cpu);
    while (!called.empty()) {
      const Cpu cpu = *called.begin();
      called.erase(called.begin());
      look(cpu);
    }
  }
  /// A tenth of a turn.
  void step() {
    now += kMs / 10;
    for (Cpu cpu = 0; cpu != cpus; ++cpu) {
      if (running[cpu] != nullptr) running[cpu]->served += kMs / 10;
      if (running[cpu] == nullptr || now >= ends[cpu]) look(cpu);
    }
    call();
  }
  void run(std::uint64_t milliseconds) {
    for (std::uint64_t i = 0; i != milliseconds * 10; ++i) step();
  }

  Turns turns{Ticks(kMs)};
  Cpu cpus;
  std::uint64_t now = 1;
  std::vector<Task*> running;
  std::vector<std::uint64_t> ends;
  std::vector<std::unique_ptr<Task>> tasks;
  std::set<Cpu> called;
};

TEST(Weights, are_a_quarter_apart_and_1024_at_0) {
  EXPECT_EQ(fair().weight(), 1024u);
  EXPECT_EQ(fair(19).weight(), 15u);
  EXPECT_EQ(fair(5).weight(), 336u);
  EXPECT_NEAR(fair(-20).weight(), 88761, 100);
  EXPECT_EQ(of(Policy::Idle).weight(), 3u);
}

RC_GTEST_PROP(Turns, shares_follow_weights_E1_04, ()) {
  World world(1);
  const auto nices = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-5, 11));
  RC_PRE(nices.size() >= 2 && nices.size() <= 8);
  double sum = 0;
  for (const int nice : nices) sum += world.start(fair(nice)).run.weight;
  constexpr std::uint64_t kTime = 20'000;
  world.run(kTime);
  double all = 0;
  for (const auto& task : world.tasks) {
    const double due = kTime * kMs * (task->run.weight / sum);
    all += static_cast<double>(task->served);
    RC_ASSERT(std::abs(static_cast<double>(task->served) - due) < 0.02 * kTime * kMs);
  }
  RC_ASSERT(all >= (kTime - 1) * kMs);  // no processor idles while somebody is ready
}

TEST(Turns, what_may_run_anywhere_is_shared_fairly_by_all_processors) {
  World world(2);
  for (int i = 0; i != 3; ++i) world.start(fair());
  world.run(6000);
  for (const auto& task : world.tasks) EXPECT_NEAR(static_cast<double>(task->served), 4000 * kMs, 100 * kMs);
}

TEST(Turns, the_nicest_is_not_starved_and_gets_little) {
  World world(1);
  auto& nice = world.start(fair(19));
  auto& idle = world.start(of(Policy::Idle));
  for (int i = 0; i != 3; ++i) world.start(fair());
  world.run(20'000);
  EXPECT_GT(nice.served, 40 * kMs);
  EXPECT_LT(nice.served, 300 * kMs);
  EXPECT_GT(idle.served, 5 * kMs);
  EXPECT_LT(idle.served, nice.served);
}

TEST(Turns, new_ones_without_end_starve_nobody) {
  World world(1);
  auto& nice = world.start(fair(19));
  for (int i = 0; i != 20'000; ++i) {
    auto& child = world.start(fair());
    world.call();
    for (int n = 0; n != 5; ++n) world.step();
    if (world.running[0] == &child) world.leave(0, false);
    // Those that did not run yet are not let grow without end here.
    if (world.tasks.size() > 400) break;
  }
  world.run(2000);
  EXPECT_GT(nice.served, 0u);
}

RC_GTEST_PROP(Turns, a_sleeper_runs_soon_however_many_are_busy, ()) {
  const auto count = *rc::gen::inRange<Cpu>(1, 5);
  World world(count);
  const auto busy = *rc::gen::inRange(1, 600);
  for (int i = 0; i != busy; ++i) world.start(fair());
  auto& sleeper = world.start(fair());
  while (sleeper.run.state != Runnable::State::Running) world.step();
  world.leave(sleeper.run.cpu, false);
  for (int i = 0; i != 5; ++i) {
    world.run(*rc::gen::inRange<std::uint64_t>(10, 50));
    world.wake(sleeper);
    for (int steps = 0; sleeper.run.state != Runnable::State::Running; ++steps) {
      RC_ASSERT(steps < 20);  // two turns
      world.step();
    }
    world.leave(sleeper.run.cpu, false);
  }
}

TEST(Turns, who_sleeps_now_and_then_gets_no_more_than_its_share) {
  World world(1);
  auto& busy = world.start(fair());
  auto& blinker = world.start(fair());
  world.call();
  for (int i = 0; i != 50'000; ++i) {
    world.step();
    if (world.running[0] == &blinker && i % 7 == 0) {
      world.leave(0, false);
      world.wake(blinker);
    }
  }
  EXPECT_GT(busy.served, blinker.served * 8 / 10);
}

TEST(Turns, a_gap_does_not_make_a_light_ones_debt_due) {
  World world(1);
  auto& light = world.start(fair(19));
  auto& main = world.start(fair());
  world.call();
  for (int round = 0; round != 1000; ++round) {
    for (int i = 0; i != 50; ++i) world.step();
    if (world.running[0] != &main) continue;
    world.leave(0, false);
    world.step();  // a tenth of a millisecond of nothing to do
    world.wake(main);
  }
  EXPECT_LT(light.served, main.served / 10);
}

TEST(Turns, one_of_batch_does_not_interrupt_and_idle_ones_are_interrupted) {
  World world(1);
  world.start(fair());
  world.step();
  auto& batch = world.make(of(Policy::Batch));
  world.wake(batch);
  EXPECT_EQ(batch.run.state, Runnable::State::Ready);
  World other(1);
  auto& idle = other.start(of(Policy::Idle));
  other.step();
  ASSERT_EQ(other.running[0], &idle);
  auto& normal = other.make(fair(19));
  other.wake(normal);
  EXPECT_EQ(other.running[0], &normal);
}

TEST(Turns, fifo_runs_in_order_until_it_waits) {
  World world(1);
  auto& a = world.start(of(Policy::Fifo, 5));
  auto& b = world.start(of(Policy::Fifo, 5));
  world.start(fair());
  world.run(500);
  EXPECT_EQ(world.running[0], &a);
  EXPECT_EQ(b.served, 0u);
  auto& higher = world.make(of(Policy::Fifo, 6));
  world.wake(higher);
  EXPECT_EQ(world.running[0], &higher);  // at once
  world.leave(0, false);
  EXPECT_EQ(world.running[0], &a);  // the first of its priority still
  world.leave(0, true);
  EXPECT_EQ(world.running[0], &b);
  world.leave(0, false);
  EXPECT_EQ(world.running[0], &a);
}

TEST(Turns, round_robin_ones_take_turns_of_a_tenth_of_a_second) {
  World world(1);
  std::vector<World::Task*> all;
  for (int i = 0; i != 3; ++i) all.push_back(&world.start(of(Policy::RoundRobin, 9)));
  world.call();
  for (int i = 0; i != 6; ++i) {
    EXPECT_EQ(world.running[0], all[static_cast<std::size_t>(i % 3)]);
    world.run(100);
  }
}

TEST(Turns, a_change_of_priority_moves_to_the_end_or_the_front) {
  World world(1);
  world.start(of(Policy::Fifo, 50));
  world.call();
  auto& a = world.start(of(Policy::Fifo, 10));
  auto& b = world.start(of(Policy::Fifo, 20));
  auto& c = world.start(of(Policy::Fifo, 30));
  world.turns.set(a.run, of(Policy::Fifo, 20), Ticks(world.now));  // raised: behind b
  world.turns.set(c.run, of(Policy::Fifo, 20), Ticks(world.now));  // lowered: before b
  for (auto* const next : {&c, &b, &a}) {
    world.leave(0, false);
    EXPECT_EQ(world.running[0], next);
  }
}

TEST(Turns, real_time_leaves_a_twentieth_to_fair_ones) {
  World world(1);
  world.start(of(Policy::Fifo, 99));
  auto& normal = world.start(fair());
  world.run(10'000);
  EXPECT_GT(normal.served, 300 * kMs);
  EXPECT_LT(normal.served, 700 * kMs);
}

TEST(Turns, the_system_waits_for_nobody) {
  World world(1);
  world.start(of(Policy::Fifo, 99));
  world.run(10);
  auto& system = world.make({});
  world.wake(system);
  EXPECT_EQ(world.running[0], &system);
}

TEST(Turns, one_that_yields_lets_all_equals_run_first) {
  World world(1);
  for (int i = 0; i != 5; ++i) world.start(fair());
  world.call();
  std::set<World::Task*> seen;
  for (int i = 0; i != 5; ++i) {
    seen.insert(world.running[0]);
    world.leave(0, true);
  }
  EXPECT_EQ(seen.size(), 5u);
}

RC_GTEST_PROP(Turns, nobody_runs_outside_its_mask_and_none_is_forgotten, ()) {
  const auto count = *rc::gen::inRange<Cpu>(1, 5);
  const std::uint64_t all = (1u << count) - 1;
  World world(count);
  const auto terms = [&] {
    const auto cpus = *rc::gen::inRange<std::uint64_t>(1, all + 1);
    const auto priority = static_cast<std::uint8_t>(*rc::gen::inRange(1, 4));
    switch (*rc::gen::weightedElement<int>({{6, 0}, {1, 1}, {1, 2}, {1, 3}})) {
      case 1:
        return of(Policy::Fifo, priority, cpus);
      case 2:
        return of(Policy::RoundRobin, priority, cpus);
      case 3:
        return of(Policy::Idle, 0, cpus);
      default:
        return fair(*rc::gen::inRange(-20, 20), cpus);
    }
  };
  for (int i = 0; i != 6; ++i) world.start(terms());
  const auto steps = *rc::gen::inRange(10, 200);
  for (int i = 0; i != steps; ++i) {
    auto& task = *world.tasks[*rc::gen::inRange<std::size_t>(0, world.tasks.size())];
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        if (world.turns.set(task.run, terms(), Ticks(world.now))) world.look(task.run.cpu);
        break;
      case 1:
        if (task.run.state == Runnable::State::Running)
          world.leave(task.run.cpu, *rc::gen::arbitrary<bool>());
        break;
      case 2:
        if (task.run.state == Runnable::State::Waiting) world.wake(task);
        break;
      default:
        world.run(*rc::gen::inRange<std::uint64_t>(1, 5));
    }
    world.call();
    for (Cpu cpu = 0; cpu != count; ++cpu) {
      const auto* const task_there = world.running[cpu];
      if (task_there == nullptr) continue;
      RC_ASSERT((task_there->run.terms.cpus >> cpu & 1) == 1u);
      RC_ASSERT(task_there->run.state == Runnable::State::Running);
      RC_ASSERT(task_there->run.cpu == cpu);
    }
  }
  // A processor idles only when nobody is ready that may run there.
  world.step();
  for (Cpu cpu = 0; cpu != count; ++cpu) {
    for (const auto& task : world.tasks) {
      if (world.running[cpu] == nullptr && task->run.state == Runnable::State::Ready)
        RC_ASSERT((task->run.terms.cpus >> cpu & 1) == 0u);
    }
  }
  // When the others have gone, each one that is left gets its time.
  for (const auto& task : world.tasks) {
    if (task->run.rank != 0 && task->run.state == Runnable::State::Running) world.leave(task->run.cpu, false);
  }
}

TEST(Turns, weights_count_among_those_of_one_processor_whatever_others_do) {
  World world(2);
  auto& heavy = world.start(fair(0, 1));
  auto& light = world.start(fair(15, 1));
  world.start(fair(19, 2));
  world.run(20'000);
  EXPECT_GT(heavy.served, 15 * light.served);
  EXPECT_GT(light.served, 200 * kMs);
}

TEST(Turns, a_restricted_one_has_its_share_among_those_that_run_anywhere) {
  World world(2);
  auto& pinned = world.start(fair(0, 1));
  for (int i = 0; i != 3; ++i) world.start(fair());
  world.run(10'000);
  EXPECT_GT(pinned.served, 3000 * kMs);
  for (const auto& task : world.tasks) EXPECT_GT(task->served, 3000 * kMs);
  EXPECT_EQ(pinned.seen, std::set<Cpu>{0});
}

TEST(Turns, one_that_may_run_on_two_is_taken_by_the_one_that_idles) {
  World world(3);
  for (int i = 0; i != 4; ++i) world.start(fair(0, 3));
  world.run(1000);
  double sum = 0;
  for (const auto& task : world.tasks) sum += static_cast<double>(task->served);
  EXPECT_NEAR(sum, 2000 * kMs, 20 * kMs);
  EXPECT_EQ(world.running[2], nullptr);
}

TEST(Turns, what_runs_where_it_may_not_any_more_goes_on_elsewhere) {
  World world(2);
  auto& task = world.start(fair());
  world.call();
  ASSERT_TRUE(world.turns.set(task.run, fair(0, bool(task.run.cpu) ? 1 : 2), Ticks(world.now)));
  const Cpu before = task.run.cpu;
  world.look(before);
  world.call();
  EXPECT_EQ(task.run.state, Runnable::State::Running);
  EXPECT_NE(task.run.cpu, before);
}

TEST(Turns, a_new_weight_takes_the_debt_along_by_what_it_weighs) {
  World world(1);
  auto& one = world.start(fair(19));
  auto& other = world.start(fair());
  world.run(15);
  ASSERT_GT(one.served, 0u);
  const auto before = one.served;
  world.turns.set(one.run, fair(0), Ticks(world.now));
  world.run(20);
  EXPECT_GT(one.served - before, 7 * kMs);  // not after 68 of the other's
  EXPECT_GT(other.served, 0u);
}

RC_GTEST_PROP(Heap, gives_back_in_order_what_was_put_in_or_taken_out, ()) {
  std::vector<std::unique_ptr<Runnable>> items;
  std::set<std::pair<std::uint64_t, Runnable*>> model;
  Heap heap;
  const auto actions = *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  for (const auto action : actions) {
    if (action % 3 != 0 || model.empty()) {
      items.push_back(std::make_unique<Runnable>());
      items.back()->virtual_time = action;
      items.back()->order = static_cast<std::int64_t>(items.size());
      model.insert({std::uint64_t{action} << 32 | items.size(), items.back().get()});
      heap.push(*items.back());
    } else {
      auto at = model.begin();
      std::advance(at, action / 3 % model.size());
      heap.remove(*at->second);
      model.erase(at);
    }
    RC_ASSERT(heap.top() == (model.empty() ? nullptr : model.begin()->second));
    std::size_t count = 0;
    for (auto* item = heap.top(); item != nullptr; item = Heap::after(item)) ++count;
    RC_ASSERT(count == model.size());
  }
  while (!model.empty()) {
    RC_ASSERT(heap.top() == model.begin()->second);
    heap.remove(*heap.top());
    model.erase(model.begin());
  }
  RC_ASSERT(heap.top() == nullptr);
}

}  // namespace
}  // namespace fb::libos::rt::sched
