# The ways into ring 0 and out of it (Intel SDM 3A ch. 6, 2B SYSCALL/SYSRET). Interrupts are off throughout.
#include "kernel/arch/x86_64/offsets.h"

# All but rsp, as in arch::TrapFrame.
.macro push_registers
  .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
  pushq %\register
  .endr
.endm
.macro pop_registers
  .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
  popq %\register
  .endr
.endm

  .text
# --- syscall ----------------------------------------------------------------------------------------------------------
# rax = call, arguments in rdi, rsi, rdx, r10, r8, r9. The frame of the running context is at gs:CPU_FRAME, where ring 3's
# rsp is parked for a moment; rsp serves as pointer to the frame until there is a stack (exceptions that could arrive here have stacks of their own).
  .globl syscall_entry
  .align 16
syscall_entry:
  swapgs
  incq %gs:CPU_SEQUENCE           # in the kernel from here on: a revocation waits for us (CAP-3);
  xchgq %rsp, %gs:CPU_FRAME       # xchg is a full barrier
  movq %rcx, FRAME_RIP(%rsp)
  movq %r11, FRAME_RFLAGS(%rsp)
  movq %rbp, FRAME_RBP(%rsp)
  cmpb $0, %gs:CPU_REFLECTING
  jne reflect_syscall             # arch/x86_64/switching.S
  cmpl $CALL_CONTEXT_RUN, %eax
  je run_context_shortly          # the same
  .globl ordinary_call
ordinary_call:
  movq %rbx, FRAME_RBX(%rsp)
  movq %r12, FRAME_R12(%rsp)
  movq %r13, FRAME_R13(%rsp)
  movq %r14, FRAME_R14(%rsp)
  movq %r15, FRAME_R15(%rsp)
  movq %gs:CPU_FRAME, %rcx        # ring 3's rsp
  movq %rsp, %gs:CPU_FRAME
  movq %rcx, FRAME_RSP(%rsp)
  movq %gs:CPU_STACK, %rsp
  cmpq $CALL_COUNT, %rax
  jae bad_call
  movq %r10, %rcx
  xorl %ebp, %ebp
  call *call_table(, %rax, 8)
  cmpq $0, %gs:CPU_CLAIMS
  jne settle_call
# The call was done and the same context goes on: rax = status, rdx = result; callee-saved registers are intact.
return_to_caller:
  movq %gs:CPU_FRAME, %rdi
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  movq FRAME_RIP(%rdi), %rcx
  movq FRAME_RFLAGS(%rdi), %r11
  movq FRAME_RBP(%rdi), %rbp
  xorl %r10d, %r10d
  xorl %esi, %esi
  movq FRAME_RSP(%rdi), %rsp
  xorl %edi, %edi
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq

# The call used _ONCE capabilities: void settle_claims(status, value), which does not return.
settle_call:
  movq %rax, %rdi
  movq %rdx, %rsi
  call settle_claims

bad_call:
  movl $ERROR_BAD_CALL, %eax
  xorl %edx, %edx
  jmp return_to_caller

# void leave_by_sysret(const exo_frame*, rip, rflags): for a context that entered by syscall. Its rip is canonical and
# its flags masked (validated by the caller, who read them once).
  .globl leave_by_sysret
  .align 16
leave_by_sysret:
  movq %rsi, %rcx
  movq %rdx, %r11
  jmp restore_and_sysret

# void go_on_in_call(const exo_frame*): the same for one whose frame only ring 0 can write.
  .globl go_on_in_call
  .align 16
go_on_in_call:
  movq FRAME_RIP(%rdi), %rcx
  movq FRAME_RFLAGS(%rdi), %r11
restore_and_sysret:
  movq FRAME_RAX(%rdi), %rax
  movq FRAME_RBX(%rdi), %rbx
  movq FRAME_RDX(%rdi), %rdx
  movq FRAME_RSI(%rdi), %rsi
  movq FRAME_RBP(%rdi), %rbp
  movq FRAME_R8(%rdi), %r8
  movq FRAME_R9(%rdi), %r9
  movq FRAME_R10(%rdi), %r10
  movq FRAME_R12(%rdi), %r12
  movq FRAME_R13(%rdi), %r13
  movq FRAME_R14(%rdi), %r14
  movq FRAME_R15(%rdi), %r15
  movq FRAME_RSP(%rdi), %rsp
  movq FRAME_RDI(%rdi), %rdi
  incq %gs:CPU_SEQUENCE
  swapgs
  sysretq

# void leave_by_iret(const exo_frame*, rip, rflags): any user state.
  .globl leave_by_iret
  .align 16
