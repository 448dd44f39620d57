// The ways out of ring 0 (entry.S, switching.S). Each validates nothing: who calls has read RIP once and checked that it
// lies in the user half, and masked RFLAGS.
#pragma once

#include <cstdint>

#include "abi/layout.h"

extern "C" {
/// All registers of a context that is stopped in `syscall` (rcx and r11 are free there).
[[noreturn]] void leave_by_sysret(const exo_frame* frame, std::uint64_t rip, std::uint64_t rflags);
/// The same, also rip and rflags, of one whose frame only ring 0 can write.
[[noreturn]] void go_on_in_call(const exo_frame* frame);
/// All registers of any context.
[[noreturn]] void leave_by_iret(const exo_frame* frame, std::uint64_t rip, std::uint64_t rflags);
/// Into a gate.
[[noreturn]] void enter_server(const exo_frame* caller, std::uint64_t entry, std::uint64_t stack,
                               std::uint64_t badge);
/// Back to the maker of a call: callee-saved registers from its frame, rax = status, rdx = value, the rest scrubbed.
[[noreturn]] void leave_to_caller(const exo_frame* frame, std::uint64_t status, std::uint64_t value);
}
