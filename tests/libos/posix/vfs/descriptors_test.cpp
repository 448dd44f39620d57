#include "libos/posix/vfs/descriptors.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

Ref<File> some_file() { return make_shared<File>(Ref<Inode>(), flag::kReadWrite).value(); }

TEST(Descriptors, the_lowest_free_number_comes_first_C4_18) {
  Descriptors table;
  const auto file = some_file();
  for (Descriptor i = 0; i < 5; ++i) EXPECT_EQ(table.add(file, false).value(), i);
  ASSERT_TRUE(table.close(3).has_value());
  ASSERT_TRUE(table.close(1).has_value());
  EXPECT_EQ(table.close(1).error(), Errno::BadDescriptor);
  EXPECT_EQ(table.get(-1).error(), Errno::BadDescriptor);
  EXPECT_EQ(table.get(99).error(), Errno::BadDescriptor);
  EXPECT_EQ(table.duplicate(0, false, 2).value(), 3);
  EXPECT_EQ(table.duplicate(0).value(), 1);
  EXPECT_EQ(table.duplicate(0).value(), 5);
  EXPECT_EQ(table.duplicate(0, true, 20).value(), 20);
  EXPECT_TRUE(table.close_on_exec(20).value());
  EXPECT_EQ(table.next_open(6).value(), 20);
  EXPECT_FALSE(table.next_open(21).has_value());
  EXPECT_EQ(table.duplicate(7).error(), Errno::BadDescriptor);
}

TEST(Descriptors, their_number_is_limited_with_EMFILE_C4_18) {
  Descriptors table;
  table.set_limit(2);
  const auto file = some_file();
  ASSERT_TRUE(table.add(file, false).has_value());
  ASSERT_TRUE(table.add(file, false).has_value());
  EXPECT_EQ(table.add(file, false).error(), Errno::TooManyFiles);
  EXPECT_EQ(table.duplicate(0, false, 2).error(), Errno::Invalid);
  EXPECT_EQ(table.duplicate(0, false, -1).error(), Errno::Invalid);
  EXPECT_EQ(table.duplicate_to(0, 2).error(), Errno::BadDescriptor);
  EXPECT_EQ(table.duplicate_to(0, -1).error(), Errno::BadDescriptor);
  ASSERT_TRUE(table.close(0).has_value());
  EXPECT_EQ(table.add(file, false).value(), 0);
}

TEST(Descriptors, dup2_replaces_and_dup3_refuses_the_same_number_C4_18) {
  Descriptors table;
  const auto first = some_file(), second = some_file();
  ASSERT_TRUE(table.add(first, false).has_value());
  ASSERT_TRUE(table.add(second, true).has_value());
  EXPECT_EQ(table.duplicate_to(0, 1).value(), second);
  EXPECT_EQ(table.get(1).value(), first);
  EXPECT_FALSE(table.close_on_exec(1).value()) << "a new descriptor stays open on exec";
  EXPECT_FALSE(table.duplicate_to(0, 0).value());
  EXPECT_EQ(table.duplicate_to(9, 9).error(), Errno::BadDescriptor);
  EXPECT_EQ(table.duplicate_to_other(0, 0, false).error(), Errno::Invalid);
  EXPECT_EQ(table.duplicate_to_other(9, 0, false).error(), Errno::BadDescriptor);
  EXPECT_FALSE(table.duplicate_to_other(0, 7, true).value());
  EXPECT_TRUE(table.close_on_exec(7).value());
  EXPECT_EQ(table.add(first, false).value(), 2);
}

TEST(Descriptors, fork_copies_them_and_exec_closes_those_marked_C4_18) {
  Descriptors table;
  auto file = some_file();
  ASSERT_TRUE(table.add(file, false).has_value());
  ASSERT_TRUE(table.add(file, true).has_value());
  ASSERT_TRUE(table.add(file, false).has_value());
  ASSERT_TRUE(table.set_close_on_exec(2, true).has_value());
  EXPECT_EQ(table.set_close_on_exec(5, true).error(), Errno::BadDescriptor);
  Descriptors child = table.copy().value();
  EXPECT_EQ(file->references(), 7U);
  while (const auto next = child.next_to_close_on_exec()) ASSERT_TRUE(child.close(*next).has_value());
  EXPECT_EQ(file->references(), 5U);
  EXPECT_TRUE(child.get(0).has_value());
  EXPECT_EQ(child.add(file, false).value(), 1);
  EXPECT_TRUE(table.get(1).has_value());
  child.close_all();
  EXPECT_EQ(child.add(file, false).value(), 0);
}

RC_GTEST_PROP(Descriptors, are_a_map_of_numbers_C4_18, (const std::vector<std::uint16_t>& commands)) {
  Descriptors table;
  table.set_limit(20);
  std::map<Descriptor, File*> model;
  const auto lowest = [&](Descriptor from) {
    while (model.contains(from)) ++from;
    return from;
  };
  for (const auto command : commands) {
    const Descriptor a = command / 4 % 24, b = command / 128 % 24;
    if (command % 4 == 0) {
      const auto file = some_file();
      const auto made = table.add(file, false);
      RC_ASSERT(made.has_value() == (lowest(0) < 20));
      if (!made) continue;
      RC_ASSERT(*made == lowest(0));
      model[*made] = file.get();
    } else if (command % 4 == 1) {
      RC_ASSERT(table.close(a).has_value() == (model.erase(a) == 1));
    } else if (command % 4 == 2) {
      const auto made = table.duplicate(a, false, b);
      const bool works = model.contains(a) && b < 20 && lowest(b) < 20;
      RC_ASSERT(made.has_value() == works);
      if (!works) continue;
      RC_ASSERT(*made == lowest(b));
      model[*made] = model[a];
    } else {
      const bool works = model.contains(a) && (b < 20 || a == b);
      RC_ASSERT(table.duplicate_to(a, b).has_value() == works);
      if (works) model[b] = model[a];
    }
    for (Descriptor i = 0; i < 24; ++i) {
      const auto file = table.get(i);
      RC_ASSERT(file.has_value() == model.contains(i));
      if (file) RC_ASSERT(file->get() == model[i]);
    }
  }
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test
