#include "core/sched/slice_vector.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

namespace fb::core::sched {
namespace {

struct Carrier {};
using Vector = SliceVector<Carrier>;

Slot slot(std::uint64_t index) { return *Slot::from(index % Slot::kCount); }

/// A whole slice: chosen, run, used up.
std::optional<Slot> run(Vector& vector) {
  const std::optional<Slot> chosen = vector.next();
  if (chosen) vector.consume(*chosen);
  return chosen;
}

void bind(Vector& vector, Carrier& carrier, SlotMask slots) {
  for (unsigned i = 0; i < Slot::kCount; ++i) {
    if (slots.has(slot(i))) EXPECT_TRUE(vector.assign(slot(i), carrier));
  }
}

TEST(Slot, numbers_from_64_on_are_refused) {
  EXPECT_EQ(Slot::from(63)->index(), 63);
  EXPECT_EQ(Slot::from(64).error(), Error::BadArgument);
  EXPECT_EQ(Slot::from(std::numeric_limits<std::uint64_t>::max()).error(), Error::BadArgument);
}

TEST(SliceVector, without_a_ready_owner_the_cpu_is_idle) {
  Vector vector;
  Carrier carrier;
  EXPECT_EQ(vector.next(), std::nullopt);
  bind(vector, carrier, slot(3));
  EXPECT_EQ(vector.next(), std::nullopt);
  vector.set_ready(SlotMask(slot(4)), true);  // bound to nobody
  EXPECT_EQ(vector.next(), std::nullopt);
}

TEST(SliceVector, an_idle_cpu_dispatches_at_once) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, slot(3));
  for (int i = 0; i < 3; ++i) {
    vector.set_ready(slot(3), true);
    EXPECT_EQ(run(vector), slot(3));
    vector.set_ready(slot(3), false);
    EXPECT_EQ(run(vector), std::nullopt);
  }
}

TEST(SliceVector, a_slot_is_bound_once_until_it_is_cleared) {
  Vector vector;
  Carrier a, b;
  ASSERT_TRUE(vector.assign(slot(63), a));
  EXPECT_EQ(vector.assign(slot(63), b), Result<>(fail(Error::Busy)));
  EXPECT_EQ(vector.owner(slot(63)), &a);
  vector.set_ready(slot(63), true);
  vector.clear(slot(63));
  EXPECT_EQ(vector.owner(slot(63)), nullptr);
  ASSERT_TRUE(vector.assign(slot(63), b));
  EXPECT_EQ(vector.next(), std::nullopt) << "the old owner's readiness is not the new one's";
}

TEST(SliceVector, a_round_goes_up_once_through_all_64_slots) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, SlotMask(~std::uint64_t{0}));
  vector.set_ready(SlotMask(~std::uint64_t{0}), true);
  for (unsigned i = 0; i < 3 * Slot::kCount; ++i) EXPECT_EQ(run(vector), slot(i));
}

TEST(SliceVector, a_waiting_owners_slice_is_kept_and_its_wake_up_preempts) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, SlotMask(0b1111));
  vector.set_ready(SlotMask(0b1110), true);
  EXPECT_EQ(run(vector), slot(1));
  EXPECT_EQ(vector.next(), slot(2));
  EXPECT_FALSE(vector.should_preempt(slot(2)));
  vector.set_ready(slot(0), true);
  EXPECT_TRUE(vector.should_preempt(slot(2)));
  EXPECT_EQ(run(vector), slot(0));
  EXPECT_FALSE(vector.should_preempt(slot(0)));
  EXPECT_EQ(run(vector), slot(2)) << "what was preempted goes on";
  EXPECT_EQ(run(vector), slot(3));
  EXPECT_EQ(run(vector), slot(0)) << "the next round";
}

TEST(SliceVector, a_slot_whose_turn_is_yet_to_come_does_not_preempt) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, SlotMask(0b11));
  vector.set_ready(slot(0), true);
  EXPECT_EQ(vector.next(), slot(0));
  vector.set_ready(slot(1), true);
  EXPECT_FALSE(vector.should_preempt(slot(0)));
}

TEST(SliceVector, credit_is_not_carried_into_another_round) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, SlotMask(0b11));
  vector.set_ready(slot(1), true);
  for (int round = 0; round < 5; ++round) EXPECT_EQ(run(vector), slot(1));
  vector.set_ready(slot(0), true);
  EXPECT_EQ(run(vector), slot(0)) << "its slice of the round that goes on";
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(run(vector), slot(0)) << "one slice a round, and none for the rounds it slept through";
    EXPECT_EQ(run(vector), slot(1));
  }
}

TEST(SliceVector, re_binding_a_slot_earns_no_second_slice) {
  Vector vector;
  Carrier carrier;
  bind(vector, carrier, SlotMask(0b11));
  vector.set_ready(SlotMask(0b11), true);
  EXPECT_EQ(run(vector), slot(0));
  vector.clear(slot(0));
  ASSERT_TRUE(vector.assign(slot(0), carrier));
  vector.set_ready(slot(0), true);
  EXPECT_FALSE(vector.should_preempt(slot(1)));
  EXPECT_EQ(run(vector), slot(1));
}

/// The specification with a position and one record per slot, in the words of the design.
struct Model {
  struct Record {
    bool bound = false, ready = false, credit = false;
  };
  std::array<Record, Slot::kCount> slots{};
  unsigned position = 0;

