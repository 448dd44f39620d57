#include "tests/abi/trap.hpp"

extern "C" void exo_test_trap(fb::abi::test::TrapFrame* frame);

// Saves the registers in a TrapFrame on an aligned stack, lets exo_test_trap change them, and loads them.
asm(R"(
.text
.globl exo_test_kernel
.type exo_test_kernel, @function
exo_test_kernel:
  push %rbp
  mov %rsp, %rbp
  sub $96, %rsp
  and $-16, %rsp
  mov %rax, 0(%rsp)
  mov %rdi, 8(%rsp)
  mov %rsi, 16(%rsp)
  mov %rdx, 24(%rsp)
  mov %r10, 32(%rsp)
  mov %r8, 40(%rsp)
  mov %r9, 48(%rsp)
  mov %rbx, 56(%rsp)
  mov %r12, 64(%rsp)
  mov %rsp, %rdi
  call exo_test_trap
  mov 0(%rsp), %rax
  mov 8(%rsp), %rdi
  mov 16(%rsp), %rsi
  mov 24(%rsp), %rdx
  mov 32(%rsp), %r10
  mov 40(%rsp), %r8
  mov 48(%rsp), %r9
  mov 56(%rsp), %rbx
  mov 64(%rsp), %r12
  mov 72(%rsp), %rcx
  mov 80(%rsp), %r11
  mov %rbp, %rsp
  pop %rbp
  ret
)");

extern "C" void exo_test_trap(fb::abi::test::TrapFrame* frame) {
  using fb::abi::test::trap;
  constexpr std::uint64_t rubbish = 0xdead'beef'dead'beef;
  trap.before = *frame;
  ++trap.calls;
  *frame = {trap.status, 0, 0, trap.value, 0, 0, 0, frame->rbx, frame->r12, rubbish, rubbish};
  if (trap.message) *frame = {trap.status, 0, 21, 22, 23, 24, 25, 26, 27, rubbish, rubbish};
}
