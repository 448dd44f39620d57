#include "kernel/arch/x86_64/panic.hpp"

#include <atomic>

#include "core/text/write.hpp"
#include "kernel/arch/x86_64/apic.hpp"
#include "kernel/arch/x86_64/layout.hpp"
#include "kernel/arch/x86_64/lock.hpp"
#include "kernel/arch/x86_64/ops.hpp"
#include "kernel/arch/x86_64/symbols.hpp"
#include "kernel/arch/x86_64/uart.hpp"

namespace fb::kernel::arch {
namespace {

using core::text::hex;
using core::text::print;

constexpr std::uint16_t kDebugExitPort = 0xf4;  // QEMU's isa-debug-exit: status (value << 1) | 1
constexpr std::uint8_t kPanicStatus = 0x7f;

/// Who panics: 1 + its APIC identifier as CPUID tells it, which needs nothing set up; 0: nobody.
constinit std::atomic<std::uint32_t> panicking_cpu{0};

std::uint32_t own_number() { return (cpuid(1).ebx >> 24) + 1; }

[[noreturn]] void end_machine() {
  out8(kDebugExitPort, kPanicStatus);
  halt_forever();
}

bool kernel_address(std::uint64_t address) {
  return address >= kKernelBase || (address >= kStackRegion && address < kDeviceRegion);
}

void backtrace(const Uart& out, std::uint64_t rip, std::uint64_t frame_pointer) {
  print(out, "  at ", hex(rip), " ", symbol_at(rip).name, "\n");
  for (unsigned depth = 0; depth < 24; ++depth) {
    if (!kernel_address(frame_pointer) || frame_pointer % 8 != 0) return;
    const auto* frame = reinterpret_cast<const std::uint64_t*>(frame_pointer);
    if (frame[1] < kKernelBase) return;
    print(out, "  at ", hex(frame[1]), " ", symbol_at(frame[1] - 1).name, "\n");
    if (frame[0] <= frame_pointer) return;
    frame_pointer = frame[0];
  }
}

void registers(const Uart& out, const TrapFrame& f) {
  print(out, "  vector ", f.vector, " error ", hex(f.error), " cr2 ", hex(read_cr2()), " cr3 ",
        hex(read_cr3()), "\n");
  print(out, "  rip ", hex(f.rip), " cs ", hex(f.cs), " rflags ", hex(f.rflags), " rsp ", hex(f.rsp), "\n");
  print(out, "  rax ", hex(f.rax), " rbx ", hex(f.rbx), " rcx ", hex(f.rcx), " rdx ", hex(f.rdx), "\n");
  print(out, "  rsi ", hex(f.rsi), " rdi ", hex(f.rdi), " rbp ", hex(f.rbp), " r8  ", hex(f.r8), "\n");
  print(out, "  r9  ", hex(f.r9), " r10 ", hex(f.r10), " r11 ", hex(f.r11), " r12 ", hex(f.r12), "\n");
  print(out, "  r13 ", hex(f.r13), " r14 ", hex(f.r14), " r15 ", hex(f.r15), "\n");
}

}  // namespace

bool panicking() { return panicking_cpu.load(std::memory_order_acquire) != 0; }

void halt_forever() {
  for (;;) asm volatile("cli; hlt");
}

[[gnu::noinline]] void panic(std::string_view message, const TrapFrame* frame, std::uint64_t number) {
  disable_interrupts();
  const auto self = own_number();
  std::uint32_t first = 0;
  if (!panicking_cpu.compare_exchange_strong(first, self, std::memory_order_acq_rel)) {
    if (first == self) end_machine();  // what went wrong now is the report
    halt_forever();
  }
  Apic::stop_others();
  const Uart out(kCom1);
  print(out, "\n*** FeuerBird kernel panic: ", message);
  if (number != 0) print(out, " (", hex(number), ")");
  print(out, "\n");
  if (frame != nullptr) {
    registers(out, *frame);
    backtrace(out, frame->rip, frame->rbp);
  } else {
    backtrace(out, reinterpret_cast<std::uint64_t>(__builtin_return_address(0)),
              *reinterpret_cast<const std::uint64_t*>(__builtin_frame_address(0)));
  }
  print(out, "*** end of panic\n");
  end_machine();
}

void lock_order_violation(Rank wanted, std::uint64_t held) {
  panic("lock order violated", nullptr, held << 8 | static_cast<std::uint64_t>(wanted));
}

}  // namespace fb::kernel::arch
