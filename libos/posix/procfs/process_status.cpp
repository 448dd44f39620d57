// /proc/N/status: for people, and for ps.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

std::string_view state_name(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'S':
      return "S (sleeping)";
    case 'D':
      return "D (disk sleep)";
    case 'T':
      return "T (stopped)";
    case 't':
      return "t (tracing stop)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "X (dead)";
  }
}

void put_ids(Text& text, std::string_view name, std::span<const std::uint32_t, 4> ids) {
  print(text, name, ids[0], '\t', ids[1], '\t', ids[2], '\t', ids[3], '\n');
}

void put_mask(Text& text, std::string_view name, std::uint64_t mask) {
  constexpr std::size_t kDigits = 16;
  text.put(name);
  put_hex(text, mask, kDigits);
  text.put("\n");
}

void put_kilobytes(Text& text, std::string_view name, std::uint64_t bytes) {
  constexpr std::uint64_t kKilobyte = 1024;
  constexpr std::size_t kWidth = 8;
  text.put(name);
  put_right(text, bytes / kKilobyte, kWidth);
  text.put(" kB\n");
}

void put_identity(Text& text, const View& view, const ProcessState& its) {
  const Pid process = view.process();
  const Pid shown = view.key.subject.thread == Pid(0) ? process : view.key.subject.thread;
  text.put("Name:\t");
  text.put_escaped(its.comm(), "\n");
  text.put("\nUmask:\t");
  put_octal(text, its.umask, 4);
  print(text, "\nState:\t", state_name(its.state), "\nTgid:\t", process, "\nNgid:\t0\nPid:\t", shown,
        "\nPPid:\t", its.parent, "\nTracerPid:\t0\n");
  put_ids(text, "Uid:\t", its.uid);
  put_ids(text, "Gid:\t", its.gid);
  print(text, "FDSize:\t", its.descriptors, "\nGroups:\t");
  for (const auto group : its.groups) print(text, group, ' ');
  if (its.groups.empty()) text.put(" ");
  print(text, "\nNStgid:\t", process, "\nNSpid:\t", shown, "\nNSpgid:\t", its.group, "\nNSsid:\t",
        its.session, "\nKthread:\t0\n");
}

void put_memory(Text& text, const MemoryState& memory) {
  put_kilobytes(text, "VmPeak:\t", memory.peak_size);
  put_kilobytes(text, "VmSize:\t", memory.size);
  put_kilobytes(text, "VmLck:\t", 0);
  put_kilobytes(text, "VmPin:\t", 0);
  put_kilobytes(text, "VmHWM:\t", memory.peak_resident);
  put_kilobytes(text, "VmRSS:\t", memory.resident);
  put_kilobytes(text, "RssAnon:\t", memory.resident - memory.shared);
  put_kilobytes(text, "RssFile:\t", memory.shared);
  put_kilobytes(text, "RssShmem:\t", 0);
  put_kilobytes(text, "VmData:\t", memory.data);
  put_kilobytes(text, "VmStk:\t", memory.stack);
  put_kilobytes(text, "VmExe:\t", memory.code);
  put_kilobytes(text, "VmLib:\t", 0);
  put_kilobytes(text, "VmPTE:\t", memory.page_tables);
  put_kilobytes(text, "VmSwap:\t", 0);
  put_kilobytes(text, "HugetlbPages:\t", 0);
  text.put("CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n");
}

/// Those of `allowed` that there are.
Answer<> put_processors(Text& text, const View& view, std::uint64_t allowed, Cursor& cursor) {
  const std::uint32_t count = view.information().system().processors;
  const auto all = count < 64 ? (std::uint64_t{1} << count) - 1 : ~std::uint64_t{0};
  const bool some = count <= 32 && (allowed & all) != all;
  text.put("Cpus_allowed:\t");
  if (!some) {
    FB_TRY(write_processor_mask(view, text, cursor));
    text.put("Cpus_allowed_list:\t");
    return write_processor_list(view, text, cursor);
  }
  allowed &= all;
  put_hex(text, allowed, (count + 3) / 4);
  text.put("\nCpus_allowed_list:\t");
  for (std::uint32_t first = 0, end = 0; first < count; first = end + 1) {
    for (end = first; (allowed >> end & 1) != 0;) ++end;
    if (end == first) continue;
    if ((allowed & ((std::uint64_t{1} << first) - 1)) != 0) text.put(",");
    print(text, first);
    if (end - first > 1) print(text, '-', end - 1);
  }
  text.put("\n");
  return {};
}

}  // namespace

Answer<> write_status(const View& view, Text& text, Cursor& cursor) {
  // The groups of the answer are good until something else is asked.
  FB_ASSIGN(const ProcessState its, view.state());
  put_identity(text, view, its);
  if (its.state != 'Z') put_memory(text, its.memory);
  FB_ASSIGN(const LimitStates limits, view.information().limits(view.process()));
  constexpr std::size_t kPendingSignals = 11;
  print(text, "Threads:\t", its.threads, "\nSigQ:\t", its.signals.queued, '/', limits[kPendingSignals].soft,
        '\n');
  put_mask(text, "SigPnd:\t", its.signals.pending);
  put_mask(text, "ShdPnd:\t", its.signals.pending_shared);
  put_mask(text, "SigBlk:\t", its.signals.blocked);
  put_mask(text, "SigIgn:\t", its.signals.ignored);
  put_mask(text, "SigCgt:\t", its.signals.caught);
  put_mask(text, "CapInh:\t", 0);
  put_mask(text, "CapPrm:\t", its.capabilities);
  put_mask(text, "CapEff:\t", its.capabilities);
  put_mask(text, "CapBnd:\t", its.capabilities);
  put_mask(text, "CapAmb:\t", 0);
  text.put("NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n");
  text.put("Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
  FB_TRY(put_processors(text, view, its.processors, cursor));
  print(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t", its.waits,
        "\nnonvoluntary_ctxt_switches:\t", its.preemptions, '\n');
  return {};
}

}  // namespace fb::libos::posix::procfs
