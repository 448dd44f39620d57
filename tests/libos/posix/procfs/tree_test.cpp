#include <gtest/gtest.h>

#include <set>

#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/procfs/support.hpp"

namespace fb::libos::posix::procfs::test {
namespace {

using Tree = Mounted;

/// Every path below `path`, links not followed.
void walk(Mounted& test, const std::string& path, std::vector<std::string>& found) {
  std::set<std::string> once;
  for (const auto& name : test.names(path)) {
    EXPECT_TRUE(once.insert(name).second) << path << " has " << name << " twice";
    found.push_back(path + "/" + name);
    const auto inode = test.find(found.back(), false);
    ASSERT_TRUE(inode.has_value()) << found.back();
    if ((*inode)->is_directory()) walk(test, std::string(found.back()), found);
  }
}

TEST_F(Tree, everything_that_is_listed_is_there_and_can_be_read_C4) {
  give(open("/dev/null").value());
  for (const char* const top : {"/proc", "/sys"}) {
    std::vector<std::string> paths;
    walk(*this, top, paths);
    EXPECT_GT(paths.size(), 40U);
    for (const auto& path : paths) {
      const auto inode = find(path, false).value();
      if (inode->is(mode::kSymlink)) {
        if (!path.ends_with("/exe")) EXPECT_EQ(link(path).find("E"), std::string::npos) << path;
      } else if (!inode->is_directory()) {
        EXPECT_TRUE(read_all(*open(path).value()).has_value()) << path;
      }
    }
  }
}

TEST_F(Tree, entries_and_stat_agree_on_numbers_and_kinds_C4) {
  give(open("/dev/null").value());
  for (const std::string path : {"/proc", "/proc/1", "/proc/1/task", "/proc/1/fd", "/proc/sys",
                                 "/proc/sys/kernel", "/sys/devices/system/cpu"}) {
    const auto directory = find(path).value();
    for (std::uint64_t cookie = 0;;) {
      const auto entry = directory->entry_after(cookie).value();
      if (!entry) break;
      ASSERT_GT(entry->cookie, cookie < 3 ? 2 : cookie) << "cookies ascend, from 3 on";
      cookie = entry->cookie;
      const auto inode = directory->lookup(entry->name).value();
      EXPECT_EQ(inode->attributes().inode, entry->inode) << path << "/" << entry->name;
      EXPECT_EQ(inode->attributes().mode & mode::kType, entry->mode) << path << "/" << entry->name;
      EXPECT_NE(inode->attributes().links, 0U);
    }
  }
}

TEST_F(Tree, processes_threads_and_descriptors_come_and_go_C4) {
  const auto numbers = [&](std::string_view path) {
    std::vector<std::string> found;
    for (const auto& name : names(path)) {
      if (name[0] >= '0' && name[0] <= '9') found.push_back(name);
    }
    return found;
  };
  EXPECT_EQ(numbers("/proc"), (std::vector<std::string>{"1", "7"}));
  EXPECT_EQ(names("/proc/1/task"), (std::vector<std::string>{"1", "3"}));
  EXPECT_TRUE(names("/proc/1/fd").empty());
  give(open("/dev/null").value());
  give(open("/dev/zero").value());
  EXPECT_EQ(names("/proc/1/fd"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(names("/proc/1/task/3/fdinfo"), (std::vector<std::string>{"0", "1"}));
  const auto directory = find("/proc/7").value();
  const auto file = open("/proc/7/stat").value();
  fake_.processes.erase(7);
  EXPECT_EQ(numbers("/proc"), (std::vector<std::string>{"1"}));
  EXPECT_EQ(error_of(directory->lookup("stat")), Errno::NoEntry);
  EXPECT_EQ(error_of(directory->entry_after(0)), Errno::NoEntry);
  EXPECT_EQ(error_of(read_all(*file)), Errno::NoProcess);
  EXPECT_EQ(error_of(open("/proc/7/stat")), Errno::NoEntry);
}

TEST_F(Tree, another_process_with_the_same_number_is_another_C4) {
  const auto directory = find("/proc/7").value();
  const auto file = open("/proc/7/comm").value();
  fake_.processes[7].numbers.start = core::Nanoseconds(99);
  EXPECT_EQ(error_of(read_all(*file)), Errno::NoProcess);
  EXPECT_EQ(error_of(directory->lookup("stat")), Errno::NoEntry);
  EXPECT_TRUE(read_all(*open("/proc/7/comm").value()).has_value());
}

TEST_F(Tree, numbers_are_decimal_without_zeros_before_them_C4) {
  for (const char* const path : {"/proc/01", "/proc/+1", "/proc/0", "/proc/", "/proc/4294967297", "/proc/1x",
                                 "/proc/18446744073709551617", "/proc/-1", "/sys/devices/system/cpu/cpu",
                                 "/sys/devices/system/cpu/cpu00", "/sys/devices/system/cpu/cpu2",
                                 "/proc/1/task/7", "/proc/1/fd/0", "/proc/#", "/proc/1/task/3/task"}) {
    EXPECT_EQ(error_of(find(path)), path == std::string("/proc/") ? Errno{} : Errno::NoEntry) << path;
  }
  EXPECT_EQ(error_of(find("/sys/devices/system/cpu/cpu1/topology/core_id")), Errno{});
}

TEST_F(Tree, self_is_who_asks_C4) {
  EXPECT_EQ(link("/proc/self"), "1");
  EXPECT_EQ(link("/proc/thread-self"), "1/task/1");
  fake_.who = {.process = Pid(7), .thread = Pid(7)};
  EXPECT_EQ(link("/proc/self"), "7");
  EXPECT_EQ(read("/proc/self/stat").substr(0, 2), "7 ");
  EXPECT_EQ(read("/proc/mounts"), read("/proc/7/mounts"));
  fake_.who = {};
  EXPECT_EQ(link("/proc/self"), "ENOENT");
  EXPECT_EQ(error_of(find("/proc/self/stat")), Errno::NoEntry);
}

TEST_F(Tree, dot_dot_and_working_directories_work_in_it_C4) {
  fake_.working = find("/proc/1/task/3").value();
  char room[vfs::kPathMax];
  EXPECT_EQ(vfs::path_of(place(), fake_.working, room).value(), "/proc/1/task/3");
  EXPECT_EQ(read("../../../uptime"), "0.00 0.00\n");
  EXPECT_EQ(find("../../../..").value(), volume_.root);
  fake_.working = find("/proc/sys/kernel/random").value();
  EXPECT_EQ(vfs::path_of(place(), fake_.working, room).value(), "/proc/sys/kernel/random");
}

TEST_F(Tree, something_can_be_mounted_on_a_computed_directory_C4) {
  ASSERT_TRUE(
      mounter_.mount(place(), {.source = "cg", .target = "/sys/fs/cgroup", .type = "tmpfs"}).has_value());
  ASSERT_TRUE(vfs::make_node(place(), "/sys/fs/cgroup/f", mode::kRegular | 0644).has_value());
  EXPECT_EQ(names("/sys/fs/cgroup"), (std::vector<std::string>{"f"}));
  EXPECT_EQ(error_of(mounter_.unmount(place(), "/sys", 0)), Errno::Busy);
  ASSERT_TRUE(mounter_.unmount(place(), "/sys/fs/cgroup", 0).has_value());
  EXPECT_TRUE(names("/sys/fs/cgroup").empty());
}

TEST_F(Tree, names_cannot_be_changed_and_the_errors_are_those_of_Linux_C4) {
  for (const std::string top : {"/proc/", "/proc/self/", "/proc/sys/"}) {
    EXPECT_EQ(error_of(vfs::make_node(place(), top + "foo", mode::kDirectory | 0755)), Errno::NoEntry);
    EXPECT_EQ(error_of(open(top + "foo", flag::kCreate | flag::kWrite)), Errno::NoEntry);
    EXPECT_EQ(error_of(vfs::make_symlink(place(), top + "foo", "bar")), Errno::NoEntry);
  }
  EXPECT_EQ(error_of(vfs::make_node(place(), "/sys/foo", mode::kDirectory | 0755)), Errno::Perm);
  EXPECT_EQ(error_of(vfs::unlink(place(), "/proc/version")), Errno::Perm);
  EXPECT_EQ(error_of(vfs::remove_directory(place(), "/proc/sys")), Errno::Perm);
  EXPECT_EQ(error_of(vfs::rename(place(), "/proc/version", place(), "/proc/x", 0)), Errno::NoEntry);
  EXPECT_EQ(error_of(vfs::link(place(), find("/proc/version").value(), "/proc/x")), Errno::NoEntry);
}

TEST_F(Tree, what_is_no_directory_has_no_names_C4) {
  const auto file = find("/proc/version").value();
  EXPECT_EQ(error_of(file->lookup("x")), Errno::NotDirectory);
  EXPECT_EQ(error_of(file->parent()), Errno::NotDirectory);
  EXPECT_EQ(error_of(file->entry_after(0)), Errno::NotDirectory);
  EXPECT_EQ(error_of(file->unlink("x")), Errno::NotDirectory);
  EXPECT_EQ(error_of(file->readlink()), Errno::Invalid);
  EXPECT_EQ(error_of(find("/proc/version/x")), Errno::NotDirectory);
  EXPECT_EQ(error_of(find("/proc/self/stat/")), Errno::NotDirectory);
}

TEST_F(Tree, hostile_cookies_end_or_go_on_and_nothing_else_C4) {
  for (const char* const path :
       {"/proc", "/proc/1", "/proc/1/fd", "/proc/1/task", "/sys/devices/system/cpu"}) {
    const auto directory = find(path).value();
    for (const std::uint64_t cookie :
         {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0xffff'ffff}, std::uint64_t{1} << 32,
          (std::uint64_t{60} << 32) + 0x8000'0000, (std::uint64_t{66} << 32) + 0xffff'ffff}) {
      EXPECT_TRUE(directory->entry_after(cookie).has_value()) << path << " " << cookie;
    }
  }
}

TEST_F(Tree, files_of_others_are_private_where_Linux_has_them_so_C4) {
  fake_.processes[7].numbers.uid = fake_.processes[7].numbers.gid = {5, 5, 5, 5};
  fake_.credentials = {.uid = 6, .gid = 6, .groups = {}};
  EXPECT_EQ(error_of(open("/proc/7/environ")), Errno::Access);
  EXPECT_EQ(error_of(open("/proc/7/fd")), Errno::Access);
  EXPECT_EQ(error_of(find("/proc/7/cwd/tmp")), Errno::Access);
  EXPECT_EQ(error_of(find("/proc/7/root")), Errno::Access);
  EXPECT_EQ(error_of(open("/proc/7/stat")), Errno{});
  fake_.credentials = {.uid = 5, .gid = 5, .groups = {}};
  EXPECT_EQ(error_of(open("/proc/7/environ")), Errno{});
  EXPECT_EQ(find("/proc/7/root").value(), volume_.root);
}

}  // namespace
}  // namespace fb::libos::posix::procfs::test
