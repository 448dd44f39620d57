#include "libos/posix/runner.hpp"

#include "libos/posix/call/call.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix {
namespace {

using signal::Info;
using signal::Signal;

enum Vector : std::uint64_t {
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kInvalidOpcode = 6,
  kPageFault = 14,
  kX87 = 16,
  kAlignment = 17,
  kSimd = 19
};

/// What Linux sends for an exception that is no page fault.
Info signal_of(const exo_frame& frame) {
  namespace code = signal::code;
  switch (frame.vector) {
    case kDivide:
      return Info::fault(Signal::Arithmetic, code::kDividedByZero, frame.rip);
    case kX87:
    case kSimd:
      return Info::fault(Signal::Arithmetic, code::kInvalidFloat, frame.rip);
    case kDebug:
      return Info::fault(Signal::Trap, code::kTraced, frame.rip);
    case kBreakpoint:
      return Info::of(Signal::Trap, code::kKernel);
    case kInvalidOpcode:
      return Info::fault(Signal::Illegal, code::kBadOpcode, frame.rip);
    case kAlignment:
      return Info::fault(Signal::Bus, 1, 0);
    default:
      return Info::of(Signal::Segment, code::kKernel);
  }
}

}  // namespace

Answer<> Runner::start(task::Thread& thread) {
  const auto fibre = fibres_.spawn(
      [](void* argument) {
        auto& its = *static_cast<task::Thread*>(argument);
        static_cast<Runner&>(its.process.system.starter).run_to_end(its);
      },
      &thread, true);
  if (!fibre) return fail(Errno::NoMemory);
  thread.fibre = *fibre;
  thread.fibre->owner = &thread;
  thread.schedule(thread.scheduling);
  return {};
}

void Runner::run_to_end(task::Thread& thread) {
  while (task::undisturbed(thread) || task::deliver(thread)) run_once(thread);
  auto& process = thread.process;
  thread.end_submissions();
  process.leave(thread);
  if (process.finished && process.nobody_waits()) process.system.processes.remove(process);
}

void Runner::look_around() {
  if (const auto* const carrier = fibres_.carrier()) carrier->seat.hear();
  fibres_.look_around();
}

/// Without the lock. What ends the run is not a call that needs none.
core::Result<abi::Stop> Runner::run_program(task::Thread& thread, core::Nanoseconds deadline) {
  for (;;) {
    const auto stop = thread.context.run(deadline);
    if (!stop || *stop != abi::Stop::Syscall || !call::serve_unlocked(thread)) return stop;
  }
}

void Runner::run_once(task::Thread& thread) {
  const auto deadline = fibres_.begin_turn();
  // Behind that, for others may have had the processor there, and what they queued is in this carrier's ring. Refused, for there
  // is no memory for page tables: it cannot go on.
  if (!queue_.flush()) return thread.process.end(task::End::killed(Signal::Kill));
  thread.carrier = fibres_.carrier();
  thread.running_since = machine::time_stamp();
  const auto stop = fibres_.outside([&] { return run_program(thread, deadline); });
  thread.ran += machine::time_stamp() - thread.running_since;
  thread.carrier = nullptr;
  if (!stop) return task::force(thread, Info::of(Signal::Segment, signal::code::kKernel));
  switch (*stop) {
    case abi::Stop::Syscall:
      return serve_call(thread);
    case abi::Stop::Fault:
      return serve_fault(thread);
    default:
      return look_around();
  }
}

void Runner::serve_call(task::Thread& thread) {
  auto& frame = thread.context.frame();
  call::Call call{.process = thread.process,
                  .thread = thread,
                  .number = frame.rax,
                  .arguments = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9}};
  const auto result = call::serve(call);
  // Where it has become another program, or returned from a handler, its registers are that one's.
  if (frame.stop == static_cast<std::uint64_t>(abi::Stop::Syscall)) frame.rax = result;
}

void Runner::serve_fault(task::Thread& thread) {
  const auto& frame = thread.context.frame();
  if (frame.vector != kPageFault) return task::force(thread, signal_of(frame));
  constexpr std::uint64_t kWrite = 2, kFetch = 16;
  const auto touch = (frame.error_code & kFetch) != 0   ? mm::Touch::Execute
                     : (frame.error_code & kWrite) != 0 ? mm::Touch::Write
                                                        : mm::Touch::Read;
  const auto result =
      thread.process.memory().fault(core::VirtAddr(frame.address), touch, core::VirtAddr(frame.rip));
  if (!result) return thread.process.end(task::End::killed(Signal::Kill));  // no memory
  switch (*result) {
    case mm::FaultResult::Handled:
      return;
    case mm::FaultResult::NotMapped:
      return task::force(thread, Info::fault(Signal::Segment, signal::code::kNotMapped, frame.address));
    case mm::FaultResult::NotAllowed:
      return task::force(thread, Info::fault(Signal::Segment, signal::code::kNotAllowed, frame.address));
    case mm::FaultResult::Bus:
      return task::force(thread, Info::fault(Signal::Bus, signal::code::kBusAddress, frame.address));
  }
}

}  // namespace fb::libos::posix
