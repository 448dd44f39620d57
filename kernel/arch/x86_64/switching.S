# The calls that usually end in another context: context_run, cap_invoke, gate_reply. Their C++ functions do not return
# and save no registers (clang's preserve_none convention: arguments in r12, r13, r14, r15, rdi, rsi); syscall_entry has
# put everything that ring 3 expects to find again into its frame.
#include "kernel/arch/x86_64/offsets.h"

  .text
  .globl context_run_entry, cap_invoke_entry, gate_reply_entry
  .align 16
context_run_entry:
  movq %rdi, %r12
  movq %rsi, %r13
  movq %rdx, %r14
  jmp run_context
  .align 16
cap_invoke_entry:
  movq %rdi, %r12
  movq %rsi, %r13
  movq %rdx, %r14
  movq %rcx, %r15
  movq %r8, %rdi
  movq %r9, %rsi
  jmp invoke_gate
  .align 16
gate_reply_entry:
  movq %rdi, %r12
  movq %rsi, %r13
  movq %rdx, %r14
  movq %rcx, %r15
  movq %r8, %rdi
  movq %r9, %rsi
  jmp reply_through_gate

# void leave_to_caller(exo_frame*, status, value): back from such a call without another context having run.
  .globl leave_to_caller
  .align 16
leave_to_caller:
  movq %rsi, %rax
  movq FRAME_RIP(%rdi), %rcx
  movq FRAME_RFLAGS(%rdi), %r11
  movq FRAME_RBX(%rdi), %rbx
  movq FRAME_RBP(%rdi), %rbp
  movq FRAME_R12(%rdi), %r12
  movq FRAME_R13(%rdi), %r13
  movq FRAME_R14(%rdi), %r14
  movq FRAME_R15(%rdi), %r15
  movq FRAME_RSP(%rdi), %rsp
  xorl %esi, %esi
  xorl %edi, %edi
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq
