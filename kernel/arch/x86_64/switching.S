# What happens most often: context_run, the program's system call on its way back to the carrier, and gates.
#include "kernel/arch/x86_64/offsets.h"

  .text
# --- context_run, the short way ---------------------------------------------------------------------------------------
# rdi = handle, rsi = deadline, rdx = batch; rsp = the carrier's frame. For a carrier that runs the same reflecting
# context as the last time, with nothing in the way; anything else takes the long way (syscall/run.cpp), from the start.
# The carrier keeps rsp and rbp only.
  .globl run_context_shortly
  .align 16
run_context_shortly:
  movq %gs:CPU_CURRENT, %r10
  testq %rdx, %rdx
  jne ordinary_call
  # CAP-7: the check, as far as it can have changed: no ancestor revoked, and the same entry, not revoked. The tag comes
  # last: what it says now, it has said since it was remembered, so `checked` was this capability's.
  cmpq %rdi, CONTEXT_RUN_HANDLE(%r10)
  jne ordinary_call
  movq CONTEXT_RUN_ENTRY(%r10), %r8
  movq CONTEXT_RUN_TARGET(%r10), %r9
  movq CONTEXT_EPOCH(%r9), %rcx
  cmpq %rcx, ENTRY_CHECKED(%r8)
  jne ordinary_call
  cmpq %rdi, (%r8)
  jne ordinary_call
  cmpq %r9, %gs:CPU_LIVE          # its vector registers are here, and it stopped in a system call
  jne ordinary_call
  cmpq %gs:CPU_ARMED_TIME, %rsi   # an earlier deadline needs the timer
  jb ordinary_call
  movq %gs:CPU_TOP, %rdx
  movq %r9, LEVEL_SIZE + LEVEL_ROOT(%rdx)
  movq %r10, LEVEL_SIZE + LEVEL_CARRIER(%rdx)
  movq %rsi, LEVEL_SIZE + LEVEL_DEADLINE(%rdx)
  movq %r8, LEVEL_SIZE + LEVEL_VIA(%rdx)
  addq $LEVEL_SIZE, %gs:CPU_TOP   # before the claim, a full barrier, and the look for events
  movl $STATE_IDLE, %eax
  movl %gs:CPU_RUNNING, %ecx
  lock cmpxchgl %ecx, CONTEXT_STATE(%r9)
  jne run_pop
  cmpb $0, CONTEXT_ATTENTION(%r10)
  jne run_release
  # The frame is shared with the carrier's domain: each field is fetched once, checked, then used.
  movq CONTEXT_FRAME(%r9), %r8
  movq FRAME_FS_BASE(%r8), %rax
  movq FRAME_GS_BASE(%r8), %rdx
  xorq %gs:CPU_FS_BASE, %rax
  xorq %gs:CPU_GS_BASE, %rdx
  orq %rdx, %rax
  orq FRAME_STOP(%r8), %rax       # 0 is SYSCALL; anything else: rcx and r11 matter, by iret
  jne run_release                 # to be checked and set
  movq FRAME_RIP(%r8), %rcx
  movq FRAME_RFLAGS(%r8), %r11
  cmpq %gs:CPU_USER_END, %rcx
  jae run_release
  andl $USER_FLAGS_MASK, %r11d
  orl $USER_FLAGS_SET, %r11d
  movq CONTEXT_ROOT(%r9), %rax
  movq %gs:CPU_FRAME, %rdx        # the carrier's rsp
  movq %r9, %gs:CPU_CURRENT
  movq %r8, %gs:CPU_FRAME
  movq %rdx, FRAME_RSP(%rsp)
  movb $1, %gs:CPU_REFLECTING
  movq %rax, %gs:CPU_ROOT
  movq %rax, %cr3
  movq FRAME_RAX(%r8), %rax
  movq FRAME_RBX(%r8), %rbx
  movq FRAME_RDX(%r8), %rdx
  movq FRAME_RSI(%r8), %rsi
  movq FRAME_RDI(%r8), %rdi
  movq FRAME_RBP(%r8), %rbp
  movq FRAME_R9(%r8), %r9
  movq FRAME_R10(%r8), %r10
  movq FRAME_R12(%r8), %r12
  movq FRAME_R13(%r8), %r13
  movq FRAME_R14(%r8), %r14
  movq FRAME_R15(%r8), %r15
  movq FRAME_RSP(%r8), %rsp
  movq FRAME_R8(%r8), %r8
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq

run_release:
  movl $STATE_IDLE, CONTEXT_STATE(%r9)
run_pop:
  subq $LEVEL_SIZE, %gs:CPU_TOP
  xorl %edx, %edx
  movl $CALL_CONTEXT_RUN, %eax
  jmp ordinary_call

# --- a system call of a reflecting context ----------------------------------------------------------------------------
# rsp = its frame. Back to its carrier, whose context_run returns SYSCALL. What another CPU asked for meanwhile, it finds
# by itself when the context is idle.
  .globl reflect_syscall
  .align 16
