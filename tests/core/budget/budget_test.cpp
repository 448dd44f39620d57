#include "core/budget/budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>

#include "core/spin.hpp"

namespace fb::core::budget {
namespace {

using sched::SlotMask;
constexpr PageCount kHuge{std::numeric_limits<std::uint64_t>::max()};
constexpr CpuId kCpu{3};
const Result<> kDone{};
Result<> refused(Error error) { return fail(error); }

TEST(Budget, an_empty_budget_pays_for_nothing) {
  Budget budget;
  EXPECT_EQ(budget.charge(PageCount(0)), kDone);
  EXPECT_EQ(budget.charge(PageCount(1)), refused(Error::NoMemory));
  EXPECT_EQ(budget.charge(kHuge), refused(Error::NoMemory));
  EXPECT_EQ(budget.refund(PageCount(1)), refused(Error::BadArgument));
  EXPECT_EQ(budget.charge_slots(kCpu, SlotMask(1)), refused(Error::NoSlices));
}

TEST(Budget, charges_reach_the_limit_and_not_beyond_CAP_6) {
  Budget budget;
  ASSERT_EQ(budget.endow(PageCount(10)), kDone);
  EXPECT_EQ(budget.charge(PageCount(11)), refused(Error::NoMemory));
  EXPECT_EQ(budget.charge(PageCount(10)), kDone);
  EXPECT_EQ(budget.charge(PageCount(1)), refused(Error::NoMemory));
  EXPECT_EQ(budget.refund(PageCount(11)), refused(Error::BadArgument));
  EXPECT_EQ(budget.refund(kHuge), refused(Error::BadArgument));
  EXPECT_EQ(budget.refund(PageCount(4)), kDone);
  EXPECT_EQ(budget.used(), PageCount(6));
  EXPECT_EQ(budget.free(), PageCount(4));
}

TEST(Budget, the_largest_tree_keeps_its_counts_apart_CAP_6) {
  Budget root, child;
  ASSERT_EQ(root.endow(kMaxPages), kDone);
  EXPECT_EQ(root.endow(PageCount(1)), refused(Error::Limit));
  EXPECT_EQ(root.endow(kHuge), refused(Error::Limit));
  EXPECT_EQ(root.charge(kMaxPages + PageCount(1)), refused(Error::NoMemory));
  ASSERT_EQ(root.charge(kMaxPages), kDone);
  EXPECT_EQ(root.charge(PageCount(1)), refused(Error::NoMemory));
  ASSERT_EQ(root.refund(kMaxPages), kDone);
  ASSERT_EQ(root.create_child(child, kMaxPages), kDone);
  EXPECT_EQ(root.free(), PageCount(0));
  EXPECT_EQ(root.lent(), kMaxPages);
  EXPECT_EQ(child.charge(kMaxPages), kDone);
  EXPECT_EQ(child.refund(kMaxPages), kDone);
  EXPECT_EQ(root.close(child), kDone);
  EXPECT_EQ(root.free(), kMaxPages);
}

TEST(Budget, a_child_has_what_its_parent_gave_up_CAP_6) {
  Budget root, child;
  ASSERT_EQ(root.endow(PageCount(10)), kDone);
  ASSERT_EQ(root.charge(PageCount(3)), kDone);
  EXPECT_EQ(root.create_child(child, PageCount(8)), refused(Error::NoMemory));
  EXPECT_EQ(child.parent(), nullptr);
  ASSERT_EQ(root.create_child(child, PageCount(6)), kDone);
  EXPECT_EQ(root.charge(PageCount(2)), refused(Error::NoMemory));
  EXPECT_EQ(root.grow(child, PageCount(2)), refused(Error::NoMemory));
  ASSERT_EQ(child.charge(PageCount(5)), kDone);
  EXPECT_EQ(root.shrink(child, PageCount(2)), refused(Error::Busy));
  EXPECT_EQ(root.shrink(child, kHuge), refused(Error::Busy));
  EXPECT_EQ(root.shrink(child, PageCount(1)), kDone);
  EXPECT_EQ(child.limit(), PageCount(5));
  EXPECT_EQ(root.free(), PageCount(2));
  EXPECT_EQ(root.limit(), PageCount(10));
}

TEST(Budget, only_the_parent_moves_a_childs_reservation) {
  Budget root, other, child;
  ASSERT_EQ(root.endow(PageCount(10)), kDone);
  ASSERT_EQ(other.endow(PageCount(10)), kDone);
  ASSERT_EQ(root.create_child(child, PageCount(5)), kDone);
  EXPECT_EQ(other.grow(child, PageCount(1)), refused(Error::NotOwner));
  EXPECT_EQ(other.shrink(child, PageCount(1)), refused(Error::NotOwner));
  EXPECT_EQ(other.lend_slots(child, kCpu, SlotMask()), refused(Error::NotOwner));
  EXPECT_EQ(other.reclaim_slots(child, kCpu, SlotMask()), refused(Error::NotOwner));
  EXPECT_EQ(other.close(child), refused(Error::NotOwner));
  EXPECT_EQ(root.close(root), refused(Error::NotOwner));
  EXPECT_EQ(child.endow(PageCount(1)), refused(Error::NotOwner));
  EXPECT_EQ(child.endow_slots(kCpu, SlotMask(1)), refused(Error::NotOwner));
}

TEST(Budget, a_tree_takes_in_no_node_that_is_in_use) {
  Budget root, child, endowed, slotted;
  ASSERT_EQ(root.endow(PageCount(10)), kDone);
  ASSERT_EQ(root.create_child(child, PageCount(0)), kDone);
  ASSERT_EQ(endowed.endow(PageCount(1)), kDone);
  ASSERT_EQ(slotted.endow_slots(kCpu, SlotMask(1)), kDone);
  for (Budget* node : {&root, &child, &endowed, &slotted}) {
    EXPECT_EQ(root.create_child(*node, PageCount(1)), refused(Error::Busy));
    EXPECT_EQ(child.create_child(*node, PageCount(0)), refused(Error::Busy));
  }
}

TEST(Budget, a_slot_is_held_by_one_budget_at_a_time_CAP_6) {
  Budget root, a, b;
  ASSERT_EQ(root.endow_slots(kCpu, SlotMask(0xff)), kDone);
  EXPECT_EQ(root.endow_slots(kCpu, SlotMask(0x180)), refused(Error::Busy));
  ASSERT_EQ(root.create_child(a, PageCount(0)), kDone);
  ASSERT_EQ(root.create_child(b, PageCount(0)), kDone);
  ASSERT_EQ(root.lend_slots(a, kCpu, SlotMask(0x0f)), kDone);
  EXPECT_EQ(root.lend_slots(b, kCpu, SlotMask(0x18)), refused(Error::NoSlices));
  EXPECT_EQ(root.charge_slots(kCpu, SlotMask(0x01)), refused(Error::NoSlices));
  EXPECT_EQ(root.lend_slots(b, CpuId(4), SlotMask(0x10)), refused(Error::NoSlices));
  EXPECT_EQ(root.lend_slots(b, kCpu, SlotMask(0x100)), refused(Error::NoSlices));
  ASSERT_EQ(a.charge_slots(kCpu, SlotMask(0x03)), kDone);
  EXPECT_EQ(root.reclaim_slots(a, kCpu, SlotMask(0x06)), refused(Error::Busy));
  EXPECT_EQ(root.reclaim_slots(a, kCpu, SlotMask(0x10)), refused(Error::Busy));
  EXPECT_EQ(root.reclaim_slots(a, kCpu, SlotMask(0x0c)), kDone);
  EXPECT_EQ(root.lend_slots(b, kCpu, SlotMask(0x1c)), kDone);
  EXPECT_EQ(a.refund_slots(kCpu, SlotMask(0x07)), refused(Error::BadArgument));
  EXPECT_EQ(a.refund_slots(kCpu, SlotMask(0x03)), kDone);
}

TEST(Budget, cpus_beyond_the_last_are_refused) {
  for (const CpuId cpu : {CpuId(kMaxCpus), CpuId(std::numeric_limits<std::uint32_t>::max())}) {
    Budget root, child;
    ASSERT_EQ(root.create_child(child, PageCount(0)), kDone);
    EXPECT_EQ(root.endow_slots(cpu, SlotMask(1)), refused(Error::BadArgument));
    EXPECT_EQ(root.lend_slots(child, cpu, SlotMask()), refused(Error::BadArgument));
    EXPECT_EQ(root.reclaim_slots(child, cpu, SlotMask()), refused(Error::BadArgument));
    EXPECT_EQ(root.charge_slots(cpu, SlotMask()), refused(Error::BadArgument));
    EXPECT_EQ(root.refund_slots(cpu, SlotMask()), refused(Error::BadArgument));
    EXPECT_TRUE(root.slots(cpu).held.empty());
  }
}

TEST(Budget, closing_gives_everything_back_once_nothing_is_used_CAP_6) {
  Budget root, child, grandchild;
  ASSERT_EQ(root.endow(PageCount(10)), kDone);
  ASSERT_EQ(root.endow_slots(kCpu, SlotMask(0xf)), kDone);
  ASSERT_EQ(root.create_child(child, PageCount(6)), kDone);
  ASSERT_EQ(root.lend_slots(child, kCpu, SlotMask(0x3)), kDone);
  ASSERT_EQ(child.create_child(grandchild, PageCount(0)), kDone);
  EXPECT_EQ(root.close(child), refused(Error::Busy)) << "it has a child";
  ASSERT_EQ(child.close(grandchild), kDone);
  ASSERT_EQ(child.charge(PageCount(1)), kDone);
  EXPECT_EQ(root.close(child), refused(Error::Busy)) << "it uses a page";
  ASSERT_EQ(child.refund(PageCount(1)), kDone);
  ASSERT_EQ(child.charge_slots(kCpu, SlotMask(1)), kDone);
  EXPECT_EQ(root.close(child), refused(Error::Busy)) << "it uses a slot";
  ASSERT_EQ(child.refund_slots(kCpu, SlotMask(1)), kDone);
  ASSERT_EQ(root.close(child), kDone);
  EXPECT_EQ(root.free(), PageCount(10));
  EXPECT_EQ(root.slots(kCpu).free, SlotMask(0xf));
  EXPECT_EQ(child.charge(PageCount(1)), refused(Error::NoMemory));
  EXPECT_EQ(child.slots(kCpu).held, SlotMask());
  EXPECT_EQ(root.close(child), refused(Error::NotOwner));
  EXPECT_EQ(root.create_child(child, PageCount(1)), kDone) << "a closed node may be used again";
}

/// Three threads charge and refund on a parent and its child while this one lends, reclaims, closes and makes
/// the child anew. `in_use` counts less than what is charged at every instant, so it may never exceed the
/// root's limit.
TEST(Budget, charges_racing_with_lend_and_reclaim_never_exceed_the_limit_CAP_6) {
  constexpr std::uint64_t kPages = 24;
  constexpr std::uint64_t kSteps = 1'000'000;
  Budget root, child;
  SpinLock tree;
  ASSERT_EQ(root.endow(PageCount(kPages)), kDone);
  ASSERT_EQ(root.create_child(child, PageCount(kPages / 2)), kDone);
  std::atomic<std::uint64_t> in_use{0};
  std::atomic<int> charging{3};
  std::barrier start(4);

  // Little but the calls themselves, so that a thread is mostly preempted or overtaken in the middle of one.
  const auto charge = [&](Budget& budget, std::uint64_t stride) {
    std::uint64_t held = 0;
    bool within = true;
    start.arrive_and_wait();
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      const PageCount pages(step * stride % 7);
      if (budget.charge(pages)) {
        held += pages.raw();
        within = within && in_use.fetch_add(pages.raw(), std::memory_order_relaxed) + pages.raw() <= kPages;
      } else {
        in_use.fetch_sub(held, std::memory_order_relaxed);
        within = within && budget.refund(PageCount(held)).has_value();
        held = 0;
      }
    }
    EXPECT_TRUE(within);
    in_use.fetch_sub(held);
    EXPECT_EQ(budget.refund(PageCount(held)), kDone);
    charging.fetch_sub(1);
  };
  {
    const std::jthread on_root([&] { charge(root, 3); });
    const std::jthread on_child([&] { charge(child, 4); });
    const std::jthread on_child_too([&] { charge(child, 5); });
    std::mt19937_64 random(4);
    start.arrive_and_wait();
    for (; charging.load() > 0; std::this_thread::yield()) {
      Guard guard(tree);
      const PageCount pages(random() % 6);
      if (random() % 8 == 0) {
        if (root.close(child)) EXPECT_EQ(root.create_child(child, PageCount(0)), kDone);
      } else if (random() % 2 == 0) {
        (void)root.grow(child, pages);
      } else {
        (void)root.shrink(child, pages);
      }
      EXPECT_LE(child.used(), child.limit());
      EXPECT_EQ(root.lent(), child.limit());
      EXPECT_LE(root.used() + root.lent(), root.limit());
    }
  }
  EXPECT_EQ(root.close(child), kDone);
  EXPECT_EQ(root.free(), PageCount(kPages));
}

}  // namespace
}  // namespace fb::core::budget
