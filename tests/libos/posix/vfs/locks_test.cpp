#include "libos/posix/vfs/locks.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <memory>

#include "libos/posix/vfs/descriptors.hpp"
#include "libos/posix/vfs/lock_call.hpp"
#include "tests/libos/posix/vfs/script.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct FileLocks : testing::Test {
  Ref<File> open(std::uint32_t flags = flag::kReadWrite) {
    return make_shared<RegularFile>(inode_, flags).value();
  }
  /// One process's lock of [start, start + length); an errno, or none.
  Errno lock(Descriptors& process, std::int16_t type, std::int64_t start, std::int64_t length,
             Waiter* waiter = nullptr) {
    return error_of(set_lock({*file_, process.lock_owner(), 1, false},
                             {.type = type, .start = start, .length = length}, waiter));
  }
  FileLock look(Descriptors& process, std::int16_t type, std::int64_t start, std::int64_t length) {
    return get_lock({*file_, process.lock_owner(), 1, false},
                    {.type = type, .start = start, .length = length})
        .value();
  }
  static constexpr std::int16_t kR = FileLock::kRead, kW = FileLock::kWrite, kU = FileLock::kUnlock;
  Volume volume_;
  Ref<Inode> inode_ = volume_.root->create("file", regular()).value();
  Ref<File> file_ = open();
  Descriptors one_, two_, three_;
};

TEST_F(FileLocks, of_ranges_exclude_writers_and_tell_who_is_in_the_way_C4_18) {
  EXPECT_EQ(lock(one_, kR, 0, 10), Errno{});
  EXPECT_EQ(lock(two_, kR, 5, 10), Errno{});
  EXPECT_EQ(lock(two_, kW, 10, 5), Errno{}) << "what it has itself is not in its way";
  EXPECT_EQ(lock(one_, kW, 14, 0), Errno::TryAgain);
  EXPECT_EQ(lock(one_, kW, 15, 0), Errno{});
  const auto told = look(two_, kW, 0, 0);
  EXPECT_EQ(told.type, kR);
  EXPECT_EQ(told.start, 0);
  EXPECT_EQ(told.length, 10);
  EXPECT_EQ(look(three_, kR, 100, 1).length, 0) << "up to the end of all";
  EXPECT_EQ(look(three_, kR, 0, 5).type, kU);
  EXPECT_EQ(lock(one_, kU, 0, 0), Errno{});
  EXPECT_EQ(lock(two_, kW, 0, 0), Errno{});
}

