// Stands in for ring 0 under the call wrappers: they are built with a call of exo_test_kernel where `syscall`
// would be, and what they left in the registers is recorded. Like the kernel, it zeroes what it may.
#pragma once

#include <cstdint>

#define EXO_SYSCALL_INSTRUCTION "call exo_test_kernel"
#include "abi/calls.hpp"  // after the definition above: nothing may include it earlier

namespace fb::abi::test {

struct TrapFrame {
  std::uint64_t rax, rdi, rsi, rdx, r10, r8, r9, rbx, r12, rcx, r11;
};

/// What the last call left in the registers, and what the next one shall find.
struct Trap {
  TrapFrame before{};
  std::uint64_t status = 0;
  std::uint64_t value = 0;
  bool message = false;  ///< the reply is a message: words 21 to 26, header 27
  int calls = 0;
};
inline Trap trap;

}  // namespace fb::abi::test
