// What programs may do to rings: nothing of it crashes, hangs or stays behind [C4.18].
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/libos/posix/uring/fixture.hpp"

namespace fb::libos::posix::uring::test {
namespace {

constexpr std::uint64_t kAt = TestSubmitter::kBase;

TEST(HostileRing, indices_out_of_range_are_dropped_C4_18) {
  World world;
  world.open(4);
  world.next(Opcode::Nop, 1);
  world.word(world.params.sq.array) = 0xffff'ffff;
  EXPECT_EQ(world.submit(), 0U);
  EXPECT_EQ(world.word(world.params.sq.dropped), 1U);
  EXPECT_TRUE(world.reap().empty());
}

TEST(HostileRing, a_tail_far_ahead_is_a_full_ring_C4_18) {
  World world;
  world.open(4);
  world.word(world.params.sq.tail) = 0x8000'0000;
  EXPECT_EQ(world.submit(0xffff'ffff), 4U);
}

TEST(HostileRing, a_head_ahead_of_the_tail_is_a_full_ring_and_loses_nothing_C4_18) {
  World world;
  world.open(4);
  world.word(world.params.cq.head) = 0x7000'0000;
  world.next(Opcode::Nop, 1);
  world.submit();
  EXPECT_EQ(world.word(world.params.cq.tail), 0U);
  world.word(world.params.cq.head) = 0;
  Impatient waiter;
  EXPECT_TRUE(world.ring->wait(world.by, 1, waiter, vfs::kForever));
  EXPECT_EQ(world.reap(), (std::vector<Told>{{1, 0}}));
}

TEST(HostileRing, what_it_says_of_its_sizes_is_not_read_back_C4_18) {
  World world;
  world.open(4);
  for (const auto offset :
       {world.params.sq.mask, world.params.sq.entries, world.params.cq.mask, world.params.cq.entries}) {
    world.word(offset) = 0xffff'ffff;
  }
  for (std::uint64_t i = 0; i != 4; ++i) world.next(Opcode::Nop, i);
  EXPECT_EQ(world.submit(), 4U);
  EXPECT_EQ(world.reap().size(), 4U);
}

TEST(HostileRing, completions_that_nobody_takes_are_bounded_C4_18) {
  World world;
  world.open(4096, 0, 4096);
  std::uint64_t taken = 0;
  Answer<std::uint32_t> last = 0;
  for (int i = 0; i != 20; ++i) {
    for (std::uint64_t j = 0; j != 4096; ++j) world.next(Opcode::Nop, j);
    last = world.ring->submit(world.by, 4096);
    if (!last) break;
    taken += *last;
    world.tail = world.word(world.params.sq.head);
  }
  EXPECT_EQ(last.error(), Errno::Busy);
  EXPECT_EQ(taken, Ring::kRequestsMost + 4096);
  EXPECT_EQ(world.ring->requests(), Ring::kRequestsMost);
  world.ring.reset();
  EXPECT_EQ(world.quotas.requests.used(), 0U);
}

void fly(World& world, Descriptor in) {
  world.put_time(kAt, 500);
  world.next(Opcode::Read, 1, in, kAt, 8).flags = sqe::kHardLink;
  world.next(Opcode::LinkTimeout, 2, -1, kAt, 1).flags = sqe::kLink;
  world.next(Opcode::Nop, 3);
  world.next(Opcode::Timeout, 4, -1, kAt, 1, 100);
  world.next(Opcode::PollAdd, 5, in).how = vfs::poll::kIn;
  for (std::uint64_t i = 0; i != 10; ++i) world.next(Opcode::OpenAt, 6).flags = sqe::kHardLink;
  for (std::uint64_t i = 0; i != 10; ++i) world.next(Opcode::OpenAt, 7);
  world.next(Opcode::Nop, 8).flags = sqe::kDrain | sqe::kLink;
  world.next(Opcode::Nop, 9);
  world.submit();
}

TEST(HostileRing, closing_it_ends_what_is_in_flight_C4_18) {
  World world;
  world.open(32);
  const auto [in, out] = world.pipe();
  fly(world, in);
  world.ring.reset();
  EXPECT_EQ(world.quotas.rings.used() + world.quotas.pages.used(), 0U);
  EXPECT_EQ(world.quotas.requests.used(), world.by.working.size());
  while (!world.by.working.empty()) world.by.work();
  EXPECT_EQ(world.quotas.requests.used() + world.quotas.workers.used(), 0U);
  world.write(out, "nobody hears that");
  world.pass(1'000'000);
}

TEST(HostileRing, the_end_of_a_thread_ends_what_it_submitted_C4_18) {
  World world;
  world.open(32);
  const auto [in, out] = world.pipe();
  fly(world, in);
  WorkWaiter waiter(world.by);
  world.by.end(waiter);
  EXPECT_TRUE(world.by.working.empty());
  EXPECT_EQ(world.ring->requests(), 0U);
  EXPECT_EQ(world.reap().size(), 27U);
  EXPECT_EQ(world.quotas.workers.used(), 0U);
}

TEST(HostileRing, a_ring_that_waits_for_itself_ends_with_its_thread_C4_18) {
  World world;
  world.open();
  const auto own = world.add(world.ring);
  world.next(Opcode::PollAdd, 1, own, 0, kPollMany).how = vfs::poll::kIn;
  world.submit();
  world.pass();
  world.ring.reset();
  static_cast<void>(world.by.files.close(own));
  WorkWaiter waiter(world.by);
  world.by.end(waiter);
  EXPECT_EQ(world.quotas.rings.used(), 0U);
}

TEST(HostileRing, files_whose_end_wakes_requests_of_a_ring_that_ends_C4_18) {
  World world;
  world.open();
  const auto [in, out] = world.pipe();
  world.next(Opcode::PollAdd, 1, out).how = vfs::poll::kError;
  world.next(Opcode::Read, 2, in, kAt, 1);
  world.submit();
  static_cast<void>(world.by.files.close(in));
  static_cast<void>(world.by.files.close(out));
  world.ring.reset();
  EXPECT_EQ(world.quotas.requests.used(), 0U);
}

RC_GTEST_PROP(HostileRing, any_words_leave_nothing_behind_C4_18, ()) {
  World world;
  world.open(8, 0, 8);
  const auto [in, out] = world.pipe();
  world.put_time(kAt, 500);
  for (int round = 0; round != 20; ++round) {
    for (int i = 0; i != 8; ++i) {
      auto& to = world.next(static_cast<Opcode>(*rc::gen::inRange(0, 42)), static_cast<std::uint64_t>(i));
      to.flags = *rc::gen::weightedElement<std::uint8_t>(
          {{8, 0}, {4, sqe::kLink}, {2, sqe::kHardLink}, {2, sqe::kDrain}, {1, sqe::kAsync}, {1, 255}});
      to.descriptor = *rc::gen::element(in, out, -1, 77);
      to.address = *rc::gen::element<std::uint64_t>(0, 1, 2, kAt, kAt + 7, ~std::uint64_t{0});
      to.length = *rc::gen::element<std::uint32_t>(0, 1, 5, 0xffff'ffff);
      to.offset = *rc::gen::element<std::uint64_t>(0, 1, kAt);
    }
    const auto offset = *rc::gen::element(0U, 4U, 8U, 12U, 16U, 36U, world.params.sq.array);
    if (*rc::gen::inRange(0, 3) == 0) world.word(offset) = *rc::gen::arbitrary<std::uint32_t>();
    static_cast<void>(world.ring->submit(world.by, 8));
    if (*rc::gen::inRange(0, 2) == 0 && !world.by.working.empty()) world.by.work();
    world.pass(static_cast<std::uint64_t>(*rc::gen::inRange(0, 400)));
    world.tail = world.word(world.params.sq.head);
    world.word(world.params.cq.head) = world.word(world.params.cq.tail);
  }
  if (*rc::gen::arbitrary<bool>()) world.ring.reset();
  WorkWaiter waiter(world.by);
  world.by.end(waiter);
  world.ring.reset();
  RC_ASSERT(world.quotas.requests.used() == 0U && world.quotas.workers.used() == 0U);
  RC_ASSERT(world.quotas.pages.used() == 0U);
}

}  // namespace
}  // namespace fb::libos::posix::uring::test