  bool runs(unsigned i) const { return slots[i].bound && slots[i].ready && slots[i].credit; }
  std::optional<unsigned> next() {
    for (unsigned i = 0; i < position; ++i) {
      if (runs(i)) return i;
    }
    for (int round = 0; round < 2; ++round) {
      for (unsigned i = position; i < Slot::kCount; ++i) {
        if (!runs(i)) continue;
        position = i + 1;
        return i;
      }
      bool anyone = false;
      for (const Record& record : slots) anyone = anyone || (record.bound && record.ready);
      if (!anyone) return std::nullopt;
      for (Record& record : slots) record.credit = record.bound;
      position = 0;
    }
    return std::nullopt;
  }
  bool should_preempt(unsigned current) const {
    for (unsigned i = 0; i < current; ++i) {
      if (runs(i)) return true;
    }
    return false;
  }
};

RC_GTEST_PROP(SliceVector, agrees_with_a_position_and_a_record_per_slot,
              (const std::vector<std::tuple<std::uint8_t, std::uint8_t>>& commands)) {
  Carrier carrier;
  Vector vector;
  Model model;
  const unsigned spread = *rc::gen::element(1u, 9u);  // neighbours, or all over the word
  std::optional<unsigned> running;
  for (const auto& [command, which] : commands) {
    const Slot at = slot(which % 8u * std::uint64_t{spread});
    Model::Record& record = model.slots[at.index()];
    switch (command % 8) {
      case 0:
        RC_ASSERT(vector.assign(at, carrier).has_value() == !record.bound);
        record.bound = true;
        break;
      case 1:
        vector.clear(at);
        record = {};
        break;
      case 2:
      case 3:
        vector.set_ready(at, true);
        record.ready = true;
        break;
      case 4:
        vector.set_ready(at, false);
        record.ready = false;
        break;
      case 5:
        if (running) vector.consume(slot(*running));
        if (running) model.slots[*running].credit = false;
        break;
      default: {
        running = model.next();
        const std::optional<Slot> chosen = vector.next();
        RC_ASSERT(chosen.has_value() == running.has_value());
        if (chosen && running) RC_ASSERT(chosen->index() == *running);
      }
    }
    RC_ASSERT((vector.owner(at) != nullptr) == record.bound);
    RC_ASSERT(vector.should_preempt(at) == model.should_preempt(at.index()));
  }
}

Slot must_choose(Vector& vector) {
  if (const auto chosen = vector.next()) return *chosen;
  throw std::logic_error("no slot is ready");
}

/// Fairness said without rounds: while one slot stays ready, no other has more than one slice between two of
/// its slices and one on either side, however its owner flaps and whenever it preempts.
RC_GTEST_PROP(SliceVector, flapping_owners_take_no_more_than_their_slices,
              (const std::vector<std::tuple<std::uint64_t, bool, bool>>& steps)) {
  Carrier carrier;
  Vector vector;
  bind(vector, carrier, SlotMask(~std::uint64_t{0}));
  const Slot steady = slot(*rc::gen::inRange<std::uint64_t>(0, 64));
  vector.set_ready(steady, true);
  std::array<unsigned, Slot::kCount> slices{};
  for (const auto& [others, ready, preempting] : steps) {
    vector.set_ready(SlotMask(others).without(steady), ready);
    Slot chosen = must_choose(vector);  // the steady one is always ready
    if (preempting) {
      vector.set_ready(SlotMask(~others).without(steady), true);
      if (vector.should_preempt(chosen)) {
        const Slot waking = must_choose(vector);
        RC_ASSERT(waking < chosen);
        chosen = waking;
      }
    }
    vector.consume(chosen);
    ++slices[chosen.index()];
    for (const unsigned count : slices) RC_ASSERT(count <= slices[steady.index()] + 1);
  }
}

/// Everyone who is always ready has exactly one slice per slot and round.
RC_GTEST_PROP(SliceVector, every_ready_slot_has_one_slice_in_each_round,
              (std::uint64_t bound, std::uint64_t ready)) {
  Carrier carrier;
  Vector vector;
  bind(vector, carrier, SlotMask(bound));
  vector.set_ready(SlotMask(ready), true);
  for (int round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < Slot::kCount; ++i) {
      if (SlotMask(bound & ready).has(slot(i))) RC_ASSERT(run(vector) == slot(i));
    }
  }
  RC_ASSERT(vector.next().has_value() == ((bound & ready) != 0));
}

/// Each waker waits for the slice that its wake-up earned; a lost one would never come.
TEST(SliceVector, readiness_set_by_other_cpus_is_never_lost) {
  constexpr std::size_t kWakers = 2;
  constexpr int kWakeUps = 5'000;
  Carrier carrier;
  Vector vector;
  bind(vector, carrier, SlotMask(0xff));
  std::array<int, kWakers> work{};  // plain memory, written before the owner becomes ready
  std::array<std::atomic<int>, kWakers> served{};
  std::atomic<std::size_t> finished{0};
  const auto wake = [&](std::size_t waker) {
    for (int count = 1; count <= kWakeUps; ++count) {
      work[waker] = count;
      vector.set_ready(slot(waker), true);
      vector.set_ready(slot(waker + 4), count % 2 == 0);  // and a bit that changes beside it
      while (served[waker].load(std::memory_order_acquire) != count) std::this_thread::yield();
    }
    finished.fetch_add(1, std::memory_order_relaxed);
  };
  const std::jthread even([&] { wake(0); });
  const std::jthread odd([&] { wake(1); });
  while (finished.load(std::memory_order_relaxed) < kWakers) {
    const std::optional<Slot> chosen = run(vector);
    if (!chosen || chosen->index() >= kWakers) {
      std::this_thread::yield();
      continue;
    }
    vector.set_ready(*chosen, false);
    const std::size_t waker = chosen->index();
    EXPECT_EQ(work[waker], served[waker].load(std::memory_order_relaxed) + 1);
    served[waker].store(work[waker], std::memory_order_release);
  }
}

}  // namespace
}  // namespace fb::core::sched
