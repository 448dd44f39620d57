# What the reflecting contexts of the tests run: position-independent pieces, each with a label of its own. In .rodata:
# nothing here is ever executed where it is linked.
  .section .rodata.guests, "a"
  .globl guests_start, guests_end
  .balign 16
guests_start:

.macro guest name, first:vararg   # with its first instruction, or what follows
  .globl guest_\name
  .balign 16
guest_\name:
  \first
.endm

.macro reload_ss                  # the next instruction is not interrupted, nor stepped
  movl %ss, %eax
  movl %eax, %ss
.endm

.macro trap_flag_on between:vararg # steps begin after the instruction that follows
  pushfq
  orl $0x100, (%rsp)
  \between
  popfq
.endm

.macro answer_with_vector         # stores the registers, calls, for ever
  movq $0x20800, %rax
  fxsave64 (%rax)
  testl $1, 0x20108
  jz 1f
  vmovdqu %ymm3, 0x20a00
  vmovdqu %ymm12, 0x20a20
1: syscall
  jmp 1b
.endm

guest call                        # system calls for ever
1: syscall
  jmp 1b
guest spin
1: pause
  jmp 1b
guest count                       # counts in its data, for ever
1: incq 0x20000
  jmp 1b
guest call_then_trap              # the one leaves rcx and r11 to the CPU, the other nothing
  syscall
  ud2
guest ud2, ud2
guest int3
  int3
  ud2
guest icebp
  .byte 0xf1
  ud2
guest divide
  xorl %ecx, %ecx
  divl %ecx
guest hlt, hlt
guest cli, cli
guest sti, sti
guest in, inb $0x80, %al
guest out, outb %al, $0x80
guest rdmsr, rdmsr
guest wrmsr, wrmsr
guest lgdt, lgdt (%rsp)
guest lidt, lidt (%rsp)
guest lldt, lldt %ax
guest ltr, ltr %ax
guest lmsw, lmsw %ax
guest clts, clts
guest invlpg, invlpg (%rsp)
guest invd, invd; syscall
guest wbinvd, wbinvd; syscall
guest swapgs, swapgs
guest sysret, sysretq
guest sysexit, sysexitq
guest read_cr0, movq %cr0, %rax
guest write_cr3, movq %rax, %cr3
guest write_cr4, movq %rax, %cr4
guest write_cr8, movq %rax, %cr8
guest read_dr7, movq %db7, %rax
guest write_dr7, movq %rax, %db7
guest xsetbv, xsetbv
guest rdpmc, rdpmc
guest monitor, monitor
guest sgdt, sgdt -64(%rsp); syscall
guest sidt, sidt -64(%rsp); syscall
guest sldt, sldt -64(%rsp); syscall
guest smsw, smsw -64(%rsp); syscall
guest str, str -64(%rsp); syscall
guest iret_kernel                 # to the kernel's code selector
  pushq $0x10
  pushq %rsp
  pushq $2
  pushq $8
  pushq $0x10000
  iretq
guest iret_flags                  # IOPL 3, interrupts off, NT: silently not set, or refused
  movq %ss, %rax
  pushq %rax
  pushq $0x23f00
  pushq $0x7002
  movq %cs, %rax
  pushq %rax
  leaq 1f(%rip), %rax
  pushq %rax
  iretq
1: syscall
guest far_kernel                  # a far return into ring 0
  pushq $8
  pushq $0x10000
  lretq
guest load_ss
  movl $0x10, %eax
  movl %eax, %ss
guest load_ds_kernel              # the kernel's data selector: #GP
  movl $0x10, %eax
  movl %eax, %ds
guest load_tss
  movl $0x28, %eax
  movl %eax, %fs
guest load_fs_user                # allowed, and drops the base
  movl $0x1b, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl %eax, %es
  movl %eax, %ds
  syscall