leave_by_iret:
  pushq $SELECTOR_USER_DATA
  pushq FRAME_RSP(%rdi)
  pushq %rdx
  pushq $SELECTOR_USER_CODE
  pushq %rsi
  movq FRAME_RAX(%rdi), %rax
  movq FRAME_RBX(%rdi), %rbx
  movq FRAME_RCX(%rdi), %rcx
  movq FRAME_RDX(%rdi), %rdx
  movq FRAME_RSI(%rdi), %rsi
  movq FRAME_RBP(%rdi), %rbp
  movq FRAME_R8(%rdi), %r8
  movq FRAME_R9(%rdi), %r9
  movq FRAME_R10(%rdi), %r10
  movq FRAME_R11(%rdi), %r11
  movq FRAME_R12(%rdi), %r12
  movq FRAME_R13(%rdi), %r13
  movq FRAME_R14(%rdi), %r14
  movq FRAME_R15(%rdi), %r15
  movq FRAME_RDI(%rdi), %rdi
  incq %gs:CPU_SEQUENCE
  swapgs
  iretq

# --- exceptions and interrupts ----------------------------------------------------------------------------------------
# Each vector's stub leaves an error code (its own or 0) and the vector number on the stack.
  .globl trap_stubs
  .align 16
trap_stubs:
  .set vector, 0
  .rept 256
  .align 16
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushq $0
  .endif
  pushq $vector
  .if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
  jmp distrustful_entry
  .else
  jmp trap_entry
  .endif
  .set vector, vector + 1
  .endr

# Stack: vector, error, rip, cs, rflags, rsp, ss.
trap_entry:
  testb $3, 24(%rsp)
  jz kernel_trap
  swapgs
  lfence                          # no speculation past an untaken swapgs (CVE-2019-1125)
  lock incq %gs:CPU_SEQUENCE
user_trap:
  pushq %rax
  movq %gs:CPU_FRAME, %rax
  movq %rbx, FRAME_RBX(%rax)
  popq %rbx
  movq %rbx, FRAME_RAX(%rax)
  movq %rcx, FRAME_RCX(%rax)
  movq %rdx, FRAME_RDX(%rax)
  movq %rsi, FRAME_RSI(%rax)
  movq %rdi, FRAME_RDI(%rax)
  movq %rbp, FRAME_RBP(%rax)
  movq %r8, FRAME_R8(%rax)
  movq %r9, FRAME_R9(%rax)
  movq %r10, FRAME_R10(%rax)
  movq %r11, FRAME_R11(%rax)
  movq %r12, FRAME_R12(%rax)
  movq %r13, FRAME_R13(%rax)
  movq %r14, FRAME_R14(%rax)
  movq %r15, FRAME_R15(%rax)
  popq %rsi                       # vector
  popq %rdx                       # error code
  popq %rcx
  movq %rcx, FRAME_RIP(%rax)
  popq %rcx                       # cs
  popq %rcx
  movq %rcx, FRAME_RFLAGS(%rax)
  popq %rcx
  movq %rcx, FRAME_RSP(%rax)
  cld
  clac_if_present: .byte 0x0f, 0x01, 0xca  # clac; replaced by nops on a CPU without SMAP
  movq %gs:CPU_SELF, %rdi
  movq CPU_STACK(%rdi), %rsp
  xorl %ebp, %ebp
  jmp trap_from_user              # does not return
  .globl clac_if_present

# Ring 0 was interrupted: in a preemption window, or it is broken. All registers are kept; C++ decides.
kernel_trap:
  push_registers
  cld
  movq %rsp, %rdi
  movq %rsp, %rbp
  andq $-16, %rsp
  call trap_from_kernel
  movq %rbp, %rsp
restore_and_iret:
  pop_registers
  addq $16, %rsp
  iretq

# The interrupt that was waited for cannot come between `sti` and `hlt`: unless an NMI does first, whose iret ends the
# shadow of `sti`. Then it finds us at `halting`, and trap_from_kernel sees to it that we do not sleep on.
  .globl halt_until_interrupt, halting
halt_until_interrupt:
  sti
halting:
  hlt
  cli
  ret

# #DB, NMI, #DF, #MC: they come at any instruction, also before `swapgs` has run, and a program may have put any value
# into its GS base. So nothing is concluded from GS: the Cpu's address is at the top of this vector's own stack.
distrustful_entry:
  push_registers
  cld
  movl $0xc0000101, %ecx          # GS base
  rdmsr
  shlq $32, %rdx
  orq %rdx, %rax
  movq %rax, %r12
  movq %rsp, %rbx
  andq $-IST_STACK_SIZE, %rbx
  movq IST_STACK_SIZE - 16(%rbx), %rbx  # Cpu*
  movl %ebx, %eax
  movq %rbx, %rdx
  shrq $32, %rdx
  wrmsr
  movq %rsp, %rdi
  movq %rsp, %rbp
  movq %rbx, %rsi
  andq $-16, %rsp
  call trap_on_own_stack          # true: a debug trap of ring 3, to be handled as an ordinary one
  movq %rbp, %rsp
  testb %al, %al
  jnz debug_from_user
  movl $0xc0000101, %ecx
  movl %r12d, %eax
  movq %r12, %rdx
  shrq $32, %rdx
  wrmsr
  jmp restore_and_iret

# GS is the Cpu's, and the program's GS base, which the CPU held, goes where swapgs would have put it.
debug_from_user:
  movl $0xc0000102, %ecx
  movl %r12d, %eax
  movq %r12, %rdx
  shrq $32, %rdx
  wrmsr
  pop_registers
  lock incq %gs:CPU_SEQUENCE
  jmp user_trap
