#include <gtest/gtest.h>

#include <array>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

TEST(Space, a_child_does_not_see_what_its_parent_writes_after_fork_C4_01) {
  Process process;
  Machine machine;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap(anonymous(at(0), pages(3))));
  ASSERT_TRUE(put(parent, at(1), 2) && put(parent, at(0), 1));
  {
    auto child = parent.fork(machine);
    ASSERT_TRUE(child);
    EXPECT_TRUE(machine.entries.empty());
    EXPECT_EQ(process.machine.fault_of(parent, process.frames), std::nullopt);
    EXPECT_EQ(process.frames.used(), 2U);
    EXPECT_EQ(byte_at(*child, at(0)), 1);
    ASSERT_TRUE(put(parent, at(0), 3));
    ASSERT_TRUE(put(*child, at(1), 4) && put(*child, at(2), 5));
    EXPECT_EQ(byte_at(*child, at(0)), 1);
    EXPECT_EQ(byte_at(parent, at(0)), 3);
    EXPECT_EQ(byte_at(parent, at(1)), 2);
    EXPECT_EQ(byte_at(parent, at(2)), 0);
    EXPECT_EQ(machine.fault_of(*child, process.frames), std::nullopt);
    EXPECT_EQ(process.machine.fault_of(parent, process.frames), std::nullopt);
  }
  EXPECT_TRUE(machine.entries.empty());
  EXPECT_EQ(process.frames.used(), 3U);
}

TEST(Space, the_last_who_has_a_frame_writes_in_place) {
  Process process;
  Machine machine;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(put(parent, at(0), 1));
  const FrameId frame = parent.page(at(0))->frame;
  auto child = parent.fork(machine);
  ASSERT_TRUE(child);
  ASSERT_TRUE(put(*child, at(0), 2));
  ASSERT_TRUE(put(parent, at(0), 3));
  EXPECT_EQ(parent.page(at(0))->frame, frame);
  EXPECT_EQ(process.frames.used(), 2U);
}

TEST(Space, what_both_will_write_is_copied_at_fork_C4_01) {
  Process process;
  Machine machine;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap(anonymous(at(0), pages(3))));
  ASSERT_TRUE(put(parent, at(1), 2) && put(parent, at(0), 1));
  const std::array written{at(1, 8), at(2), at(9)};
  auto child = parent.fork(machine, written);
  ASSERT_TRUE(child);
  EXPECT_EQ(process.frames.used(), 3U);
  EXPECT_EQ(process.machine.entries.at(at(1).raw() / kPageSize).access, Access::ReadWrite);
  EXPECT_EQ(machine.entries.at(at(1).raw() / kPageSize).access, Access::ReadWrite);
  EXPECT_EQ(machine.entries.size(), 1U);
  ASSERT_TRUE(put(parent, at(1), 3));
  EXPECT_EQ(byte_at(*child, at(1)), 2);
  EXPECT_EQ(byte_at(*child, at(0)), 1);
  EXPECT_EQ(machine.fault_of(*child, process.frames), std::nullopt);
  EXPECT_EQ(process.machine.fault_of(parent, process.frames), std::nullopt);
}

TEST(Space, writes_again_to_neighbours_with_one_fault_when_the_child_has_gone_C4_01) {
  Process process;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap(anonymous(at(0), pages(6))));
  for (std::uint64_t i = 0; i < 6; ++i) ASSERT_TRUE(put(parent, at(i), 1));
  {
    Machine machine;
    auto child = parent.fork(machine);
    ASSERT_TRUE(child);
    ASSERT_TRUE(put(parent, at(0), 2));
    EXPECT_EQ(process.machine.entries.at(at(1).raw() / kPageSize).access, Access::Read);
  }
  ASSERT_TRUE(put(parent, at(1), 2));
  for (std::uint64_t i = 0; i < 6; ++i)
    EXPECT_EQ(process.machine.entries.at(at(i).raw() / kPageSize).access, Access::ReadWrite);
  EXPECT_EQ(process.machine.fault_of(parent, process.frames), std::nullopt);
}

TEST(Space, shared_memory_is_shared_with_a_child_C4_01) {
  Process process;
  Machine machine;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap({.address = at(0),
                           .length = pages(2),
                           .protection = kRw,
                           .flags = kMapShared | kMapAnonymous | kMapFixed}));
  ASSERT_TRUE(put(parent, at(0), 1));
  auto child = parent.fork(machine);
  ASSERT_TRUE(child);
  ASSERT_TRUE(put(*child, at(0), 2) && put(*child, at(1), 3));
  EXPECT_EQ(byte_at(parent, at(0)), 2);
  EXPECT_EQ(byte_at(parent, at(1)), 3);
  EXPECT_EQ(process.frames.used(), 2U);
  parent.clear();
  EXPECT_EQ(byte_at(*child, at(0)), 2);
  child->clear();
  EXPECT_EQ(process.frames.used(), 0U);
}

TEST(Space, copies_on_write_only_while_there_is_memory_C4_10) {
  Process process(1);
  Machine machine;
  Space& parent = process.space;
  ASSERT_TRUE(parent.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(put(parent, at(0), 1));
  auto child = parent.fork(machine);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->fault(at(0), Touch::Write).error(), Errno::NoMemory);
  EXPECT_EQ(byte_at(*child, at(0)), 1);
  parent.clear();
  EXPECT_EQ(child->fault(at(0), Touch::Write).value(), FaultResult::Handled);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
