// The end of the machine when an invariant does not hold.
#pragma once

#include <cstdint>
#include <string_view>

namespace fb::kernel::arch {

/// What kernel_trap and distrustful_entry push, lowest address first.
struct TrapFrame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/// Prints the message, the registers if there are any, and a symbolised backtrace; stops the other CPUs; ends the
/// emulator with a failing status, or halts. Any CPU, any time; the second one to come only halts.
[[noreturn]] void panic(std::string_view message, const TrapFrame* frame = nullptr, std::uint64_t number = 0);

/// True on every CPU once one has panicked: an NMI then means to halt.
bool panicking();
[[noreturn]] void halt_forever();

/// An invariant of the kernel itself; never input. The length is a constant: nobody counts it while the condition holds.
template <std::size_t kSize>
void require(bool condition, const char (&message)[kSize]) {
  if (!condition) [[unlikely]]
    panic({message, kSize - 1});
}

}  // namespace fb::kernel::arch