TEST_F(FileLocks, refuse_what_Linux_refuses_C4_18) {
  EXPECT_EQ(lock(one_, kR, -1, 1), Errno::Invalid);
  EXPECT_EQ(lock(one_, kR, 5, -6), Errno::Invalid);
  EXPECT_EQ(lock(one_, kR, 5, -5), Errno{});
  EXPECT_EQ(look(two_, kW, 4, 1).length, 5);
  EXPECT_EQ(lock(one_, kR, 1, 0x7fff'ffff'ffff'ffff), Errno{});
  EXPECT_EQ(lock(one_, kR, 2, 0x7fff'ffff'ffff'ffff), Errno::Overflow);
  EXPECT_EQ(lock(one_, 7, 0, 1), Errno::Invalid);
  const auto reading = open(flag::kRead), writing = open(flag::kWrite);
  EXPECT_EQ(error_of(set_lock({*reading, one_.lock_owner(), 1, false}, {.type = kW}, nullptr)),
            Errno::BadDescriptor);
  EXPECT_EQ(error_of(set_lock({*writing, one_.lock_owner(), 1, false}, {.type = kR}, nullptr)),
            Errno::BadDescriptor);
  EXPECT_EQ(error_of(set_lock({*file_, one_.lock_owner(), 1, true}, {.type = kR, .pid = 3}, nullptr)),
            Errno::Invalid);
}

TEST_F(FileLocks, are_waited_for_until_they_are_let_go_of_C4_18) {
  ASSERT_EQ(lock(one_, kW, 0, 10), Errno{});
  Script script({[&] { lock(one_, kU, 0, 5); }, [&] { lock(one_, kU, 0, 0); }});
  EXPECT_EQ(lock(two_, kW, 0, 10, &script), Errno{});
  EXPECT_EQ(script.woken, 2);
  Script interrupted;
  EXPECT_EQ(lock(one_, kW, 0, 10, &interrupted), Errno::Restart);
}

TEST_F(FileLocks, that_wait_for_each_other_are_a_deadlock_C4_18) {
  ASSERT_EQ(lock(one_, kW, 0, 1), Errno{});
  ASSERT_EQ(lock(two_, kW, 1, 1), Errno{});
  ASSERT_EQ(lock(three_, kW, 2, 1), Errno{});
  Errno third{};
  Script waiting_third({[&] {
    Script none;
    third = lock(three_, kW, 0, 1, &none);
  }});
  Script second({[&] { EXPECT_EQ(lock(two_, kW, 2, 1, &waiting_third), Errno::Restart); }});
  // One waits for two, which waits for three, which waits for one.
  EXPECT_EQ(lock(one_, kW, 1, 1, &second), Errno::Restart);
  EXPECT_EQ(third, Errno::Deadlock);
}

TEST_F(FileLocks, are_not_looked_for_with_an_owner_that_is_gone_C4_18) {
  auto gone = std::make_unique<Descriptors>();
  ASSERT_TRUE(gone->add(file_, false));
  ASSERT_EQ(lock(*gone, kW, 0, 1), Errno{});
  ASSERT_EQ(lock(two_, kW, 5, 1), Errno{});
  // The second is woken by the end of the first, and has not run yet when the third asks whom it waits for.
  Script script({[&] {
    gone.reset();
    Script none;
    EXPECT_EQ(lock(three_, kW, 5, 1, &none), Errno::Restart);
  }});
  EXPECT_EQ(lock(two_, kW, 0, 1, &script), Errno{});
}

TEST_F(FileLocks, of_a_process_end_with_any_descriptor_of_the_file_C4_18) {
  ASSERT_EQ(one_.add(file_, false).value(), 0);
  ASSERT_EQ(one_.add(open(), false).value(), 1);
  ASSERT_EQ(lock(one_, kW, 0, 10), Errno{});
  EXPECT_EQ(lock(two_, kW, 0, 10), Errno::TryAgain);
  ASSERT_TRUE(one_.close(1));
  EXPECT_EQ(lock(two_, kW, 0, 10), Errno{});
  EXPECT_EQ(lock(two_, kU, 0, 10), Errno{});
  ASSERT_EQ(lock(one_, kW, 0, 10), Errno{});
  one_.close_all();
  EXPECT_EQ(lock(two_, kW, 0, 10), Errno{});
}

TEST_F(FileLocks, of_a_description_are_its_own_and_end_with_it_C4_18) {
  auto other = open();
  ASSERT_TRUE(set_lock({*other, one_.lock_owner(), 1, true}, {.type = kW}, nullptr));
  EXPECT_EQ(lock(one_, kW, 0, 1), Errno::TryAgain) << "the same process, another owner";
  EXPECT_EQ(look(one_, kW, 0, 1).pid, -1);
  other.reset();
  EXPECT_EQ(lock(one_, kW, 0, 1), Errno{});
}

TEST_F(FileLocks, of_whole_files_convert_and_end_with_their_description_C4_18) {
  Script none;
  auto first = open(), second = open(flag::kRead);
  constexpr std::uint32_t kShared = 1, kExclusive = 2, kNoWait = 4, kUnlock = 8;
  EXPECT_TRUE(lock_whole(*first, kShared, none));
  EXPECT_TRUE(lock_whole(*second, kShared, none));
  EXPECT_EQ(error_of(lock_whole(*first, kExclusive | kNoWait, none)), Errno::TryAgain);
  EXPECT_TRUE(lock_whole(*second, kExclusive | kNoWait, none))
      << "the first lost its lock when it asked for more";
  EXPECT_EQ(error_of(lock_whole(*first, kShared, none)), Errno::Restart);
  Script script({[&] { second.reset(); }});
  EXPECT_TRUE(lock_whole(*first, kShared, script));
  EXPECT_EQ(lock(one_, kW, 0, 0), Errno{}) << "they do not see those of ranges";
  EXPECT_TRUE(lock_whole(*first, kUnlock, none));
  EXPECT_EQ(error_of(lock_whole(*first, 3, none)), Errno::Invalid);
  EXPECT_EQ(error_of(lock_whole(*make_shared<File>(inode_, flag::kPath).value(), kShared, none)),
            Errno::BadDescriptor);
}

TEST_F(FileLocks, are_bounded_C4_18) {
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(Locks::kMost); ++i)
    ASSERT_EQ(lock(one_, kR, 2 * i, 1), Errno{});
  EXPECT_EQ(lock(one_, kR, 1'000'000, 1), Errno::NoLocks);
  EXPECT_EQ(lock(two_, kR, 0, 1), Errno::NoLocks);
  EXPECT_EQ(lock(one_, kU, 0, 1), Errno{});
  EXPECT_EQ(lock(two_, kR, 0, 1), Errno{});
}

/// Two processes, three kinds of lock, 24 bytes: a byte is locked as the last call for it says.
RC_GTEST_PROP(RangeLocks, are_what_an_array_of_bytes_says_C4_18, ()) {
  constexpr std::int64_t kBytes = 24;
  Volume volume;
  const auto inode = volume.root->create("file", regular()).value();
  const auto file = make_shared<RegularFile>(inode, flag::kReadWrite).value();
  std::array<Descriptors, 2> processes;
  std::array<std::array<std::int16_t, kBytes>, 2> model{};
  for (auto& bytes : model) bytes.fill(FileLock::kUnlock);
  const auto steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    const auto who = *rc::gen::inRange<std::size_t>(0, 2);
    const auto type = *rc::gen::inRange<std::int16_t>(0, 3);
    const auto start = *rc::gen::inRange<std::int64_t>(0, kBytes),
               length = *rc::gen::inRange<std::int64_t>(1, kBytes - start + 1);
    bool conflict = false;
    for (auto at = static_cast<std::size_t>(start); at < static_cast<std::size_t>(start + length); ++at) {
      const auto other = model[1 - who][at];
      conflict = conflict || (type != FileLock::kUnlock && other != FileLock::kUnlock &&
                              (type == FileLock::kWrite || other == FileLock::kWrite));
    }
    const LockCall call{*file, processes[who].lock_owner(), 1, false};
    const FileLock lock{.type = type, .start = start, .length = length};
    RC_ASSERT(error_of(set_lock(call, lock, nullptr)) == (conflict ? Errno::TryAgain : Errno{}));
    if (conflict) continue;
    for (auto at = static_cast<std::size_t>(start); at < static_cast<std::size_t>(start + length); ++at)
      model[who][at] = type;
    for (std::int64_t at = 0; at < kBytes; ++at) {
      const auto told = get_lock({*file, processes[who].lock_owner(), 1, false},
                                 {.type = FileLock::kWrite, .start = at, .length = 1})
                            .value();
      RC_ASSERT(told.type == model[1 - who][static_cast<std::size_t>(at)]);
    }
  }
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test
