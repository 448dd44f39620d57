// Rings as Linux has them: chains, drains, timeouts, cancelling, full completion rings [C4.18].
#include <gtest/gtest.h>

#include "libos/posix/poll/event_count.hpp"
#include "tests/libos/posix/uring/fixture.hpp"

namespace fb::libos::posix::uring::test {
namespace {

constexpr std::uint64_t kAt = TestSubmitter::kBase;
using List = std::vector<Told>;

TEST(Ring, sizes_are_powers_of_two_and_offsets_those_of_linux_C4_18) {
  World world;
  world.open(5);
  EXPECT_EQ(world.params.sq_entries, 8U);
  EXPECT_EQ(world.params.cq_entries, 16U);
  EXPECT_EQ(world.params.sq.array, 320U);
  EXPECT_EQ(world.word(world.params.cq.mask), 15U);
}

TEST(Ring, refuses_what_it_does_not_do_C4_18) {
  World world;
  for (const std::uint32_t flags : {1U, 2U, 4U, 1U << 10, 1U << 11, 1U << 30}) {
    Params params{};
    params.flags = flags;
    EXPECT_EQ(Ring::make(world.services, world.frames, world.quotas, 4, params, world.by).error(),
              Errno::Invalid);
  }
  Params params{};
  EXPECT_FALSE(Ring::make(world.services, world.frames, world.quotas, 0, params, world.by));
  EXPECT_FALSE(Ring::make(world.services, world.frames, world.quotas, kSqEntriesMost + 1, params, world.by));
  EXPECT_EQ(world.quotas.rings.used(), 0U);
  EXPECT_EQ(world.frames.used(), 0U);
}

TEST(Ring, a_read_waits_for_its_pipe_without_a_worker_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.next(Opcode::Read, 1, in, kAt, 8);
  EXPECT_EQ(world.submit(), 1U);
  EXPECT_TRUE(world.reap().empty());
  world.write(out, "abc");
  EXPECT_TRUE(world.reap().empty());
  world.pass();
  EXPECT_EQ(world.reap(), (List{{1, 3}}));
  EXPECT_EQ(std::memcmp(world.by.memory.data(), "abc", 3), 0);
  EXPECT_TRUE(world.by.working.empty());
  EXPECT_EQ(world.ring->requests(), 0U);
}

TEST(Ring, a_short_read_breaks_its_chain_and_a_hard_link_holds_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  for (const auto link : {sqe::kLink, sqe::kHardLink}) {
    world.write(out, "x");
    world.next(Opcode::Read, 1, in, kAt, 8).flags = link;
    world.next(Opcode::Nop, 2).flags = sqe::kLink;
    world.next(Opcode::Nop, 3);
    world.submit();
    const bool broken = link == sqe::kLink;
    EXPECT_EQ(world.reap(), broken ? (List{{1, 1}, error(2, Errno::Canceled), error(3, Errno::Canceled)})
                                   : (List{{1, 1}, {2, 0}, {3, 0}}));
  }
}

TEST(Ring, long_chains_take_no_stack_C4_18) {
  World world;
  world.open(4096);
  for (std::uint64_t i = 0; i != 4096; ++i) world.next(Opcode::Nop, i).flags = sqe::kLink;
  EXPECT_EQ(world.submit(4096), 4096U);
  EXPECT_EQ(world.reap().size(), 4096U);
  world.next(Opcode::Read, 0, 99).flags = sqe::kLink;
  for (std::uint64_t i = 1; i != 4096; ++i) world.next(Opcode::Nop, i).flags = sqe::kLink;
  EXPECT_EQ(world.submit(4096), 4096U);
  const auto told = world.reap();
  ASSERT_EQ(told.size(), 4096U);
  EXPECT_EQ(told.back(), error(4095, Errno::Canceled));
}

TEST(Ring, a_drain_waits_for_all_before_and_holds_all_behind_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.next(Opcode::Read, 1, in, kAt, 1);
  world.next(Opcode::Nop, 2).flags = sqe::kDrain;
  world.next(Opcode::Nop, 3);
  world.submit();
  EXPECT_TRUE(world.reap().empty());
  world.write(out, "x");
  world.pass();
  EXPECT_EQ(world.reap(), (List{{1, 1}, {2, 0}, {3, 0}}));
}

TEST(Ring, timeouts_end_by_time_by_count_and_by_removal_C4_18) {
  World world;
  world.open();
  world.put_time(kAt, 500);
  world.next(Opcode::Timeout, 1, -1, kAt, 1);
  world.submit();
  world.pass(499);
  EXPECT_TRUE(world.reap().empty());
  world.pass(1);
  EXPECT_EQ(world.reap(), (List{error(1, Errno::TimerExpired)}));

  world.next(Opcode::Timeout, 1, -1, kAt, 1, 3);
  world.next(Opcode::Timeout, 2, -1, kAt, 1, 1);
  world.next(Opcode::Nop, 3);
  world.submit();
  EXPECT_EQ(world.reap(), (List{{3, 0}, {2, 0}}));
  world.next(Opcode::TimeoutRemove, 4, -1, 1);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(1, Errno::Canceled), {4, 0}}));
  world.next(Opcode::TimeoutRemove, 4, -1, 1);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(4, Errno::NoEntry)}));
}