guest wrfsbase, wrfsbase %rax; syscall
guest wrgsbase, wrgsbase %rax; syscall
guest int80, int $0x80
guest int_any, int $0; syscall    # patched: int n, then a call
guest sysenter, sysenter
guest mov_ss_syscall, reload_ss; syscall
guest mov_ss_int3, reload_ss; int3
guest mov_ss_icebp, reload_ss; .byte 0xf1
guest mov_ss_int80, reload_ss; int $0x80
guest mov_ss_ud2, reload_ss; ud2
guest step_mov_ss_syscall         # the same with TF on since the instruction before
  trap_flag_on movl %ss, %eax
  movl %eax, %ss
  syscall
  nop
  syscall
guest step_mov_ss_int3
  trap_flag_on movl %ss, %eax
  movl %eax, %ss
  int3
  nop
guest step_syscall
  trap_flag_on
  syscall
  nop
  nop
guest step_ud2, trap_flag_on; ud2
guest flags_call                  # AC, NT, DF, ID and all arithmetic flags on, then a call
  pushq $0x244cd7
  popfq
  syscall
  pushfq
  popq %rax
  syscall
guest flags_fault
  pushq $0x244cd7
  popfq
  ud2
guest bad_stack_fault             # a fault and a call with a stack that cannot be
  movq $0x800000000000, %rsp
  nop
  ud2
guest bad_stack_call
  movabsq $0x8000000000000000, %rsp
  syscall
guest bad_stack_spin
  movabsq $0xdead000000000000, %rsp
1: pause
  jmp 1b
guest bad_stack_push
  movabsq $0xdead000000000000, %rsp
  pushq %rax
guest kernel_stack_spin           # the direct map and the kernel's image as stack
  movabsq $0xffff800000001000, %rsp
1: pause
  jmp 1b
guest zero_stack_push
  xorl %esp, %esp
  pushq %rax
guest jump, jmpq *%rax            # to rax
guest load, movq (%rax), %rbx; syscall  # from rax
guest store, movq %rbx, (%rax); syscall  # to rax
guest prefix                      # sixteen bytes with prefixes: longer than an instruction can be
  .rept 15
  .byte 0x66
  .endr
  nop
  syscall
guest lock_nop                    # lock where there is none
  .byte 0xf0, 0x90
guest fxrstor, fxrstor64 (%rax); syscall  # MXCSR with reserved bits, from memory
guest ldmxcsr, ldmxcsr (%rax); syscall
guest xrstor
  xorl %edx, %edx
  movl $7, %eax
  xrstor64 (%rbx)
  syscall
guest hypercall, vmcall
guest vmrun, vmrun
guest cpuid, cpuid; syscall
guest rdtsc, rdtsc; syscall
guest fill_vector                 # xmm0..15 (ymm where there is AVX) and x87 from the words at 0x20000
  movq $0x20000, %rax
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movdqu 16 * \n(%rax), %xmm\n
  .endr
  fninit
  fildq 0x000(%rax)
  fildq 0x018(%rax)
  ldmxcsr 0x100(%rax)
  testl $1, 0x108(%rax)
  jz 1f
  vmovdqu 0x110(%rax), %ymm3
  vmovdqu 0x130(%rax), %ymm12
1:
  .globl guest_store_vector
guest_store_vector:
  syscall                         # others may run here
  answer_with_vector
guest store_only, answer_with_vector
guest bases                       # what %fs:0 and %gs:0 read, for ever
1: movq %fs:0, %rax
  movq %gs:0, %rbx
  syscall
  jmp 1b
guest selectors
  movl %fs, %eax
  movl %gs, %ebx
  movl %ds, %edx
  movl %es, %esi
  syscall
guest random_walk                 # a long stretch of different instructions, for single steps
  .rept 64
  addq $3, %rax
  xorq %rax, %rbx
  pushq %rax
  popq %rcx
  .endr
  syscall
  .balign 16
guests_end:
  .section .note.GNU-stack, "", @progbits
