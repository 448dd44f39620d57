// mmap, munmap, mprotect, madvise, brk.
#include <gtest/gtest.h>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

TEST(Space, refuses_what_Linux_refuses_to_map_C4_01) {
  Process process;
  Space& space = process.space;
  const auto error = [&](const MapRequest& request) { return space.mmap(request).error(); };
  EXPECT_EQ(error(anonymous({}, {})), Errno::Invalid);
  EXPECT_EQ(error(anonymous({}, ByteCount(~std::uint64_t{0}))), Errno::NoMemory);
  EXPECT_EQ(error(anonymous({}, ByteCount(kTop), kRw, 0)), Errno::NoMemory);
  EXPECT_EQ(error(anonymous(at(0, 1), pages(1))), Errno::Invalid);
  EXPECT_EQ(error(anonymous(VirtAddr(0x1000), pages(1))), Errno::Perm);
  EXPECT_EQ(error(anonymous(VirtAddr(kTop), pages(1))), Errno::NoMemory);
  EXPECT_EQ(error(anonymous(VirtAddr(~std::uint64_t{0} << 12), pages(1))), Errno::NoMemory);
  EXPECT_EQ(error({.length = pages(1), .flags = kMapAnonymous}), Errno::Invalid);
  EXPECT_EQ(error({.length = pages(1), .flags = kMapAnonymous | kMapSharedValidate}), Errno::Invalid);
  EXPECT_EQ(error({.length = pages(1), .flags = kMapPrivate}), Errno::BadDescriptor);
  EXPECT_EQ(error({.length = pages(1), .flags = kMapAnonymous | kMapShared | kMapGrowsDown}), Errno::Invalid);
  EXPECT_TRUE(space.mmap(anonymous(VirtAddr(kTop - kPageSize), pages(1))));
  EXPECT_EQ(space.size(), pages(1));
}

TEST(Space, lets_a_descriptor_limit_what_is_done_with_its_mapping_C4_01) {
  Process process;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 2U).value();
  MapRequest request{
      .length = pages(1), .protection = kRw, .flags = kMapShared, .backing = file, .most = kProtRead};
  EXPECT_EQ(space.mmap(request).error(), Errno::Access);
  request.protection = kProtExecute;
  EXPECT_EQ(space.mmap(request).error(), Errno::Perm);
  request.protection = kProtRead;
  const auto shared = space.mmap(request);
  ASSERT_TRUE(shared);
  EXPECT_EQ(space.mprotect(*shared, pages(1), kRw).error(), Errno::Access);
  request.flags = kMapPrivate;
  const auto copied = space.mmap(request);
  ASSERT_TRUE(copied);
  EXPECT_TRUE(space.mprotect(*copied, pages(1), kRw));
  request.most = kProtWrite;
  EXPECT_EQ(space.mmap(request).error(), Errno::Access);
  request.most = kProtAll;
  request.offset = ByteCount(1);
  EXPECT_EQ(space.mmap(request).error(), Errno::Invalid);
  request.offset = ByteCount(~std::uint64_t{0} << 12);
  EXPECT_EQ(space.mmap(request).error(), Errno::Overflow);
  request.flags = kMapSharedValidate | 0x8000'0000;
  EXPECT_EQ(space.mmap(request).error(), Errno::NotSupported);
}

