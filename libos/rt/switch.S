# void rt_switch(void** save, void* load): leaves one fibre and continues another. Only what a call must preserve is
# kept (System V ABI, AMD64 supplement, 3.2.1); fibres have no vector state.
  .text
  .globl rt_switch, rt_fibre_entry
  .type rt_switch, @function
rt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret

# The first return address of a new fibre: r12 is the fibre, r13 the function that runs it and never returns.
  .type rt_fibre_entry, @function
rt_fibre_entry:
  xorl %ebp, %ebp
  movq %r12, %rdi
  call *%r13
  ud2
  .section .note.GNU-stack, "", @progbits
