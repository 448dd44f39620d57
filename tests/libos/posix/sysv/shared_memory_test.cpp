#include "libos/posix/sysv/shared_memory.hpp"

#include <gtest/gtest.h>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::sysv::test {
namespace {

using core::VirtAddr;
using mm::test::at;
using mm::test::byte_at;
using mm::test::pages;
using mm::test::put;
using namespace shared_memory;

template <class T>
Errno error_of(const Answer<T>& answer) {
  return answer ? Errno{} : answer.error();
}

struct SharedSegments : testing::Test {
  Caller root{.who = {}, .pid = 1, .now = 100};
  mm::test::Process process;
  mm::Space& space = process.space;
  Segments segments;
  Answer<Id> get(std::int32_t key, std::uint64_t size, std::uint32_t flags) {
    return segments.get(process.frames, root, key, size, flags);
  }
};

TEST_F(SharedSegments, are_found_by_key_and_shared_C4_11) {
  const auto id = get(7, 5000, kCreate | 0600).value();
  EXPECT_EQ(get(7, 100, 0).value(), id);
  EXPECT_EQ(error_of(get(7, 6000, 0)), Errno::Invalid);
  EXPECT_EQ(error_of(get(7, 100, kCreate | kExclusive)), Errno::Exists);
  EXPECT_EQ(error_of(get(8, 100, 0)), Errno::NoEntry);
  EXPECT_EQ(error_of(get(8, 0, kCreate)), Errno::Invalid);
  EXPECT_NE(get(kPrivate, 100, 0).value(), get(kPrivate, 100, 0).value());
  const auto first = segments.attach(space, root, id, VirtAddr(0), 0).value();
  const auto second = segments.attach(space, root, id, at(0), 0).value();
  EXPECT_EQ(second, at(0));
  ASSERT_TRUE(put(space, first, 'x'));
  EXPECT_EQ(byte_at(space, second), 'x');
  mm::test::Machine machine;
  mm::Space child = space.fork(machine).value();
  ASSERT_TRUE(put(child, first, 'y'));
  EXPECT_EQ(byte_at(space, second), 'y');
  const auto stat = segments.stat(root, id).value();
  EXPECT_EQ(stat.attaches, 4U);
  EXPECT_EQ(stat.size, 5000U);
  EXPECT_EQ(stat.attached, 100);
}

TEST_F(SharedSegments, are_detached_where_they_begin_C4_11) {
  const auto id = get(kPrivate, 3 * 4096, 0600).value();
  ASSERT_TRUE(segments.attach(space, root, id, at(0), 0));
  EXPECT_EQ(error_of(segments.detach(space, root, at(1))), Errno::Invalid);
  ASSERT_TRUE(space.munmap(at(1), pages(1)));
  EXPECT_TRUE(segments.detach(space, root, at(0)));
  EXPECT_EQ(space.size().raw(), 0U) << "with what is left behind a hole";
  EXPECT_EQ(error_of(segments.detach(space, root, at(0))), Errno::Invalid);
  ASSERT_TRUE(space.mmap(mm::test::anonymous(at(5), pages(1), mm::test::kRw, mm::kMapFixed)));
  EXPECT_EQ(error_of(segments.detach(space, root, at(5))), Errno::Invalid);
}

TEST_F(SharedSegments, that_are_removed_live_while_they_are_attached_C4_11) {
  const auto id = get(9, 4096, kCreate | 0600).value();
  const auto where = segments.attach(space, root, id, VirtAddr(0), 0).value();
  ASSERT_TRUE(put(space, where, 'x'));
  EXPECT_TRUE(segments.remove(root, id));
  EXPECT_EQ(error_of(get(9, 1, 0)), Errno::NoEntry);
  EXPECT_NE(segments.stat(root, id).value().permissions.mode & kDestroyed, 0U);
  const auto again = segments.attach(space, root, id, VirtAddr(0), 0).value();
  EXPECT_EQ(byte_at(space, again), 'x');
  ASSERT_TRUE(segments.detach(space, root, where));
  ASSERT_TRUE(segments.detach(space, root, again));
  EXPECT_EQ(process.frames.used(), 0U);
  EXPECT_EQ(error_of(segments.stat(root, id)), Errno::Invalid);
  const auto next = get(9, 4096, kCreate).value();
  EXPECT_NE(next, id) << "a number comes back late";
  EXPECT_TRUE(segments.remove(root, next));
  EXPECT_EQ(segments.table().used(), 0U);
}

TEST_F(SharedSegments, are_for_who_may_and_as_they_may_C4_11) {
  const auto id = get(7, 4096, kCreate | 0640).value();
  const Caller stranger{.who = {.uid = 5, .gid = 5, .groups = {}}, .pid = 2, .now = 1};
  EXPECT_EQ(error_of(segments.attach(space, stranger, id, VirtAddr(0), 0)), Errno::Access);
  EXPECT_EQ(error_of(segments.get(process.frames, stranger, 7, 1, 0400)), Errno::Access);
  EXPECT_EQ(error_of(segments.remove(stranger, id)), Errno::Perm);
  Permissions to{};
  to.gid = 5;
  to.mode = 0640;
  EXPECT_TRUE(segments.set(root, id, to));
  EXPECT_EQ(error_of(segments.attach(space, stranger, id, VirtAddr(0), 0)), Errno::Access);
  const auto where = segments.attach(space, stranger, id, VirtAddr(0), kReadOnly).value();
  EXPECT_FALSE(put(space, where, 1));
  EXPECT_EQ(error_of(space.mprotect(where, pages(1), mm::test::kRw)), Errno::Access);
}

TEST_F(SharedSegments, are_placed_as_Linux_places_them_C4_11) {
  const auto id = get(kPrivate, 4096, 0600).value();
  EXPECT_EQ(error_of(segments.attach(space, root, id, at(0, 5), 0)), Errno::Invalid);
  EXPECT_EQ(segments.attach(space, root, id, at(0, 5), kRound).value(), at(0));
  EXPECT_EQ(error_of(segments.attach(space, root, id, at(0), 0)), Errno::Invalid) << "something is there";
  EXPECT_EQ(segments.attach(space, root, id, at(0), kRemap).value(), at(0));
  EXPECT_EQ(error_of(segments.attach(space, root, id, VirtAddr(0), kRemap)), Errno::Invalid);
  EXPECT_EQ(error_of(segments.attach(space, root, 12'345, VirtAddr(0), 0)), Errno::Invalid);
  EXPECT_EQ(error_of(segments.attach(space, root, -1, VirtAddr(0), 0)), Errno::Invalid);
}

TEST_F(SharedSegments, are_bounded_in_number_C4_11) {
  for (std::size_t i = 0; i < kMost; ++i) ASSERT_TRUE(get(kPrivate, 1, 0));
  EXPECT_EQ(error_of(get(kPrivate, 1, 0)), Errno::NoSpace);
}

}  // namespace
}  // namespace fb::libos::posix::sysv::test
