// What is loaded ahead, kept, and known of memory; barriers; instructions that write to their own page.
#include <gtest/gtest.h>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

struct Locking : testing::Test {
  Process process{10'000, {.locked = pages(8)}};
  Space& space = process.space;
  void SetUp() override { ASSERT_TRUE(space.mmap(anonymous(at(0), pages(6)))); }
  void TearDown() override { EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt); }
};

Errno error(const Answer<>& answer) { return answer ? Errno{} : answer.error(); }

TEST_F(Locking, loads_what_it_locks_and_madvise_cannot_take_it_C4_10) {
  EXPECT_EQ(error(space.mlock(at(1, 100), ByteCount(4096), 0)), Errno{});
  EXPECT_EQ(space.resident().raw(), 2U);
  EXPECT_EQ(space.areas().size(), 3U);
  EXPECT_EQ(error(space.madvise(at(1), pages(1), Advice::DontNeed)), Errno::Invalid);
  EXPECT_EQ(error(space.madvise(at(1), pages(1), Advice::DontNeedLocked)), Errno{});
  EXPECT_EQ(error(space.munlock(at(0), pages(6))), Errno{});
  EXPECT_EQ(space.areas().size(), 1U);
  EXPECT_EQ(error(space.madvise(at(0), pages(6), Advice::DontNeed)), Errno{});
  EXPECT_EQ(error(space.mlock(at(0), pages(2), kLockOnFault)), Errno{});
  EXPECT_EQ(space.resident().raw(), 0U);
  EXPECT_EQ(error(space.mlock(at(0), pages(2), 2)), Errno::Invalid);
}

TEST_F(Locking, fails_at_holes_at_what_cannot_be_loaded_and_at_its_limit_C4_10) {
  EXPECT_EQ(error(space.mlock(at(5), pages(2), 0)), Errno::NoMemory);
  EXPECT_EQ(space.area(at(5))->locked, true) << "what precedes the hole";
  EXPECT_EQ(error(space.mlock(at(0), pages(9), 0)), Errno::NoMemory);
  ASSERT_TRUE(space.mmap(anonymous(at(10), pages(1), kProtNone)));
  EXPECT_EQ(error(space.mlock(at(10), pages(1), 0)), Errno::NoMemory);
  ASSERT_TRUE(space.munlockall());
  EXPECT_EQ(error(space.mlock(at(0), pages(6), 0)), Errno{});
  EXPECT_EQ(error(space.mlock(at(0), pages(6), 0)), Errno{}) << "what is locked already does not count twice";
  auto request = anonymous(at(20), pages(3), kRw, kMapFixed | kMapLocked);
  EXPECT_EQ(space.mmap(request).error(), Errno::TryAgain);
  request.length = pages(2);
  EXPECT_TRUE(space.mmap(request));
  EXPECT_EQ(error(space.mlock(VirtAddr(~std::uint64_t{0} - 4096), ByteCount(8192), 0)), Errno::Invalid);
}

TEST_F(Locking, of_all_is_for_now_for_later_or_both_and_not_for_children_C4_10) {
  EXPECT_EQ(error(space.mlockall(0)), Errno::Invalid);
  EXPECT_EQ(error(space.mlockall(kLockAllOnFault)), Errno::Invalid);
  EXPECT_EQ(error(space.mlockall(kLockCurrent)), Errno{});
  EXPECT_EQ(space.resident().raw(), 6U);
  EXPECT_EQ(error(space.mlockall(kLockFuture)), Errno{});
  ASSERT_TRUE(space.mmap(anonymous(at(20), pages(2))));
  EXPECT_EQ(space.resident().raw(), 8U);
  Machine machine;
  Space child = space.fork(machine).value();
  EXPECT_FALSE(child.area(at(0))->locked);
  ASSERT_TRUE(child.mmap(anonymous(at(30), pages(2))));
  EXPECT_EQ(child.page(at(30)), nullptr);
}