TEST(Space, maps_where_it_is_told_and_replaces_only_when_it_is_told_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_EQ(space.mmap(anonymous(at(0), pages(4))).value(), at(0));
  ASSERT_TRUE(put(space, at(1), 7));
  EXPECT_EQ(space.mmap(anonymous(at(1), pages(1), kRw, kMapFixedNoReplace)).error(), Errno::Exists);
  EXPECT_EQ(space.mmap(anonymous(at(4), pages(1), kRw, kMapFixedNoReplace)).value(), at(4));
  EXPECT_NE(space.mmap(anonymous(at(1), pages(1), kRw, 0)).value(), at(1));
  EXPECT_EQ(space.mmap(anonymous(at(8, 5), pages(1), kRw, 0)).value(), at(8));
  EXPECT_EQ(byte_at(space, at(1)), 7);
  EXPECT_EQ(space.mmap(anonymous(at(1), pages(1))).value(), at(1));
  EXPECT_EQ(byte_at(space, at(1)), 0);
  const auto first = space.mmap(anonymous({}, pages(3), kProtRead, 0)).value();
  EXPECT_EQ(space.mmap(anonymous({}, pages(3), kRw, 0)).value() + pages(3), first);
  space.set_limits({.mmap_base = VirtAddr(~std::uint64_t{0})});
  EXPECT_EQ(space.mmap(anonymous({}, pages(1), kProtNone, 0)).value(), VirtAddr(kTop - kPageSize));
  const auto low = space.mmap(anonymous({}, pages(3), kRw, kMap32Bit)).value();
  EXPECT_LE(low.raw(), 0x7fff'd000U);
}

TEST(Space, unmaps_parts_and_nothing_at_all_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(4))));
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(put(space, at(i), 1));
  EXPECT_EQ(space.munmap(at(0, 1), pages(1)).error(), Errno::Invalid);
  EXPECT_EQ(space.munmap(at(0), {}).error(), Errno::Invalid);
  EXPECT_EQ(space.munmap(VirtAddr(kTop), pages(1)).error(), Errno::Invalid);
  EXPECT_EQ(space.munmap(at(0), ByteCount(~std::uint64_t{0})).error(), Errno::Invalid);
  EXPECT_TRUE(space.munmap(at(1), ByteCount(4097)));
  EXPECT_TRUE(space.munmap(at(1), pages(2)));
  EXPECT_EQ(byte_at(space, at(0)), 1);
  EXPECT_EQ(byte_at(space, at(1)), std::nullopt);
  EXPECT_EQ(byte_at(space, at(3)), 1);
  EXPECT_EQ(space.resident().raw(), 2U);
  EXPECT_EQ(process.frames.used(), 2U);
  EXPECT_EQ(process.machine.entries.size(), 2U);
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  space.clear();
  EXPECT_EQ(process.frames.used(), 0U);
  EXPECT_TRUE(process.machine.entries.empty());
}

TEST(Space, protects_up_to_where_it_cannot_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2))));
  ASSERT_TRUE(put(space, at(0), 1) && put(space, at(1), 2));
  EXPECT_EQ(space.mprotect(at(0, 1), pages(1), kProtRead).error(), Errno::Invalid);
  EXPECT_EQ(space.mprotect(at(0), pages(1), 0x10).error(), Errno::Invalid);
  EXPECT_TRUE(space.mprotect(at(9), {}, kProtRead));
  EXPECT_EQ(space.mprotect(at(0), ByteCount(~std::uint64_t{0}), kProtRead).error(), Errno::NoMemory);
  EXPECT_EQ(space.mprotect(at(9), pages(1), kProtRead).error(), Errno::NoMemory);
  EXPECT_EQ(space.mprotect(at(1), pages(2), kProtRead).error(), Errno::NoMemory);
  EXPECT_FALSE(put(space, at(1), 3));
  EXPECT_EQ(byte_at(space, at(1)), 2);
  EXPECT_TRUE(put(space, at(0), 3));
  EXPECT_TRUE(space.mprotect(at(0), pages(2), kProtNone));
  EXPECT_TRUE(process.machine.entries.empty());
  EXPECT_EQ(byte_at(space, at(0)), std::nullopt);
  EXPECT_TRUE(space.mprotect(at(0), pages(2), kProtWrite));
  EXPECT_EQ(byte_at(space, at(0)), 3);
  EXPECT_TRUE(put(space, at(1), 4));
  EXPECT_EQ(space.mprotect(at(0), pages(1), kProtRead | kProtGrowsDown).error(), Errno::Invalid);
}

