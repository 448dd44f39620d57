// Exceptions and interrupts: what came, and who hears of it.
#include <algorithm>

#include "kernel/arch/x86_64/ioapic.hpp"
#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/syscall/calls.hpp"

extern "C" {
[[noreturn]] void trap_from_user(fb::kernel::object::Cpu* at, std::uint64_t vector, std::uint64_t error);
void trap_from_kernel(fb::kernel::arch::TrapFrame* frame);
bool trap_on_own_stack(fb::kernel::arch::TrapFrame* frame, fb::kernel::object::Cpu* cpu);
}

namespace fb::kernel::syscall {
namespace {

using arch::Vector;
using object::Cpu;

constexpr std::uint64_t kExceptions = 32;

/// An interrupt while ring 0 had them on, or with ring 3 running: noted here, acted upon by dispatch.
void note_interrupt(Cpu& cpu, std::uint64_t vector) {
  switch (static_cast<Vector>(vector)) {
    case Vector::Timer: {
      const auto now = core::Ticks(arch::read_tsc());
      // A deadline that lay in the past when the timer was set is no stretch with interrupts off.
      const auto due = std::max(cpu.armed, cpu.armed_at);
      if (now > due && now - due > cpu.late_most) cpu.late_most = now - due;
      cpu.armed = Cpu::kIdleDeadline;
      cpu.armed_time = abi::kNever;
      cpu.timer_fired.store(true, std::memory_order_relaxed);
      cpu.recheck.store(true, std::memory_order_relaxed);
      break;
    }
    case Vector::Kick:
      cpu.recheck.store(true, std::memory_order_relaxed);
      break;
    case Vector::Spurious:
      return;  // not acknowledged (SDM 3A 11.9)
    default: {
      const auto line = static_cast<unsigned>(vector - kExceptions);
      if (line >= arch::IoApic::kLines) break;
      arch::IoApic::mask(line);
      cpu.lines |= 1U << line;
      cpu.recheck.store(true, std::memory_order_relaxed);
    }
  }
  arch::Apic::end_of_interrupt();
}

/// A reflecting context stopped; its carrier hears of it. The way back that reflect_syscall (switching.S) goes: what others
/// want of this CPU comes as an interrupt as soon as ring 3 runs.
[[noreturn]] void hand_to_carrier(Cpu& cpu, Context& program) {
  object::Level* const level = cpu.top.load(std::memory_order_relaxed);
  Context& carrier = *level->carrier();
  cpu.top.store(level - 1, std::memory_order_relaxed);
  carrier.set_result(0, static_cast<std::uint64_t>(abi::Stop::Fault));
  cpu.current_head = &carrier;
  cpu.frame = carrier.frame;
  cpu.reflecting = 0;
  sched::switch_space(cpu, carrier.space);
  // release: whoever runs it next finds its registers in the frame.
  program.state.store(object::RunState(object::Chain::Idle), std::memory_order_release);
  go_on_in_call(carrier.frame);
}

/// The fault of a context: its carrier hears of it, or else it is stopped and whoever set its event hears of that.
void fault(Cpu& cpu, std::uint64_t vector, std::uint64_t error) {
  Context& context = *cpu.current();
  auto& frame = *context.frame;
  frame.stop = static_cast<std::uint64_t>(abi::Stop::Fault);
  frame.vector = vector;
  frame.error_code = error;
  frame.address = vector == static_cast<std::uint64_t>(Vector::PageFault) ? arch::read_cr2() : 0;
  if (context.reflecting) hand_to_carrier(cpu, context);
  const auto level = cpu.depth();
  if (level > 0 && cpu.levels[level].root() == &context)
    return sched::unwind(cpu, level - 1, abi::Stop::Fault);
  context.fault_vector = static_cast<std::uint8_t>(vector);
  context.faulted = true;
  context.request.store(object::Request::Stop, std::memory_order_relaxed);
}

}  // namespace

/// Device interrupts that were noted become signals.
void deliver_lines(Cpu& cpu) {
  while (cpu.lines != 0) {
    const auto line = static_cast<unsigned>(__builtin_ctz(cpu.lines));
    cpu.lines &= cpu.lines - 1;
    for (unsigned i = 0; i < cpu.kernel->platform.size(); ++i) {
      if (cpu.kernel->platform[i].line != line) continue;
      object::Device* device = cpu.kernel->devices[i].load(std::memory_order_acquire);
      if (device == nullptr) continue;
      object::Event* event = device->source.event.load(std::memory_order_acquire);
      if (event == nullptr) continue;
      device->delivered.store(true, std::memory_order_release);
      sched::signal(cpu, *event, core::event::EventBits(device->source.bits));
    }
  }
}

}  // namespace fb::kernel::syscall

using namespace fb::kernel;

void trap_from_user(object::Cpu* at, std::uint64_t vector, std::uint64_t error) {
  object::Cpu& cpu = *at;
  cpu.current()->by_syscall = false;
  cpu.live = nullptr;  // to be left to by iret
  if (vector < syscall::kExceptions) {
    syscall::fault(cpu, vector, error);
  } else {
    syscall::note_interrupt(cpu, vector);
  }
  syscall::dispatch(cpu);
}

void trap_from_kernel(arch::TrapFrame* frame) {
  if (frame->vector < syscall::kExceptions) arch::panic("exception in ring 0", frame);
  if (frame->rip == reinterpret_cast<std::uint64_t>(arch::halting)) frame->rip += 1;
  syscall::note_interrupt(object::this_cpu(), frame->vector);
}

bool trap_on_own_stack(arch::TrapFrame* frame, object::Cpu* cpu) {
  switch (static_cast<arch::Vector>(frame->vector)) {
    case arch::Vector::Debug:
      arch::write_dr6(0xffff0ff0);
      // In ring 0 it is the echo of a MOV SS or POP SS of ring 3 (CVE-2018-8897): nothing to do.
      return (frame->cs & 3) != 0;
    case arch::Vector::Nmi:
      if (arch::panicking()) arch::halt_forever();
      cpu->nmis += 1;
      return false;
    default:
      arch::panic(frame->vector == 8 ? "double fault" : "machine check", frame);
  }
}
