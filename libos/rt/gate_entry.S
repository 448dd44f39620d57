# Where a server context is entered by a gate: badge in rdi, six words in rsi, rdx, r10, r8, r9, rbx, the message
# header in r12 (abi/calls.toml, cap_invoke). The words become an exo_words on the stack.
  .text
  .globl rt_gate_entry
rt_gate_entry:
  pushq %r12
  pushq %rbx
  pushq %r9
  pushq %r8
  pushq %r10
  pushq %rdx
  pushq %rsi
  movq %rsp, %rsi
  xorl %ebp, %ebp
  andq $-16, %rsp
  call rt_gate_call               # does not return
  ud2
