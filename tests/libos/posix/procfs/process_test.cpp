// What the files of /proc/N say, compared with what Linux's say of this process.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <regex>

#include "libos/posix/mm/abi.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/procfs/support.hpp"

namespace fb::libos::posix::procfs::test {
namespace {

using namespace std::string_literals;

std::string host(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Names up to the colon, in their order.
std::vector<std::string> keys(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& line : split(text, '\n')) found.push_back(line.substr(0, line.find(':')));
  return found;
}

struct ProcessFiles : Mounted {
  ProcessFiles() {
    auto& process = fake_.processes[1];
    auto& its = process.numbers;
    set_name(its, "a (b) c");
    its.parent = Pid(2);
    its.group = Pid(3);
    its.session = Pid(4);
    its.foreground = Pid(5);
    its.terminal = vfs::make_device(136, 7);
    its.state = 'S';
    its.threads = 2;
    its.nice = -3;
    its.priority = -10;
    its.policy = 1;
    its.real_time_priority = 9;
    its.umask = 027;
    its.uid = {0, 1, 2, 3};
    its.gid = {4, 5, 6, 7};
    its.groups = groups_;
    its.own = {.user = core::Nanoseconds(1'230'000'000),
               .system = core::Nanoseconds(20'000'000),
               .minor_faults = 6,
               .major_faults = 8};
    its.children = {.user = core::Nanoseconds(30'000'000), .system = core::Nanoseconds(40'000'000)};
    its.memory.size = 40 << 20;
    its.memory.peak_size = 41 << 20;
    its.memory.resident = 4 << 20;
    its.memory.shared = 1 << 20;
    its.memory.code = 1 << 16;
    its.memory.data = 1 << 17;
    its.memory.stack = 1 << 15;
    its.memory.arguments_start = 0x7000;
    its.signals = {.pending = 1, .pending_shared = 2, .blocked = 4, .ignored = 8, .caught = 16, .queued = 3};
    process.limits[7] = {.soft = 1024, .hard = 1 << 20};
    process.limits[5].soft = 12345;
  }
  std::array<std::uint32_t, 2> groups_{10, 20};
};

TEST_F(ProcessFiles, stat_has_the_fields_of_Linux_with_our_values_C4) {
  const std::string text = read("/proc/1/stat");
  const std::regex shape(R"(^\d+ \((.*)\) ([RSDTtZX])((?: -?\d+){49})\n$)");
  std::smatch ours, theirs;
  const std::string linux_text = host("/proc/self/stat");
  ASSERT_TRUE(std::regex_match(linux_text, theirs, shape)) << "the shape is that of Linux: " << linux_text;
  ASSERT_TRUE(std::regex_match(text, ours, shape)) << text;
  EXPECT_EQ(ours[1], "a (b) c");
  EXPECT_EQ(ours[2], "S");
  const auto f = split("x x x" + ours[3].str(), ' ');  // numbered as in proc_pid_stat(5), less one
  ASSERT_EQ(f.size(), 52U);
  EXPECT_EQ(f[3], "2");
  EXPECT_EQ(f[4], "3");
  EXPECT_EQ(f[5], "4");
  EXPECT_EQ(f[6], std::to_string(136 * 256 + 7));
  EXPECT_EQ(f[7], "5");
  EXPECT_EQ(f[9], "6");
  EXPECT_EQ(f[11], "8");
  EXPECT_EQ(f[13], "123") << "ticks of user time";
  EXPECT_EQ(f[14], "2");
  EXPECT_EQ(f[15], "3");
  EXPECT_EQ(f[16], "4");
  EXPECT_EQ(f[17], "-10") << "priority";
  EXPECT_EQ(f[18], "-3");
  EXPECT_EQ(f[39], "9");
  EXPECT_EQ(f[40], "1");
  EXPECT_EQ(f[19], "2") << "threads";
  EXPECT_EQ(f[21], "100") << "started a second after boot";
  EXPECT_EQ(f[22], std::to_string(40 << 20));
  EXPECT_EQ(f[23], "1024") << "resident pages";
  EXPECT_EQ(f[24], "12345");
  EXPECT_EQ(f[30], "1");
  EXPECT_EQ(f[31], "4");
  EXPECT_EQ(f[32], "8");
  EXPECT_EQ(f[33], "16");
  EXPECT_EQ(f[37], "17") << "SIGCHLD";
  EXPECT_EQ(f[47], std::to_string(0x7000));
}

TEST_F(ProcessFiles, threads_have_files_of_their_own_C4) {
  EXPECT_EQ(read("/proc/1/task/3/stat").substr(0, 4), "3 (a");
  const auto text = read("/proc/1/task/3/status");
  EXPECT_NE(text.find("\nTgid:\t1\n"), std::string::npos);
  EXPECT_NE(text.find("\nPid:\t3\n"), std::string::npos);
}

TEST_F(ProcessFiles, statm_counts_pages_C4) {
  EXPECT_EQ(read("/proc/1/statm"), "10240 1024 256 16 0 40 0\n");
  EXPECT_EQ(split(host("/proc/self/statm"), ' ').size(), 7U);
}

TEST_F(ProcessFiles, status_has_the_lines_of_Linux_in_their_order_C4) {
  const std::string text = read("/proc/1/status");
  const auto ours = keys(text);
  const auto theirs = keys(host("/proc/self/status"));
  std::size_t at = 0;
  for (const auto& key : ours) {
    while (at < theirs.size() && theirs[at] != key) ++at;
    EXPECT_LT(at, theirs.size()) << key << " is not there, or not in this place, on Linux";
  }
  for (const char* const line :
       {"Name:\ta (b) c\n", "\nUmask:\t0027\n", "\nState:\tS (sleeping)\n", "\nPPid:\t2\n",
        "\nUid:\t0\t1\t2\t3\n", "\nGid:\t4\t5\t6\t7\n", "\nGroups:\t10 20 \n", "\nVmPeak:\t   41984 kB\n",
        "\nVmRSS:\t    4096 kB\n", "\nThreads:\t2\n", "\nSigPnd:\t0000000000000001\n",
        "\nShdPnd:\t0000000000000002\n", "\nSigBlk:\t0000000000000004\n", "\nSigIgn:\t0000000000000008\n",
        "\nSigCgt:\t0000000000000010\n", "\nCpus_allowed:\t3\n", "\nCpus_allowed_list:\t0-1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  fake_.processes[1].numbers.processors = 2;
  EXPECT_NE(read("/proc/1/status").find("\nCpus_allowed:\t2\nCpus_allowed_list:\t1\n"), std::string::npos);
  fake_.processes[1].numbers.state = 'Z';
  EXPECT_EQ(read("/proc/1/status").find("VmSize"), std::string::npos) << "there is no memory left to count";
}

TEST_F(ProcessFiles, names_with_line_ends_do_not_forge_lines_C4) {
  set_name(fake_.processes[1].numbers, "x\nUid:\t0");
  EXPECT_EQ(read("/proc/1/status").substr(0, 17), "Name:\tx\\012Uid:\t0");
}

TEST_F(ProcessFiles, limits_are_a_table_as_Linux_writes_it_C4) {
  const auto ours = split(read("/proc/1/limits"), '\n');
  const auto theirs = split(host("/proc/self/limits"), '\n');
  ASSERT_EQ(ours.size(), theirs.size());
  EXPECT_EQ(ours[0], theirs[0]);
  for (std::size_t i = 1; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].substr(0, 26), theirs[i].substr(0, 26));
    EXPECT_EQ(ours[i].substr(68), theirs[i].substr(68)) << "units";
  }
  EXPECT_EQ(ours[8], "Max open files            1024                 1048576              files     ");
}

TEST_F(ProcessFiles, maps_have_the_columns_of_Linux_C4) {
  ASSERT_TRUE(open("/tmp/lib.so", flag::kCreate | flag::kWrite).has_value());
  const auto file = vfs::locate(place(), "/tmp/lib.so").value();
  fake_.processes[1].areas = {
      {.start = 0x40'0000,
       .end = 0x40'2000,
       .offset = 0x1000,
       .protection = mm::kProtRead | mm::kProtExecute,
       .resident = 8192,
       .file = file},
      {.start = 0x60'0000, .end = 0x60'1000, .protection = mm::kProtRead | mm::kProtWrite, .shared = true},
      {.start = 0x7fff'f000'0000, .end = 0x7fff'f000'1000, .label = "[stack]"}};
  const auto lines = split(read("/proc/1/maps"), '\n');
  ASSERT_EQ(lines.size(), 3U);
  const auto number = std::to_string(file.inode->attributes().inode);
  const std::string front = "00400000-00402000 r-xp 00001000 00:68 " + number;
  EXPECT_EQ(lines[0], front + std::string(73 - front.size(), ' ') + "/tmp/lib.so");
  EXPECT_EQ(lines[1], "00600000-00601000 rw-s 00000000 00:00 0 ");
  EXPECT_EQ(lines[2].substr(0, 46), "7ffff0000000-7ffff0001000 ---p 00000000 00:00 ");
  EXPECT_EQ(lines[2].substr(73), "[stack]");
  const std::regex shape(
      R"([0-9a-f]{8,}-[0-9a-f]{8,} [-r][-w][-x][ps] [0-9a-f]{8,} [0-9a-f]{2,}:[0-9a-f]{2,} \d+ ( *\S.*)?)");
  for (const auto& text : {host("/proc/self/maps"), read("/proc/1/maps")}) {
    for (const auto& line : split(text, '\n')) {
      EXPECT_TRUE(std::regex_match(line, shape)) << line;
      if (line.size() > 60) EXPECT_NE(line.find_first_not_of(' ', 72), std::string::npos);
    }
  }
  for (const auto& line : split(host("/proc/self/maps"), '\n')) {
    if (const auto at = line.find('['); at != std::string::npos) EXPECT_EQ(at, 73U) << line;
  }
  const auto details = read("/proc/1/smaps");
  EXPECT_NE(details.find("\nRss:                   8 kB\n"), std::string::npos);
  EXPECT_NE(details.find("\nVmFlags: rd ex mr mw me \n"), std::string::npos);
}

TEST_F(ProcessFiles, a_program_that_is_deleted_is_marked_in_maps_C4) {
  ASSERT_TRUE(open("/tmp/a\nb", flag::kCreate | flag::kWrite).has_value());
  const auto file = vfs::locate(place(), "/tmp/a\nb").value();
  fake_.processes[1].areas = {{.start = 0x40'0000, .end = 0x40'2000, .file = file}};
  EXPECT_NE(read("/proc/1/maps").find(" /tmp/a\\012b\n"), std::string::npos);
  ASSERT_TRUE(vfs::unlink(place(), "/tmp/a\nb").has_value());
  EXPECT_NE(read("/proc/1/maps").find(" /tmp/a\\012b (deleted)\n"), std::string::npos);
}

TEST_F(ProcessFiles, arguments_and_environment_are_as_the_program_has_them_C4) {
  const std::string text = "ls\0-l\0\0"s + std::string(5000, 'x') + "\0"s;
  fake_.processes[1].arguments = text;
  fake_.processes[1].environment = "A=b\0"s;
  fake_.processes[1].auxiliary = std::string(32, '\3');
  EXPECT_EQ(read("/proc/1/cmdline"), text);
  EXPECT_EQ(read("/proc/1/cmdline", 100), text);
  EXPECT_EQ(read("/proc/1/environ"), "A=b\0"s);
  EXPECT_EQ(read("/proc/1/auxv").size(), 32U);
  EXPECT_EQ(read("/proc/7/cmdline"), "");
}

TEST_F(ProcessFiles, io_has_the_lines_of_Linux_C4) {
  fake_.processes[1].numbers.transfers = {
      .read_bytes = 1, .written_bytes = 2, .read_calls = 3, .write_calls = 4};
  EXPECT_EQ(keys(read("/proc/1/io")), keys(host("/proc/self/io")));
  EXPECT_EQ(read("/proc/1/io").substr(0, 36), "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\n");
}

TEST_F(ProcessFiles, mounts_are_listed_as_fstab_has_them_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/a b", mode::kDirectory | 0755).has_value());
  ASSERT_TRUE(mounter_.mount(place(), {.source = "none", .target = "/a b", .type = "tmpfs"}).has_value());
  const auto lines = split(read("/proc/mounts"), '\n');
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[0], "tmpfs / tmpfs rw,relatime 0 0");
  EXPECT_EQ(lines[1], "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0");
  EXPECT_EQ(lines[4], "shm /dev/shm tmpfs rw,nosuid,nodev,relatime 0 0");
  EXPECT_EQ(lines[7], "none /a\\040b tmpfs rw,relatime 0 0");
  const std::regex shape(R"(\d+ \d+ \d+:\d+ /\S* \S+ \S+( \S+:\d+)? - \S+ \S+ \S+)");
  const auto linux_line = split(host("/proc/self/mountinfo"), '\n')[0];
  EXPECT_TRUE(std::regex_match(linux_line, shape)) << linux_line;
  const auto states = split(read("/proc/self/mountinfo"), '\n');
  ASSERT_EQ(states.size(), 8U);
  for (const auto& line : states) EXPECT_TRUE(std::regex_match(line, shape)) << line;
  EXPECT_EQ(states[4].substr(0, 11), "5 4 0:103 /") << "/dev/shm is in /dev";
  fake_.processes[7].root = find("/dev").value();
  EXPECT_EQ(split(read("/proc/7/mounts"), '\n'),
            (std::vector<std::string>{"dev / tmpfs rw,nosuid,relatime 0 0",
                                      "shm /shm tmpfs rw,nosuid,nodev,relatime 0 0"}));
}

}  // namespace
}  // namespace fb::libos::posix::procfs::test
