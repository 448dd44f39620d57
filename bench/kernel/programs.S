# What runs in the address spaces of the rows: position-independent, copied to a page of its own.
#include "bench/kernel/programs.h"

  .section .rodata.programs, "a"
# A server: replies at once. The words and the header stay in their registers: they travel back as they came.
  .globl bench_server, bench_server_end
bench_server:
  movl $BENCH_CALL_GATE_REPLY, %eax
  xorl %edi, %edi
  syscall
  ud2
bench_server_end:

# A program: system calls, and nothing else.
  .globl bench_caller, bench_caller_end
bench_caller:
  syscall
  jmp bench_caller
bench_caller_end:

# A context of this program that waits again and again. rdi: an event and a mask in memory. It needs no stack.
  .text
  .globl bench_waiter
bench_waiter:
  movq %rdi, %rbx
1:
  movl $BENCH_CALL_EVENT_WAIT, %eax
  movq (%rbx), %rdi
  movq 8(%rbx), %rsi
  movq $-1, %rdx
  syscall
  jmp 1b
