// /proc/N/stat and statm: numbers for programs.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

constexpr std::uint64_t kPageBytes = core::kPageSize;

/// As the kernel encodes device numbers for users in 32 bits.
std::uint64_t terminal_number(const ProcessState& of) { return of.terminal & 0xffff'ffff; }

Pid shown(const Subject& subject) { return subject.thread == Pid(0) ? subject.process : subject.thread; }

}  // namespace

/// The 52 fields of proc_pid_stat(5), in their order.
Answer<> write_stat(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  FB_ASSIGN(const LimitStates limits, view.information().limits(view.process()));
  constexpr std::uint64_t kResidentLimit = 5;
  const MemoryState& memory = its.memory;
  const SignalState& signals = its.signals;
  print(text, shown(view.key.subject), " (", its.comm(), ") ", its.state, ' ', its.parent, ' ', its.group,
        ' ', its.session, ' ', terminal_number(its), ' ');
  its.foreground == Pid(0) ? text.put("-1") : print(text, its.foreground);
  print(text, " 4194304 ", its.own.minor_faults, ' ', its.children.minor_faults, ' ', its.own.major_faults,
        ' ', its.children.major_faults, ' ', ticks(its.own.user), ' ', ticks(its.own.system), ' ',
        ticks(its.children.user), ' ', ticks(its.children.system), ' ', its.priority, ' ', its.nice, ' ',
        its.threads, " 0 ", ticks(its.start), ' ', memory.size, ' ', memory.resident / kPageBytes, ' ',
        limits[kResidentLimit].soft, ' ');
  // Where the program stands in its memory is nobody's matter: 0, as Linux has it for running ones.
  print(text, memory.code_start, ' ', memory.code_end, ' ', memory.stack_start, " 0 0 ",
        signals.pending & 0x7fff'ffff, ' ', signals.blocked & 0x7fff'ffff, ' ', signals.ignored & 0x7fff'ffff,
        ' ', signals.caught & 0x7fff'ffff, " 0 0 0 ", its.exit_signal, ' ', its.processor, ' ',
        its.real_time_priority, ' ', its.policy, " 0 0 0 ");
  print(text, memory.data_start, ' ', memory.data_end, ' ', memory.break_start, ' ', memory.arguments_start,
        ' ', memory.arguments_end, ' ', memory.environment_start, ' ', memory.environment_end, ' ',
        its.exit_status, '\n');
  return {};
}

Answer<> write_statm(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  const MemoryState& memory = its.memory;
  print(text, memory.size / kPageBytes, ' ', memory.resident / kPageBytes, ' ', memory.shared / kPageBytes,
        ' ', memory.code / kPageBytes, " 0 ", (memory.data + memory.stack) / kPageBytes, " 0\n");
  return {};
}

}  // namespace fb::libos::posix::procfs
