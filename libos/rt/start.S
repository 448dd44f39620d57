# Where a program of FeuerBird begins. rdi is its start argument; nothing else is promised, not even alignment.
  .section .text.start, "ax"
  .globl _start
_start:
  xorl %ebp, %ebp
  andq $-16, %rsp
  call rt_start                   # does not return
  ud2
