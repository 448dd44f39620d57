// What programs may ask of the scheduler, as sched(7), sched_setattr(2) and setpriority(2) say (C4.03).
#include "libos/posix/sched/scheduling.hpp"

#include <gtest/gtest.h>
#include <sched.h>

namespace fb::libos::posix::sched {
namespace {

constexpr Asker kRoot{.privileged = true, .owner = true}, kSame{.privileged = false, .owner = true},
    kOther_{};

Scheduling with(std::uint32_t policy, std::int32_t priority, std::int32_t nice = 0) {
  return {.policy = policy, .priority = priority, .nice = nice};
}
Errno error_of(const Scheduling& from, const Scheduling& to, const Limits& limits, const Asker& asker) {
  const auto done = may_change(from, to, limits, asker);
  return done ? Errno{} : done.error();
}

TEST(Scheduling, numbers_are_those_of_linux) {
  EXPECT_EQ(kFifo, std::uint32_t{SCHED_FIFO});
  EXPECT_EQ(kRoundRobin, std::uint32_t{SCHED_RR});
  EXPECT_EQ(kBatch, std::uint32_t{SCHED_BATCH});
  EXPECT_EQ(kIdle, std::uint32_t{SCHED_IDLE});
  EXPECT_EQ(kMostPriority, sched_get_priority_max(SCHED_FIFO));
}

TEST(Scheduling, a_priority_belongs_to_real_time_policies_and_to_no_others) {
  for (const auto policy : {kOther, kBatch, kIdle}) {
    EXPECT_EQ(error_of({}, with(policy, 0), {}, kRoot), Errno{});
    EXPECT_EQ(error_of({}, with(policy, 1), {}, kRoot), Errno::Invalid);
  }
  for (const auto policy : {kFifo, kRoundRobin}) {
    EXPECT_EQ(error_of({}, with(policy, 1), {}, kRoot), Errno{});
    EXPECT_EQ(error_of({}, with(policy, 99), {}, kRoot), Errno{});
    EXPECT_EQ(error_of({}, with(policy, 0), {}, kRoot), Errno::Invalid);
    EXPECT_EQ(error_of({}, with(policy, 100), {}, kRoot), Errno::Invalid);
  }
  for (const std::uint32_t policy : {4u, 6u, 7u, 1000u})
    EXPECT_EQ(error_of({}, with(policy, 0), {}, kRoot), Errno::Invalid);
}

TEST(Scheduling, real_time_is_for_root_and_within_the_limit) {
  EXPECT_EQ(error_of({}, with(kFifo, 1), {}, kSame), Errno::Perm);
  EXPECT_EQ(error_of({}, with(kFifo, 5), {.priority = 5}, kSame), Errno{});
  EXPECT_EQ(error_of({}, with(kFifo, 6), {.priority = 5}, kSame), Errno::Perm);
  // What it has it may keep, and lower.
  EXPECT_EQ(error_of(with(kFifo, 50), with(kFifo, 40), {}, kSame), Errno{});
  EXPECT_EQ(error_of(with(kFifo, 50), with(kRoundRobin, 40), {}, kSame), Errno::Perm);
  EXPECT_EQ(error_of(with(kFifo, 50), with(kOther, 0), {}, kSame), Errno{});
}

TEST(Scheduling, others_are_left_alone) {
  EXPECT_EQ(error_of({}, with(kBatch, 0), {.nice = 40, .priority = 99}, kOther_), Errno::Perm);
}

TEST(Scheduling, nice_values_rise_freely_and_fall_within_the_limit) {
  EXPECT_TRUE(may_be_nice(-20, {}, kRoot));
  EXPECT_FALSE(may_be_nice(19, {}, kSame));
  EXPECT_TRUE(may_be_nice(5, {.nice = 15}, kSame));
  EXPECT_FALSE(may_be_nice(4, {.nice = 15}, kSame));
  EXPECT_EQ(error_of(with(kOther, 0, 3), with(kOther, 0, 4), {}, kSame), Errno{});
  EXPECT_EQ(error_of(with(kOther, 0, 3), with(kOther, 0, 2), {}, kSame), Errno::Perm);
}

TEST(Scheduling, idle_is_left_within_the_limit_and_a_reset_stays) {
  EXPECT_EQ(error_of(with(kIdle, 0), with(kOther, 0), {}, kSame), Errno::Perm);
  EXPECT_EQ(error_of(with(kIdle, 0), with(kOther, 0), {.nice = 20}, kSame), Errno{});
  Scheduling resets;
  resets.reset_on_fork = true;
  EXPECT_EQ(error_of(resets, {}, {}, kSame), Errno::Perm);
  EXPECT_EQ(error_of(resets, {}, {}, kRoot), Errno{});
  EXPECT_EQ(error_of(resets, resets, {}, kSame), Errno{});
}

TEST(Scheduling, a_child_begins_like_its_maker_unless_that_is_reset) {
  Scheduling maker = with(kFifo, 9, -5);
  maker.affinity = 2;
  auto child = maker.of_child();
  EXPECT_EQ(child.policy, kFifo);
  EXPECT_EQ(child.priority, 9);
  maker.reset_on_fork = true;
  child = maker.of_child();
  EXPECT_EQ(child.policy, kOther);
  EXPECT_EQ(child.priority, 0);
  EXPECT_EQ(child.nice, 0);
  EXPECT_EQ(child.affinity, 2u);
  EXPECT_FALSE(child.reset_on_fork);
  maker = with(kBatch, 0, -5);
  maker.reset_on_fork = true;
  EXPECT_EQ(maker.of_child().nice, 0);
  EXPECT_EQ(maker.of_child().policy, kBatch);
  maker.nice = 5;
  EXPECT_EQ(maker.of_child().nice, 5);
}

TEST(Attributes, say_what_there_is_and_set_what_they_say) {
  const Scheduling now = with(kFifo, 7, 3);
  auto told = Attributes::of(now);
  EXPECT_EQ(told.policy, kFifo);
  EXPECT_EQ(told.priority, 7u);
  EXPECT_EQ(told.nice, 0);
  const Attributes wanted{.policy = kOther, .flags = 1, .nice = 100};
  const auto applied = wanted.applied_to(now);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->nice, 19);
  EXPECT_EQ(applied->priority, 0);
  EXPECT_TRUE(applied->reset_on_fork);
  const Attributes keep{.policy = kOther, .flags = 8 | 16, .nice = 1, .priority = 3};
  ASSERT_TRUE(keep.applied_to(now));
  EXPECT_EQ(keep.applied_to(now)->policy, kFifo);
  EXPECT_EQ(keep.applied_to(now)->priority, 7);
  EXPECT_EQ(Attributes{.flags = 0x20}.applied_to(now).error(), Errno::NotSupported);
  EXPECT_EQ(Attributes{.flags = 0x80}.applied_to(now).error(), Errno::Invalid);
  const Attributes huge{.policy = kFifo, .priority = 0xffff'ffff};
  EXPECT_EQ(error_of({}, huge.applied_to({}).value(), {}, kRoot), Errno::Invalid);
}

TEST(Terms, follow_what_was_asked_for) {
  EXPECT_EQ(with(kFifo, 42).terms().rank(), 42);
  EXPECT_EQ(with(kOther, 0, 19).terms().weight(), 15u);
  EXPECT_EQ(with(kIdle, 0, -20).terms().weight(), 3u);
  EXPECT_EQ(with(kBatch, 0, 0).terms().policy, rt::sched::Policy::Batch);
  EXPECT_EQ(with(kOther, 0).shown_priority(), 20);
  EXPECT_EQ(with(kFifo, 99).shown_priority(), -100);
}

}  // namespace
}  // namespace fb::libos::posix::sched
