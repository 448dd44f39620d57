#include "core/time/deadline_queue.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace fb::core::time {

/// Looks at the shape of a queue; a friend of its classes.
struct DeadlineInspector {
  using Fields = std::tuple<const void*, const void*, const void*, std::uint8_t>;

  template <class Queue>
  static const DeadlineLink* root(const Queue& queue) {
    return queue.heap_.root_;
  }
  static Fields fields(const DeadlineLink& link) {
    return {link.parent_, link.left_, link.right_, link.rank_};
  }

  static std::size_t spine(const DeadlineLink* link) {
    std::size_t length = 0;
    for (; link != nullptr; link = link->right_) ++length;
    return length;
  }

  /// Number of links, or nullopt where parents, ranks, leaning or order are wrong. Left paths may be long: no
  /// recursion.
  static std::optional<std::size_t> count(const DeadlineLink* root) {
    if (root == nullptr) return 0;
    if (root->parent_ != nullptr) return std::nullopt;
    std::size_t links = 0;
    std::vector<const DeadlineLink*> left_to_see{root};
    while (!left_to_see.empty()) {
      const DeadlineLink* link = left_to_see.back();
      left_to_see.pop_back();
      ++links;
      const auto rank = [](const DeadlineLink* child) { return child == nullptr ? 0 : child->rank_; };
      if (rank(link->left_) < rank(link->right_) || link->rank_ != rank(link->right_) + 1)
        return std::nullopt;
      for (const DeadlineLink* child : {link->left_, link->right_}) {
        if (child == nullptr) continue;
        const auto key = [](const DeadlineLink* of) { return std::pair(of->deadline_, of->arrival_); };
        if (child->parent_ != link || key(child) <= key(link)) return std::nullopt;
        left_to_see.push_back(child);
      }
    }
    return links;
  }
};

namespace {

struct Timer {
  int before = 0;
  DeadlineLink link;
};
using Queue = DeadlineQueue<Timer, &Timer::link>;
using Inspector = DeadlineInspector;
constexpr Ticks kNever{std::numeric_limits<std::uint64_t>::max()};

std::size_t log2_bound(std::size_t n) { return static_cast<std::size_t>(std::bit_width(n)); }

TEST(DeadlineQueue, an_empty_queue_yields_nothing) {
  Queue queue;
  Timer timer;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.first(), nullptr);
  EXPECT_EQ(queue.pop_expired(kNever), nullptr);
  EXPECT_FALSE(queue.remove(timer));
}

TEST(DeadlineQueue, a_timer_expires_at_its_deadline_and_not_before_C2_22) {
  Queue queue;
  Timer timer;
  queue.insert(timer, Ticks(100));
  EXPECT_EQ(queue.pop_expired(Ticks(99)), nullptr);
  EXPECT_TRUE(timer.link.linked());
  EXPECT_EQ(queue.pop_expired(Ticks(100)), &timer);
  EXPECT_FALSE(timer.link.linked());
  EXPECT_EQ(queue.pop_expired(Ticks(100)), nullptr);
}

TEST(DeadlineQueue, deadlines_zero_and_maximum_are_deadlines_like_others) {
  Queue queue;
  Timer never, at_once;
  queue.insert(never, kNever);
  queue.insert(at_once, Ticks(0));
  EXPECT_EQ(queue.pop_expired(Ticks(0)), &at_once);
  EXPECT_EQ(queue.pop_expired(kNever - Ticks(1)), nullptr);
  EXPECT_EQ(queue.pop_expired(kNever), &never);
}

TEST(DeadlineQueue, inserting_a_queued_timer_re_arms_it_C2_23) {
  Queue queue;
  Timer a, b;
  queue.insert(a, Ticks(10));
  queue.insert(b, Ticks(10));
  queue.insert(a, Ticks(10));  // the same deadline: now behind b
  EXPECT_EQ(Inspector::count(Inspector::root(queue)), 2u);
  EXPECT_EQ(queue.pop_expired(Ticks(10)), &b);
  queue.insert(a, Ticks(20));
  EXPECT_EQ(queue.pop_expired(Ticks(10)), nullptr);
  EXPECT_EQ(queue.first(), &a);
  EXPECT_EQ(a.link.deadline(), Ticks(20));
}