TEST(Space, protects_a_stack_down_to_its_end) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(8), kRw, kMapFixed | kMapGrowsDown)));
  EXPECT_TRUE(space.mprotect(at(7), pages(1), kProtRead | kProtGrowsDown));
  EXPECT_FALSE(put(space, at(0), 1));
  EXPECT_EQ(space.mprotect(at(7), pages(1), kRw | kProtGrowsUp).error(), Errno::Invalid);
}

TEST(Space, takes_advice_C4_01) {
  Process process;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 2U).value();
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2))));
  ASSERT_TRUE(space.mmap({.address = at(3),
                          .length = pages(1),
                          .protection = kRw,
                          .flags = kMapPrivate | kMapFixed,
                          .backing = file}));
  ASSERT_TRUE(put(space, at(0), 1) && put(space, at(1), 2) && put(space, at(3), 3));
  EXPECT_TRUE(space.madvise(at(0), pages(2), Advice::WillNeed));
  EXPECT_EQ(space.madvise(at(0, 1), pages(2), Advice::WillNeed).error(), Errno::Invalid);
  EXPECT_EQ(space.madvise(at(0), pages(2), Advice{99}).error(), Errno::Invalid);
  EXPECT_EQ(space.madvise(at(0), ByteCount(~std::uint64_t{0}), Advice::DontNeed).error(), Errno::Invalid);
  EXPECT_EQ(space.madvise(at(3), pages(1), Advice::Free).error(), Errno::Invalid);
  EXPECT_TRUE(space.madvise(at(0), pages(1), Advice::DontNeed));
  EXPECT_EQ(byte_at(space, at(0)), 0);
  EXPECT_EQ(space.madvise(at(1), pages(3), Advice::DontNeed).error(), Errno::NoMemory);
  EXPECT_EQ(byte_at(space, at(1)), 0);
  EXPECT_EQ(byte_at(space, at(3)), 'a');
}

TEST(Space, moves_its_break_C4_01) {
  Process process(10'000, {.data = pages(10)});
  Space& space = process.space;
  space.set_brk(at(0, 100));
  EXPECT_EQ(space.brk({}), at(0, 100));
  EXPECT_EQ(space.brk(at(2, 5)), at(2, 5));
  ASSERT_TRUE(put(space, at(2, 6), 9));
  EXPECT_FALSE(put(space, at(0, 200), 9));  // the page of the data before it is not the break's
  EXPECT_EQ(space.brk(at(11)), at(2, 5));
  EXPECT_EQ(space.brk(VirtAddr(~std::uint64_t{0})), at(2, 5));
  EXPECT_EQ(space.brk(at(1)), at(1));
  EXPECT_EQ(space.brk(at(3)), at(3));
  EXPECT_EQ(byte_at(space, at(2, 6)), 0);
  ASSERT_TRUE(space.mmap(anonymous(at(5), pages(1))));
  EXPECT_EQ(space.brk(at(5)), at(3));
  EXPECT_EQ(space.brk(at(4)), at(4));
}

TEST(Space, stays_within_its_address_space_limit_C4_10) {
  Process process(10'000, {.address_space = pages(4)});
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(3))));
  EXPECT_EQ(space.mmap(anonymous({}, pages(2), kRw, 0)).error(), Errno::NoMemory);
  EXPECT_TRUE(space.mmap(anonymous(at(1), pages(3))));
  EXPECT_EQ(space.size(), pages(4));
  EXPECT_EQ(
      space.mremap({.address = at(0), .old_length = pages(4), .new_length = pages(5), .flags = kRemapMayMove})
          .error(),
      Errno::NoMemory);
  space.set_brk(at(100));
  EXPECT_EQ(space.brk(at(101)), at(100));
}

TEST(Space, populates_as_far_as_there_is_memory_C4_10) {
  Process process(3);
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2), kRw, kMapFixed | kMapPopulate)));
  EXPECT_EQ(process.machine.entries.size(), 2U);
  ASSERT_TRUE(space.mmap(anonymous(at(4), pages(2), kRw, kMapFixed | kMapPopulate)));
  EXPECT_EQ(process.machine.entries.size(), 3U);
  EXPECT_EQ(space.fault(at(5), Touch::Read).error(), Errno::NoMemory);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
