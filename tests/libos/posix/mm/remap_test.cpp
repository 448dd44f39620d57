#include <gtest/gtest.h>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

TEST(Remap, refuses_what_Linux_refuses_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2))));
  ASSERT_TRUE(space.mmap(anonymous(at(2), pages(1), kProtRead)));
  const auto error = [&](const Space::RemapRequest& request) { return space.mremap(request).error(); };
  EXPECT_EQ(error({.address = at(0), .old_length = pages(1), .new_length = {}}), Errno::Invalid);
  EXPECT_EQ(error({.address = at(0, 1), .old_length = pages(1), .new_length = pages(1)}), Errno::Invalid);
  EXPECT_EQ(error({.address = at(0), .old_length = {}, .new_length = pages(1)}), Errno::Invalid);
  EXPECT_EQ(error({.address = at(0), .old_length = pages(1), .new_length = pages(1), .flags = 8}),
            Errno::Invalid);
  EXPECT_EQ(error({.address = at(0), .old_length = pages(1), .new_length = pages(1), .flags = kRemapFixed}),
            Errno::Invalid);
  EXPECT_EQ(error({.address = at(9), .old_length = pages(1), .new_length = pages(2)}), Errno::Fault);
  EXPECT_EQ(error({.address = at(0), .old_length = pages(3), .new_length = pages(4), .flags = kRemapMayMove}),
            Errno::Fault);
  EXPECT_EQ(error({.address = at(0), .old_length = pages(2), .new_length = pages(3)}), Errno::NoMemory);
  EXPECT_EQ(error({.address = at(0),
                   .old_length = pages(2),
                   .new_length = pages(2),
                   .flags = kRemapMayMove | kRemapFixed,
                   .new_address = at(1)}),
            Errno::Invalid);
}

TEST(Remap, grows_in_place_or_moves_with_its_pages_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(put(space, at(0), 5));
  EXPECT_EQ(space.mremap({.address = at(0), .old_length = pages(1), .new_length = pages(2)}).value(), at(0));
  ASSERT_TRUE(put(space, at(1), 6));
  ASSERT_TRUE(space.mmap(anonymous(at(2), pages(1), kProtRead)));
  const auto moved = space.mremap(
      {.address = at(0), .old_length = pages(2), .new_length = pages(3), .flags = kRemapMayMove});
  ASSERT_TRUE(moved);
  EXPECT_EQ(byte_at(space, *moved), 5);
  EXPECT_EQ(byte_at(space, *moved + pages(1)), 6);
  EXPECT_EQ(byte_at(space, *moved + pages(2)), 0);
  EXPECT_EQ(byte_at(space, at(0)), std::nullopt);
  EXPECT_EQ(space.size(), pages(4));
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  EXPECT_EQ(space.mremap({.address = *moved, .old_length = pages(3), .new_length = pages(1)}).value(),
            *moved);
  EXPECT_EQ(byte_at(space, *moved + pages(1)), std::nullopt);
  EXPECT_EQ(space
                .mremap({.address = *moved,
                         .old_length = pages(1),
                         .new_length = pages(2),
                         .flags = kRemapMayMove | kRemapFixed,
                         .new_address = at(2)})
                .value(),
            at(2));
  EXPECT_EQ(byte_at(space, at(2)), 5);
  EXPECT_TRUE(put(space, at(3), 1));
}

TEST(Remap, of_nothing_makes_a_second_view_of_shared_memory) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap({.address = at(0),
                          .length = pages(2),
                          .protection = kRw,
                          .flags = kMapShared | kMapAnonymous | kMapFixed}));
  const auto second = space.mremap({.address = at(1), .new_length = pages(1), .flags = kRemapMayMove});
  ASSERT_TRUE(second);
  ASSERT_TRUE(put(space, at(1), 8));
  EXPECT_EQ(byte_at(space, *second), 8);
}

TEST(Remap, leaves_an_empty_area_behind_when_it_is_told) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(put(space, at(0), 5));
  const auto moved = space.mremap({.address = at(0),
                                   .old_length = pages(1),
                                   .new_length = pages(1),
                                   .flags = kRemapMayMove | kRemapDontUnmap});
  ASSERT_TRUE(moved);
  EXPECT_EQ(byte_at(space, *moved), 5);
  EXPECT_EQ(byte_at(space, at(0)), 0);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