/// Few distinct deadlines, so that equal ones are common; order among them is the model's arrival number.
RC_GTEST_PROP(DeadlineQueue, agrees_with_an_ordered_map_C2_22,
              (const std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>>& commands)) {
  std::vector<Timer> timers(16);
  Queue queue;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Timer*> model;
  std::uint64_t arrivals = 0;
  const auto find = [&](Timer* timer) {
    return std::find_if(model.begin(), model.end(), [&](const auto& entry) { return entry.second == timer; });
  };
  for (const auto& [command, which, when] : commands) {
    Timer& timer = timers[which % timers.size()];
    const std::uint64_t deadline = when % 8;
    const auto queued = find(&timer);
    if (command % 4 < 2) {
      if (queued != model.end()) model.erase(queued);
      model.emplace(std::pair(deadline, arrivals++), &timer);
      queue.insert(timer, Ticks(deadline));
    } else if (command % 4 == 2) {
      RC_ASSERT(queue.remove(timer) == (queued != model.end()));
      if (queued != model.end()) model.erase(queued);
    } else {
      const bool due = !model.empty() && model.begin()->first.first <= deadline;
      RC_ASSERT(queue.pop_expired(Ticks(deadline)) == (due ? model.begin()->second : nullptr));
      if (due) model.erase(model.begin());
    }
    RC_ASSERT(Inspector::count(Inspector::root(queue)) == model.size());
    RC_ASSERT(queue.first() == (model.empty() ? nullptr : model.begin()->second));
    RC_ASSERT(timer.link.linked() == (find(&timer) != model.end()));
  }
}

/// The links that one step writes bound its work: each loop of the heap writes (or ranks) a link per turn.
RC_GTEST_PROP(DeadlineQueue, each_step_touches_logarithmically_many_links, (std::uint64_t seed)) {
  constexpr std::size_t kTimers = 300;
  std::mt19937_64 random(seed);
  std::vector<Timer> timers(kTimers);
  Queue queue;
  const auto shape = [&] {
    std::vector<Inspector::Fields> all;
    for (const Timer& timer : timers) all.push_back(Inspector::fields(timer.link));
    return all;
  };
  const std::uint64_t spread = std::uint64_t{1} << *rc::gen::inRange(0, 40);
  const int order = *rc::gen::inRange(0, 3);
  auto before = shape();
  for (std::size_t step = 0; step < 3 * kTimers; ++step) {
    Timer& timer = timers[step < kTimers ? step : random() % kTimers];
    const std::uint64_t deadline = order == 0 ? step : order == 1 ? 3 * kTimers - step : random() % spread;
    const bool arm = step < kTimers || (!timer.link.linked() && random() % 4 == 0);
    if (arm) {
      queue.insert(timer, Ticks(deadline));
    } else {
      queue.remove(timer);
    }
    auto after = shape();
    std::size_t touched = 0;
    for (std::size_t i = 0; i < kTimers; ++i) touched += before[i] != after[i] ? 1 : 0;
    RC_ASSERT(touched <= 3 * log2_bound(kTimers) + 4);
    before = std::move(after);
  }
}

struct Arrivals {
  const char* name;
  std::uint64_t (*deadline)(std::uint64_t);
  // NOLINTNEXTLINE(readability-identifier-naming): Google Test calls it by this name
  friend void PrintTo(const Arrivals& arrivals, std::ostream* out) { *out << arrivals.name; }
};
class DeadlineQueueHostile : public testing::TestWithParam<Arrivals> {};

TEST_P(DeadlineQueueHostile, a_hundred_thousand_deadlines_keep_the_spine_logarithmic) {
  constexpr std::size_t kTimers = 100'000;
  const auto timers = std::make_unique<std::vector<Timer>>(kTimers);
  Queue queue;
  for (std::size_t i = 0; i < kTimers; ++i) {
    queue.insert((*timers)[i], Ticks(GetParam().deadline(i)));
    ASSERT_LE(Inspector::spine(Inspector::root(queue)), log2_bound(i + 1));
  }
  ASSERT_EQ(Inspector::count(Inspector::root(queue)), kTimers);

  std::vector<std::size_t> victims(kTimers);
  std::iota(victims.begin(), victims.end(), std::size_t{0});
  std::shuffle(victims.begin(), victims.end(), std::mt19937_64(1));
  for (std::size_t i = 0; i < kTimers / 2; ++i) ASSERT_TRUE(queue.remove((*timers)[victims[i]]));
  ASSERT_EQ(Inspector::count(Inspector::root(queue)), kTimers - kTimers / 2);

  std::vector<std::size_t> expected(victims.begin() + kTimers / 2, victims.end());
  std::ranges::sort(expected, {}, [](std::size_t i) { return std::pair(GetParam().deadline(i), i); });
  for (const std::size_t i : expected) {
    ASSERT_EQ(queue.pop_expired(kNever), &(*timers)[i]);
    ASSERT_LE(Inspector::spine(Inspector::root(queue)), log2_bound(kTimers));
  }
  EXPECT_TRUE(queue.empty());
}

INSTANTIATE_TEST_SUITE_P(
    , DeadlineQueueHostile,
    testing::Values(Arrivals("equal", [](std::uint64_t) { return std::uint64_t{7}; }),
                    Arrivals("ascending", [](std::uint64_t i) { return i; }),
                    Arrivals("descending", [](std::uint64_t i) { return ~i; }),
                    Arrivals("zigzag", [](std::uint64_t i) { return i % 2 == 0 ? i : ~i; }),
                    Arrivals("powers", [](std::uint64_t i) { return std::uint64_t{1} << (i % 64); })),
    [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace fb::core::time