reflect_syscall:
  movq %rax, FRAME_RAX(%rsp)
  movq %gs:CPU_FRAME, %rax        # its rsp
  movq %gs:CPU_TOP, %rcx
  movq %rbx, FRAME_RBX(%rsp)
  movq %rdx, FRAME_RDX(%rsp)
  movq %rsi, FRAME_RSI(%rsp)
  movq %rdi, FRAME_RDI(%rsp)
  movq %rax, FRAME_RSP(%rsp)
  movq %r8, FRAME_R8(%rsp)
  movq %r9, FRAME_R9(%rsp)
  movq %r10, FRAME_R10(%rsp)
  movq %r12, FRAME_R12(%rsp)
  movq %r13, FRAME_R13(%rsp)
  movq %r14, FRAME_R14(%rsp)
  movq %r15, FRAME_R15(%rsp)
  # Only registers that get another value before ring 3 sees them: the kernel's addresses are nothing for it. The others
  # keep what the program, whom the carrier may see, had in them.
  movq LEVEL_ROOT(%rcx), %rdx
  movq LEVEL_CARRIER(%rcx), %r11
  subq $LEVEL_SIZE, %gs:CPU_TOP
  movq CONTEXT_FRAME(%r11), %rbp
  movq CONTEXT_ROOT(%r11), %rax
  movb $1, CONTEXT_BY_SYSCALL(%rdx)
  movq %r11, %gs:CPU_CURRENT
  movq %rbp, %gs:CPU_FRAME
  movb $0, %gs:CPU_REFLECTING
  movq %rax, %gs:CPU_ROOT
  movq %rax, %cr3
  movl $STATE_IDLE, CONTEXT_STATE(%rdx)  # last: its registers are in the frame, and stores stay in order
  movq FRAME_RIP(%rbp), %rcx
  movq FRAME_RFLAGS(%rbp), %r11
  movq FRAME_RSP(%rbp), %rsp
  movq FRAME_RBP(%rbp), %rbp
  xorl %eax, %eax
  xorl %edx, %edx                 # SYSCALL
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq

# The words of a message stay where they are: in the frame of the context that made the call.
.macro keep_words
  movq %gs:CPU_FRAME, %rax
  movq %rdi, %r12
  movq %rsi, FRAME_RSI(%rax)
  movq %rdx, FRAME_RDX(%rax)
  movq %rcx, FRAME_R10(%rax)
  movq %r8, FRAME_R8(%rax)
  movq %r9, FRAME_R9(%rax)
.endm

# --- calls that usually end in another context ------------------------------------------------------------------------
# Their C++ functions do not return and save no registers (clang's preserve_none convention: arguments in r12, r13, r14,
# r15, rdi, rsi); syscall_entry has put everything that ring 3 expects to find again into its frame.
  .globl context_run_entry, event_exchange_entry, cap_invoke_entry, gate_reply_entry
  .align 16
context_run_entry:
  movq %rdi, %r12
  movq %rsi, %r13
  movq %rdx, %r14
  jmp run_context
  .align 16
# The same two capabilities as the last time: the check as for context_run, twice. Then exchange_events(context, event,
# target, mask, deadline, bits). Callee-saved registers are lost: the slow way does not return here either.
event_exchange_entry:
  movq %gs:CPU_CURRENT, %r12
  cmpq %rdi, CONTEXT_LAST_TARGET(%r12)
  jne event_exchange_slowly
  cmpq %rdx, CONTEXT_LAST_EVENT(%r12)
  jne event_exchange_slowly
  movq CONTEXT_LAST_TARGET + KNOWN_ENTRY(%r12), %rbx
  movq CONTEXT_LAST_TARGET + KNOWN_OBJECT(%r12), %r14
  movq (%r14), %rax               # its epoch
  cmpq %rax, ENTRY_CHECKED(%rbx)
  jne event_exchange_slowly
  cmpq %rdi, (%rbx)
  jne event_exchange_slowly
  movq CONTEXT_LAST_EVENT + KNOWN_ENTRY(%r12), %rbx
  movq CONTEXT_LAST_EVENT + KNOWN_OBJECT(%r12), %r13
  movq (%r13), %rax
  cmpq %rax, ENTRY_CHECKED(%rbx)
  jne event_exchange_slowly
  cmpq %rdx, (%rbx)
  jne event_exchange_slowly
  movq %rcx, %r15
  movq %r8, %rdi
  jmp exchange_events
  .align 16
cap_invoke_entry:
  keep_words
  jmp invoke_gate
  .align 16
gate_reply_entry:
  keep_words
  jmp reply_through_gate

# void enter_server(const exo_frame* caller, entry, stack, badge): the words from the caller's frame, nothing else of it.
  .globl enter_server
  .align 16
enter_server:
  movq %rcx, %rax
  movq %rsi, %rcx
  movl $USER_FLAGS_SET, %r11d
  movq %rdx, %rsp
  movq FRAME_RSI(%rdi), %rsi
  movq FRAME_RDX(%rdi), %rdx
  movq FRAME_R10(%rdi), %r10
  movq FRAME_R8(%rdi), %r8
  movq FRAME_R9(%rdi), %r9
  movq FRAME_RBX(%rdi), %rbx
  movq FRAME_R12(%rdi), %r12
  movq %rax, %rdi
  xorl %eax, %eax
  xorl %ebp, %ebp
  xorl %r13d, %r13d
  xorl %r14d, %r14d
  xorl %r15d, %r15d
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq

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