TEST_F(Locking, mincore_says_what_is_there_C4_10) {
  ASSERT_TRUE(put(space, at(2), 1));
  std::array<std::byte, 6> there{};
  EXPECT_EQ(error(space.mincore(at(0), there)), Errno{});
  EXPECT_EQ(there, (std::array<std::byte, 6>{std::byte{0}, std::byte{0}, std::byte{1}}));
  EXPECT_EQ(error(space.mincore(at(1), there)), Errno::NoMemory);
  EXPECT_EQ(error(space.mincore(at(1, 1), there)), Errno::Invalid);
  const auto file = make_shared<File>(process.frames, std::size_t{2}).value();
  ASSERT_TRUE(space.mmap({.address = at(10),
                          .length = pages(2),
                          .protection = kProtRead,
                          .flags = kMapShared | kMapFixed,
                          .backing = file}));
  EXPECT_EQ(error(space.mincore(at(10), {there.data(), 2})), Errno{});
}

TEST_F(Locking, msync_looks_at_its_arguments_C4_10) {
  EXPECT_EQ(error(space.msync(at(0), pages(6), kSyncSynchronous)), Errno{});
  EXPECT_EQ(error(space.msync(at(0), pages(7), kSyncAsync)), Errno::NoMemory);
  EXPECT_EQ(error(space.msync(at(0), pages(1), 8)), Errno::Invalid);
  EXPECT_EQ(error(space.msync(at(0), pages(1), kSyncAsync | kSyncSynchronous)), Errno::Invalid);
  EXPECT_EQ(error(space.msync(at(0, 1), pages(1), 0)), Errno::Invalid);
  ASSERT_TRUE(space.mlock(at(0), pages(1), 0));
  EXPECT_EQ(error(space.msync(at(0), pages(1), kSyncInvalidate)), Errno::Busy);
}

TEST_F(Locking, barriers_are_registered_first_and_go_to_children_C4_13) {
  EXPECT_NE(space.barrier(0, 0).value() & 8, 0U);
  EXPECT_EQ(space.barrier(8, 0).error(), Errno::Perm);
  EXPECT_EQ(space.barrier(16, 0).value(), 0U);
  EXPECT_EQ(space.barrier(8, 0).value(), 0U);
  EXPECT_EQ(space.barrier(32, 0).error(), Errno::Perm);
  EXPECT_EQ(space.barrier(3, 0).error(), Errno::Invalid);
  EXPECT_EQ(space.barrier(0, 1).error(), Errno::Invalid);
  Machine machine;
  EXPECT_EQ(space.fork(machine).value().barrier(512, 0).value(), 16U);
  space.clear();
  EXPECT_EQ(space.barrier(512, 0).value(), 0U);
}

TEST(OwnPage, an_instruction_that_writes_to_its_own_page_gets_no_second_try_C4_10) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(3), kProtAll)));
  const auto fault = [&](VirtAddr address, Touch touch, VirtAddr instruction) {
    return space.fault(address, touch, instruction).value();
  };
  // Code elsewhere writes to a page and runs it, again and again: that gets on.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fault(at(1), Touch::Write, at(0)), FaultResult::Handled);
    EXPECT_EQ(fault(at(1), Touch::Execute, at(1)), FaultResult::Handled);
  }
  EXPECT_EQ(fault(at(1, 8), Touch::Write, at(1)), FaultResult::NotAllowed);
  // An instruction that begins at the end of a page is on the next one too if it was fetched from there.
  const auto crossing = at(1, 4094);
  EXPECT_EQ(fault(at(2, 100), Touch::Write, crossing), FaultResult::Handled);
  EXPECT_EQ(fault(at(2), Touch::Execute, crossing), FaultResult::Handled);
  EXPECT_EQ(fault(at(2, 100), Touch::Write, crossing), FaultResult::NotAllowed);
  // Who does not say where the instruction is gets what there was before.
  EXPECT_EQ(space.fault(at(1), Touch::Write).value(), FaultResult::Handled);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