TEST(Ring, a_timeout_is_given_another_time_C4_18) {
  World world;
  world.open();
  world.put_time(kAt, 500);
  world.put_time(kAt + 64, 5);
  world.next(Opcode::Timeout, 1, -1, kAt, 1);
  world.next(Opcode::TimeoutRemove, 2, -1, 1, 0, kAt + 64).how = timeout::kUpdate;
  world.submit();
  EXPECT_EQ(world.reap(), (List{{2, 0}}));
  world.pass(5);
  EXPECT_EQ(world.reap(), (List{error(1, Errno::TimerExpired)}));
}

TEST(Ring, a_link_timeout_cancels_what_is_late_and_what_follows_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.put_time(kAt + 64, 500);
  for (const bool late : {true, false}) {
    world.next(Opcode::Read, 1, in, kAt, 1).flags = sqe::kLink;
    world.next(Opcode::LinkTimeout, 2, -1, kAt + 64, 1).flags = sqe::kLink;
    world.next(Opcode::Nop, 3);
    world.submit();
    if (late) {
      world.pass(500);
      EXPECT_EQ(world.reap(),
                (List{error(1, Errno::Canceled), error(3, Errno::Canceled), error(2, Errno::TimerExpired)}));
    } else {
      world.write(out, "x");
      world.pass(1);
      EXPECT_EQ(world.reap(), (List{{1, 1}, error(2, Errno::Canceled), {3, 0}}));
    }
  }
}

TEST(Ring, polls_tell_events_once_or_again_and_again_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.next(Opcode::PollAdd, 1, in).how = vfs::poll::kIn;
  world.next(Opcode::PollAdd, 2, in, 0, kPollMany).how = vfs::poll::kIn;
  world.submit();
  EXPECT_TRUE(world.reap().empty());
  world.write(out, "x");
  world.pass();
  auto told = world.reap();
  ASSERT_EQ(told.size(), 2U);
  world.write(out, "y");
  world.pass();
  EXPECT_EQ(world.reap(), (List{{2, 1, kMore}}));
  world.next(Opcode::PollRemove, 3, -1, 2);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(2, Errno::Canceled), {3, 0}}));
}

TEST(Ring, cancels_by_data_by_file_and_all_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  for (const std::uint64_t data : {1U, 2U, 3U}) world.next(Opcode::Read, data, in, kAt, 1);
  world.next(Opcode::AsyncCancel, 9, -1, 2);
  world.next(Opcode::AsyncCancel, 9, -1, 77);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(2, Errno::Canceled), {9, 0}, error(9, Errno::NoEntry)}));
  world.next(Opcode::AsyncCancel, 9, in).how = cancel::kDescriptor | cancel::kAll;
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(1, Errno::Canceled), error(3, Errno::Canceled), {9, 2}}));
}

