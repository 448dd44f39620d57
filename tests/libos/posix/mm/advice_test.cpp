#include <gtest/gtest.h>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

struct Advised : testing::Test {
  Process process;
  Space& space = process.space;
  void SetUp() override { ASSERT_TRUE(space.mmap(anonymous(at(0), pages(6)))); }
  Errno advise(std::uint64_t first, std::uint64_t count, Advice advice) {
    const auto answer = space.madvise(at(first), pages(count), advice);
    return answer ? Errno{} : answer.error();
  }
};

TEST_F(Advised, children_get_what_advice_leaves_them_C4_01) {
  for (std::uint64_t i = 0; i < 6; ++i) ASSERT_TRUE(put(space, at(i), 'a'));
  EXPECT_EQ(advise(1, 1, Advice::DontFork), Errno{});
  EXPECT_EQ(advise(2, 2, Advice::WipeOnFork), Errno{});
  EXPECT_EQ(advise(3, 1, Advice::KeepOnFork), Errno{});
  Machine machine;
  Space child = space.fork(machine).value();
  EXPECT_EQ(byte_at(child, at(0)), 'a');
  EXPECT_EQ(byte_at(child, at(1)), std::nullopt);
  EXPECT_EQ(byte_at(child, at(2)), 0);
  EXPECT_EQ(byte_at(child, at(3)), 'a');
  EXPECT_EQ(byte_at(space, at(2)), 'a');
  EXPECT_EQ(child.size(), pages(5));
  ASSERT_TRUE(put(child, at(2), 'c'));
  Machine second_machine;
  Space grandchild = child.fork(second_machine).value();
  EXPECT_EQ(byte_at(grandchild, at(2)), 0) << "the advice is inherited";
  EXPECT_EQ(machine.fault_of(child, process.frames), std::nullopt);
  EXPECT_EQ(advise(1, 3, Advice::DoFork), Errno{});
  EXPECT_EQ(space.areas().size(), 1U);
}

TEST_F(Advised, pages_can_be_loaded_ahead_with_all_that_a_touch_finds_C4_10) {
  EXPECT_EQ(advise(0, 6, Advice::PopulateRead), Errno{});
  EXPECT_EQ(space.resident().raw(), 6U);
  ASSERT_TRUE(space.mprotect(at(3), pages(1), kProtRead));
  EXPECT_EQ(advise(0, 6, Advice::PopulateWrite), Errno::Invalid);
  EXPECT_EQ(advise(4, 4, Advice::PopulateRead), Errno::NoMemory);
  const auto file = make_shared<File>(process.frames, std::size_t{1}).value();
  ASSERT_TRUE(space.mmap({.address = at(10),
                          .length = pages(2),
                          .protection = kProtRead,
                          .flags = kMapShared | kMapFixed,
                          .backing = file}));
  EXPECT_EQ(advise(10, 2, Advice::PopulateRead), Errno::Fault);
}

TEST_F(Advised, hints_change_nothing_and_nonsense_is_refused_C4_10) {
  ASSERT_TRUE(put(space, at(0), 'a'));
  for (const auto hint :
       {Advice::Normal, Advice::Random, Advice::Sequential, Advice::WillNeed, Advice::Mergeable,
        Advice::HugePage, Advice::NoHugePage, Advice::Cold, Advice::PageOut, Advice::Collapse}) {
    EXPECT_EQ(advise(0, 6, hint), Errno{});
  }
  EXPECT_EQ(byte_at(space, at(0)), 'a');
  EXPECT_EQ(advise(0, 6, Advice::Remove), Errno::Invalid);
  for (const auto bad : {5U, 7U, 26U, 100U, ~0U})
    EXPECT_EQ(advise(0, 1, static_cast<Advice>(bad)), Errno::Invalid);
  EXPECT_EQ(advise(4, 4, Advice::DontDump), Errno::NoMemory);
  EXPECT_TRUE(space.area(at(5))->no_dump) << "after all the rest";
  EXPECT_EQ(advise(0, 6, Advice::DoDump), Errno{});
  EXPECT_EQ(space.areas().size(), 1U);
}

TEST_F(Advised, limits_of_data_count_private_memory_that_is_written_C4_12) {
  space.set_limits({.data = pages(10)});
  EXPECT_TRUE(space.mmap(anonymous(at(20), pages(4))));
  EXPECT_EQ(space.mmap(anonymous(at(30), pages(1))).error(), Errno::NoMemory);
  EXPECT_TRUE(space.mmap(anonymous(at(30), pages(1), kProtRead)));
  space.set_brk(at(40));
  EXPECT_EQ(space.brk(at(41)), at(40));
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
