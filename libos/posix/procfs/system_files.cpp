// Files of /proc about the whole system.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

constexpr std::uint64_t kKilobyte = 1024;
constexpr std::uint64_t kNanosecondsPerHundredth = 10'000'000;

void put_kilobytes(Text& text, std::string_view name, std::uint64_t bytes) {
  constexpr std::size_t kNameWidth = 16, kValueWidth = 8;
  put_left(text, name, kNameWidth);
  put_right(text, bytes / kKilobyte, kValueWidth);
  text.put(" kB\n");
}

void put_uuid(Text& text, std::span<const std::byte, 16> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.put("-");
    put_hex(text, std::to_integer<unsigned>(bytes[i]), 2);
  }
  text.put("\n");
}

/// One line of /proc/stat: user, nice, system, idle and six that are not known.
void put_times(Text& text, const ProcessorState& times) {
  print(text, ticks(times.user), " 0 ", ticks(times.system), ' ', ticks(times.idle), " 0 0 0 0 0 0\n");
}

}  // namespace

Answer<> write_uptime(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  put_hundredths(text, system.uptime.raw() / kNanosecondsPerHundredth);
  text.put(" ");
  put_hundredths(text, system.idle.raw() / kNanosecondsPerHundredth);
  text.put("\n");
  return {};
}

Answer<> write_load(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  for (const auto load : system.load) {
    put_hundredths(text, load);
    text.put(" ");
  }
  print(text, system.running, '/', system.threads, ' ', system.last, '\n');
  return {};
}

Answer<> write_memory(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  const std::uint64_t used = system.memory - system.free_memory;
  const std::uint64_t anonymous = used - (system.cached_memory < used ? system.cached_memory : used);
  // What is cached here is files without a disk: nothing of it can be had back.
  const std::uint64_t available = system.free_memory;
  struct Line {
    std::string_view name;
    std::uint64_t bytes;
  };
  for (const auto& [name, bytes] : {Line{"MemTotal:", system.memory},
                                    {"MemFree:", system.free_memory},
                                    {"MemAvailable:", available},
                                    {"Buffers:", 0},
                                    {"Cached:", system.cached_memory},
                                    {"SwapCached:", 0},
                                    {"Active:", used},
                                    {"Inactive:", 0},
                                    {"Active(anon):", used},
                                    {"Inactive(anon):", 0},
                                    {"Active(file):", 0},
                                    {"Inactive(file):", 0},
                                    {"Unevictable:", 0},
                                    {"Mlocked:", 0},
                                    {"SwapTotal:", 0},
                                    {"SwapFree:", 0},
                                    {"Dirty:", 0},
                                    {"Writeback:", 0},
                                    {"AnonPages:", anonymous},
                                    {"Mapped:", 0},
                                    {"Shmem:", system.shared_memory},
                                    {"KReclaimable:", 0},
                                    {"Slab:", 0},
                                    {"SReclaimable:", 0},
                                    {"SUnreclaim:", 0},
                                    {"KernelStack:", 0},
                                    {"PageTables:", 0},
                                    {"NFS_Unstable:", 0},
                                    {"Bounce:", 0},
                                    {"WritebackTmp:", 0},
                                    {"CommitLimit:", system.memory},
                                    {"Committed_AS:", used},
                                    {"VmallocTotal:", 0},
                                    {"VmallocUsed:", 0},
                                    {"VmallocChunk:", 0}}) {
    put_kilobytes(text, name, bytes);
  }
  text.put(
      "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
      "HugePages_Surp:        0\n");
  put_kilobytes(text, "Hugepagesize:", std::uint64_t{2} << 20);
  return {};
}

Answer<> write_system_stat(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  ProcessorState all;
  for (std::uint32_t i = 0; i < system.processors; ++i) {
    const auto one = view.information().processor(i);
    all = {.user = all.user + one.user, .system = all.system + one.system, .idle = all.idle + one.idle};
  }
  text.put("cpu  ");
  put_times(text, all);
  for (std::uint32_t i = 0; i < system.processors; ++i) {
    print(text, "cpu", i, ' ');
    put_times(text, view.information().processor(i));
  }
  constexpr std::uint64_t kSecond = 1'000'000'000;
  print(text, "intr ", system.interrupts, "\nctxt ", system.switches, "\nbtime ", system.boot.raw() / kSecond,
        "\nprocesses ", system.forks, "\nprocs_running ", system.running,
        "\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
  return {};
}

Answer<> write_version(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  print(text, "Linux version ", system.release, " (feuerbird@feuerbird) (clang) ", system.version, '\n');
  return {};
}

Answer<> write_command_line(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.information().system().command_line, '\n');
  return {};
}

Answer<> write_interrupts(const View& view, Text& text, Cursor& /*cursor*/) {
  text.put("    ");
  for (std::uint32_t i = 0; i < view.information().system().processors; ++i) print(text, "       CPU", i);
  text.put("\n");
  return {};
}

Answer<> write_paging(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto system = view.information().system();
  print(text, "nr_free_pages ", system.free_memory / core::kPageSize, "\nnr_file_pages ",
        system.cached_memory / core::kPageSize, "\nnr_shmem ", system.shared_memory / core::kPageSize,
        "\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\noom_kill 0\n");
  return {};
}

Answer<> write_release(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.information().system().release, '\n');
  return {};
}

Answer<> write_build(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.information().system().version, '\n');
  return {};
}

Answer<> write_host(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.information().system().host, '\n');
  return {};
}

/// Version 4, as RFC 9562 (section 5.4) marks it.
Answer<> write_new_uuid(const View& view, Text& text, Cursor& /*cursor*/) {
  std::array<std::byte, 16> bytes{};
  view.context.random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  put_uuid(text, bytes);
  return {};
}

Answer<> write_boot_id(const View& view, Text& text, Cursor& /*cursor*/) {
  put_uuid(text, view.context.boot_id);
  return {};
}

}  // namespace fb::libos::posix::procfs