TEST(Ring, no_completion_is_lost_when_the_ring_is_full_C4_18) {
  World world;
  world.open(4, 0, 4);
  for (std::uint64_t i = 0; i != 10; ++i) {
    world.next(Opcode::Nop, i);
    world.submit();
  }
  EXPECT_EQ(world.word(world.params.sq.flags), kOverflowing);
  EXPECT_NE(world.ring->poll().events & vfs::poll::kIn, 0U);
  EXPECT_EQ(world.ring->requests(), 6U);
  std::vector<Told> all;
  Impatient waiter;
  while (all.size() != 10) {
    ASSERT_TRUE(world.ring->wait(world.by, 1, waiter, vfs::kForever));
    for (const auto& told : world.reap()) all.push_back(told);
  }
  for (std::uint64_t i = 0; i != 10; ++i) EXPECT_EQ(all[i], (Told{i, 0}));
  EXPECT_EQ(world.word(world.params.sq.flags), 0U);
}

TEST(Ring, what_would_block_elsewhere_is_left_to_a_few_workers_C4_18) {
  World world;
  world.open(32);
  for (std::uint64_t i = 0; i != 10; ++i) world.next(Opcode::OpenAt, i);
  world.submit();
  EXPECT_EQ(world.by.working.size(), Ring::kWorkersMost);
  while (!world.by.working.empty()) world.by.work();
  EXPECT_EQ(world.reap().size(), 10U);
  EXPECT_EQ(world.quotas.workers.used(), 0U);
  world.by.no_workers = true;
  world.next(Opcode::OpenAt, 1);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(1, Errno::TryAgain)}));
}

TEST(Ring, a_working_request_is_cancelled_by_its_patience_C4_18) {
  World world;
  world.open();
  world.next(Opcode::OpenAt, 1);
  world.next(Opcode::AsyncCancel, 2, -1, 1);
  world.submit();
  EXPECT_EQ(world.reap(), (List{error(2, Errno::Already)}));
  world.by.work();
  EXPECT_EQ(world.reap(), (List{error(1, Errno::Canceled)}));
}

TEST(Ring, an_eventfd_hears_of_completions_C4_18) {
  World world;
  world.open();
  const auto events = world.add(poll::make_event_count(0, vfs::flag::kNonBlock).value());
  world.by.put(kAt, events);
  EXPECT_TRUE(world.ring->change(world.by, registering::kEventFile, kAt, 1));
  EXPECT_EQ(world.ring->change(world.by, registering::kEventFile, kAt, 1).error(), Errno::Busy);
  world.next(Opcode::Nop, 1);
  world.submit();
  EXPECT_NE(world.by.files.get(events).value()->poll().events & vfs::poll::kIn, 0U);
}

TEST(Ring, registered_files_outlive_their_descriptors_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.by.put(kAt, std::array{in, -1});
  EXPECT_TRUE(world.ring->change(world.by, registering::kFiles, kAt, 2));
  static_cast<void>(world.by.files.close(in));
  world.write(out, "x");
  for (const std::int32_t number : {0, 1, 2, -1}) {
    world.next(Opcode::Read, static_cast<std::uint64_t>(number + 1), number, kAt, 1).flags = sqe::kFixedFile;
  }
  world.submit();
  EXPECT_EQ(world.reap(), (List{{1, 1},
                                error(2, Errno::BadDescriptor),
                                error(3, Errno::BadDescriptor),
                                error(0, Errno::BadDescriptor)}));
  EXPECT_TRUE(world.ring->change(world.by, registering::kNoFiles, 0, 0));
}

TEST(Ring, a_disabled_ring_is_enabled_by_its_only_submitter_C4_18) {
  World world;
  world.open(4, setup::kDisabled | setup::kSingleIssuer);
  EXPECT_EQ(world.ring->submit(world.by, 1).error(), Errno::BadState);
  EXPECT_TRUE(world.ring->change(world.by, registering::kEnable, 0, 0));
  EXPECT_TRUE(world.ring->submit(world.by, 1));
  TestSubmitter other(world.quotas);
  EXPECT_EQ(world.ring->submit(other, 1).error(), Errno::Exists);
}

}  // namespace
}  // namespace fb::libos::posix::uring::test
