// What /proc and /sys say of the system, compared with Linux's; and what is in /dev.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/procfs/support.hpp"

namespace fb::libos::posix::procfs::test {
namespace {

using SystemFiles = Mounted;
using Mounting = Mounted;

std::string host(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The number behind `key` at the beginning of a line, as free and top look for it.
std::uint64_t number_of(const std::string& text, const std::string& key) {
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size()));
  }
  ADD_FAILURE() << "no " << key;
  return 0;
}

TEST_F(SystemFiles, meminfo_is_what_free_reads_C4) {
  fake_.numbers.memory = std::uint64_t{100} << 20;
  fake_.numbers.free_memory = std::uint64_t{60} << 20;
  fake_.numbers.cached_memory = std::uint64_t{30} << 20;
  const auto text = read("/proc/meminfo");
  EXPECT_EQ(number_of(text, "MemTotal:"), 102'400U);
  EXPECT_EQ(number_of(text, "MemFree:"), 61'440U);
  EXPECT_EQ(number_of(text, "MemAvailable:"), 61'440U);
  EXPECT_EQ(number_of(text, "Cached:"), 30'720U);
  EXPECT_EQ(number_of(text, "AnonPages:"), 10'240U);
  EXPECT_EQ(number_of(text, "SwapTotal:"), 0U);
  const std::regex shape(R"([A-Za-z_()0-9]+: +\d+( kB)?)");
  for (const auto& line : split(text, '\n')) {
    EXPECT_TRUE(std::regex_match(line, shape)) << line;
    const auto key = line.substr(0, line.find(':') + 1);
    if (key == "NFS_Unstable:" || key == "Bounce:" || key == "WritebackTmp:") continue;  // of old kernels
    const auto theirs = host("/proc/meminfo");
    const auto at = theirs.find(key);
    if (at == std::string::npos) continue;
    const auto width = theirs.find('\n', at) - at;  // more where the number does not fit
    EXPECT_TRUE(width == line.size() || width > 27) << "columns as on Linux: " << line;
  }
}

TEST_F(SystemFiles, stat_is_what_top_reads_C4) {
  fake_.numbers.switches = 5;
  fake_.numbers.forks = 6;
  fake_.numbers.running = 7;
  fake_.numbers.boot = core::Nanoseconds(1'700'000'000'123'456'789);
  const auto text = read("/proc/stat");
  EXPECT_TRUE(
      text.starts_with("cpu  2100 0 4100 6100 0 0 0 0 0 0\ncpu0 1000 0 2000 3000 0 0 0 0 0 0\ncpu1 "));
  EXPECT_EQ(number_of(text, "ctxt "), 5U);
  EXPECT_EQ(number_of(text, "btime "), 1'700'000'000U);
  EXPECT_EQ(number_of(text, "processes "), 6U);
  EXPECT_EQ(number_of(text, "procs_running "), 7U);
  const auto fields = [](const std::string& line) { return split(line, ' ').size(); };
  EXPECT_EQ(fields(split(host("/proc/stat"), '\n')[0]), fields(split(text, '\n')[0]));
}

TEST_F(SystemFiles, small_ones_have_the_shape_of_Linuxs_C4) {
  fake_.numbers.uptime = core::Nanoseconds(1'234'567'890'123);
  fake_.numbers.load = {105, 20, 3};
  fake_.numbers.last = Pid(77);
  fake_.numbers.release = "6.12.0-feuerbird";
  fake_.numbers.host = "bird";
  EXPECT_EQ(read("/proc/uptime"), "1234.56 0.00\n");
  EXPECT_EQ(read("/proc/loadavg"), "1.05 0.20 0.03 1/1 77\n");
  EXPECT_EQ(read("/proc/sys/kernel/osrelease"), "6.12.0-feuerbird\n");
  EXPECT_EQ(read("/proc/sys/kernel/hostname"), "bird\n");
  EXPECT_EQ(read("/proc/sys/kernel/ostype"), host("/proc/sys/kernel/ostype"));
  struct Shape {
    const char *path, *shape;
  };
  for (const auto& [path, shape] :
       {Shape{"/proc/uptime", R"(\d+\.\d\d \d+\.\d\d\n)"},
        {"/proc/loadavg", R"(\d+\.\d\d \d+\.\d\d \d+\.\d\d \d+/\d+ \d+\n)"},
        {"/proc/version", R"(Linux version \S+ \(.*\) .*#.*\n)"},
        {"/proc/sys/kernel/pid_max", R"(\d+\n)"},
        {"/proc/sys/kernel/sem", R"(\d+\t\d+\t\d+\t\d+\n)"},
        {"/proc/sys/vm/overcommit_memory", R"([012]\n)"},
        {"/proc/sys/kernel/cap_last_cap", R"(\d+\n)"},
        {"/proc/sys/kernel/random/uuid",
         R"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n)"},
        {"/sys/devices/system/cpu/online", R"(0(-\d+)?\n)"}}) {
    EXPECT_TRUE(std::regex_match(read(path), std::regex(shape))) << path << ": " << read(path);
    if (const auto theirs = host(path); !theirs.empty()) {
      EXPECT_TRUE(std::regex_match(theirs, std::regex(shape))) << path << ": " << theirs;
    }
  }
  EXPECT_NE(read("/proc/sys/kernel/random/uuid"), read("/proc/sys/kernel/random/uuid"));
  EXPECT_EQ(read("/proc/sys/kernel/random/boot_id"), read("/proc/sys/kernel/random/boot_id"));
}

TEST_F(SystemFiles, cpuinfo_has_a_block_of_lines_for_each_processor_C4) {
  fake_.numbers.model.name = "A Bird";
  fake_.numbers.model.kilohertz = 2'800'050;
  const auto text = read("/proc/cpuinfo");
  const auto lines = split(text, '\n');
  EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with("processor\t"); }),
            2);
  EXPECT_NE(text.find("\nmodel name\t: A Bird\n"), std::string::npos);
  EXPECT_NE(text.find("\ncpu MHz\t\t: 2800.050\n"), std::string::npos);
  EXPECT_NE(text.find("\nbogomips\t: 5600.10\n"), std::string::npos);
  const auto theirs = split(host("/proc/cpuinfo"), '\n');
  for (const auto& line : lines) {
    const auto key = line.substr(0, line.find(':'));
    EXPECT_TRUE(std::ranges::any_of(theirs, [&](const auto& other) { return other.starts_with(key); }))
        << key;
  }
}

TEST_F(SystemFiles, many_processors_are_told_of_C4) {
  fake_.numbers.processors = 256;
  EXPECT_EQ(read("/sys/devices/system/cpu/online"), "0-255\n");
  EXPECT_EQ(names("/sys/devices/system/cpu").size(), 6U + 256U);
  EXPECT_EQ(read("/sys/devices/system/cpu/cpu40/topology/core_cpus"),
            "00000000,00000000,00000000,00000000,00000000,00000000,00000100,00000000\n");
  EXPECT_GT(read("/proc/cpuinfo").size(), 100'000U);
  EXPECT_EQ(split(read("/proc/stat"), '\n').size(), 257U + 7U);
}

TEST_F(Mounting, dev_has_its_devices_and_links_C4) {
  struct Device {
    const char* path;
    std::uint32_t major, minor, mode;
  };
  for (const auto& [path, major, minor, permissions] : {Device{"/dev/null", 1, 3, 0666},
                                                        {"/dev/zero", 1, 5, 0666},
                                                        {"/dev/full", 1, 7, 0666},
                                                        {"/dev/random", 1, 8, 0666},
                                                        {"/dev/urandom", 1, 9, 0666},
                                                        {"/dev/tty", 5, 0, 0666},
                                                        {"/dev/console", 5, 1, 0600},
                                                        {"/dev/ptmx", 5, 2, 0666}}) {
    const auto& its = find(path).value()->attributes();
    EXPECT_EQ(its.rdev, vfs::make_device(major, minor)) << path;
    EXPECT_EQ(its.mode, mode::kCharacter | permissions) << path;
  }
  EXPECT_EQ(link("/dev/fd"), "/proc/self/fd");
  EXPECT_EQ(link("/dev/stderr"), "/proc/self/fd/2");
  EXPECT_TRUE(find("/dev/pts").value()->is_directory());
  EXPECT_EQ(find("/dev/shm").value()->attributes().mode, mode::kDirectory | 01777);
  EXPECT_EQ(find("/tmp").value()->attributes().mode, mode::kDirectory | 01777);
  EXPECT_EQ(error_of(open("/dev/tty")), Errno::NoDeviceOrAddress) << "terminals are another's";
  EXPECT_TRUE(
      populate_dev({.root = volume_.root, .directory = find("/dev").value(), .who = {}, .mounts = mounts_})
          .has_value())
      << "what is there stays";
}

TEST_F(Mounting, options_of_tmpfs_limit_it_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/m", mode::kDirectory | 0755).has_value());
  Mounter::Request request{
      .source = "none", .target = "/m", .type = "tmpfs", .data = "size=16k,mode=0700,uid=5,huge=never"};
  ASSERT_TRUE(mounter_.mount(place(), request).has_value());
  const auto root = find("/m").value();
  EXPECT_EQ(root->attributes().mode, mode::kDirectory | 0700);
  EXPECT_EQ(root->attributes().uid, 5U);
  const auto statistics = mounts_.holder(*root)->system->statistics();
  EXPECT_EQ(statistics.blocks, 4U);
  EXPECT_EQ(statistics.magic, vfs::magic::kTmpfs);
  const auto file = open("/m/f", flag::kCreate | flag::kWrite).value();
  EXPECT_EQ(write(*file, std::string(20'000, 'x')).value(), 16'384U);
  EXPECT_EQ(mounts_.holder(*root)->system->statistics().free_blocks, 0U);
  ASSERT_TRUE(mounter_.unmount(place(), "/m", 0).has_value());
  for (const char* const bad :
       {"size=x", "size=", "mode=9", "mode=", "nr_inodes=-1", "size=18446744073709551615g"}) {
    request.data = bad;
    EXPECT_EQ(error_of(mounter_.mount(place(), request)), Errno::Invalid) << bad;
  }
}

TEST_F(Mounting, a_tmpfs_has_half_of_the_memory_unless_it_is_told_C4) {
  fake_.numbers.memory = std::uint64_t{1} << 20;
  ASSERT_TRUE(mounter_.mount(place(), {.source = "x", .target = "/run", .type = "tmpfs"}).has_value());
  EXPECT_EQ(mounts_.holder(*find("/run").value())->system->statistics().blocks, 128U);
  ASSERT_TRUE(mounter_.mount(place(), {.source = "x", .target = "/run", .type = "tmpfs", .data = "size=0"})
                  .has_value());
  EXPECT_EQ(mounts_.holder(*find("/run").value())->system->statistics().blocks, volume_.frames.limit());
}

TEST_F(Mounting, what_cannot_be_mounted_is_refused_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/m", mode::kDirectory | 0755).has_value());
  const auto error = [&](std::string_view target, std::string_view type, std::uint64_t flags = 0) {
    return error_of(mounter_.mount(place(), {.source = "x", .target = target, .type = type, .flags = flags}));
  };
  EXPECT_EQ(error("/m", "ext4"), Errno::NoDevice);
  EXPECT_EQ(error("/none", "tmpfs"), Errno::NoEntry);
  EXPECT_EQ(error("/proc/version", "tmpfs"), Errno::NotDirectory);
  for (const auto flags :
       {vfs::mounting::kBind, vfs::mounting::kMove, vfs::mounting::kRemount, vfs::mounting::kReadOnly}) {
    EXPECT_EQ(error("/m", "tmpfs", flags), Errno::Invalid);
  }
  EXPECT_EQ(error_of(mounter_.unmount(place(), "/m", 0)), Errno::Invalid);
  EXPECT_EQ(error_of(mounter_.unmount(place(), "/", 0)), Errno::Invalid);
  EXPECT_EQ(error_of(mounter_.unmount(place(), "/proc", 16)), Errno::Invalid);
  fake_.credentials = {.uid = 1, .gid = 1, .groups = {}};
  EXPECT_EQ(error("/m", "tmpfs"), Errno::Perm);
  EXPECT_EQ(error_of(mounter_.unmount(place(), "/proc", 0)), Errno::Perm);
}

TEST_F(Mounting, mounts_are_bounded_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/m", mode::kDirectory | 0755).has_value());
  Errno last{};
  for (std::size_t i = 0; i <= vfs::Mounts::kMost && last == Errno{}; ++i) {
    last = error_of(mounter_.mount(place(), {.source = "x", .target = "/m", .type = "proc"}));
  }
  EXPECT_EQ(last, Errno::NoSpace);
  EXPECT_EQ(mounts_.view().size(), vfs::Mounts::kMost);
  EXPECT_EQ(split(read("/m/mounts"), '\n').size(), mounts_.view().size());
}

TEST_F(Mounting, proc_can_be_there_twice_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/m", mode::kDirectory | 0755).has_value());
  ASSERT_TRUE(mounter_.mount(place(), {.source = "proc", .target = "/m", .type = "proc"}).has_value());
  EXPECT_EQ(read("/m/self/stat"), read("/proc/self/stat"));
  EXPECT_NE(find("/m").value()->attributes().device, find("/proc").value()->attributes().device);
  EXPECT_EQ(find("/m/self/root").value(), volume_.root);
  const auto held = open("/m/uptime").value();
  ASSERT_TRUE(mounter_.unmount(place(), "/m", 0).has_value());
  EXPECT_TRUE(read_all(*held).has_value()) << "what is open stays";
}

}  // namespace
}  // namespace fb::libos::posix::procfs::test
