# Entry from a PVH loader (QEMU, Firecracker): 32-bit protected mode, paging off, %ebx = struct hvm_start_info
# (Xen, x86/HVM direct boot ABI). Builds the first page tables, enters long mode, calls kernel_main(start_info).
#include "kernel/arch/x86_64/offsets.h"

  .section .note.pvh, "a"
  .long 4, 4, 18                  # name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .long pvh_entry - KERNEL_BASE

  .section .boot.text, "ax"
  .code32
  .globl pvh_entry
pvh_entry:
  cli
  cld
  rdtsc                           # the boot figure counts from here
  movl %eax, %esi
  movl %edx, %edi
  movl $(boot_stack_top - KERNEL_BASE), %esp

  # One directory of 2 MiB pages for the first GiB, reached through the identity, direct-map and kernel addresses.
  movl $(boot_directory - KERNEL_BASE), %edx
  movl $0x83, %eax                # present, writable, large
  xorl %ecx, %ecx
1:
  movl %eax, (%edx, %ecx, 8)
  addl $0x200000, %eax
  incl %ecx
  cmpl $512, %ecx
  jne 1b
  movl $(boot_directory - KERNEL_BASE + 3), %eax
  movl %eax, boot_pointers_low - KERNEL_BASE
  movl %eax, boot_pointers_high - KERNEL_BASE + 510 * 8
  movl $(boot_pointers_low - KERNEL_BASE + 3), %eax
  movl %eax, boot_root - KERNEL_BASE
  movl %eax, boot_root - KERNEL_BASE + 256 * 8
  movl $(boot_pointers_high - KERNEL_BASE + 3), %eax
  movl %eax, boot_root - KERNEL_BASE + 511 * 8

  movl $(boot_root - KERNEL_BASE), %eax
  call enter_long_mode
  .code64
  movabsq $1f, %rax
  jmp *%rax
1:
  movq $boot_stack_top, %rsp
  shlq $32, %rdi                  # entry time-stamp, second argument
  orq %rdi, %rsi
  movl %ebx, %edi                 # start_info
  xorl %ebp, %ebp
  call kernel_main
  ud2

# %eax = root table. Turns on PAE, long mode with NX, paging; returns in 64-bit mode. Also used by the other CPUs.
  .code32
  .globl enter_long_mode
enter_long_mode:
  movl %eax, %cr3
  movl %cr4, %eax
  orl $0x20, %eax                 # PAE
  movl %eax, %cr4
  pushl %edx
  movl $0xc0000080, %ecx          # EFER
  rdmsr
  orl $0x901, %eax                # SCE, LME, NXE
  wrmsr
  popl %edx
  movl $0x80010033, %eax          # PG, WP, NE, ET, MP, PE
  movl %eax, %cr0
  popl %eax                       # return address, low half
  lgdtl boot_gdt_pointer - KERNEL_BASE
  pushl $8
  pushl %eax
  lret

# First steps of another CPU: real mode at kTrampolineAddress, copied there by start_cpus(). The words behind
# trampoline_data are filled for each CPU: boot tables, Cpu*, final tables.
  .globl trampoline_start, trampoline_end, trampoline_data
  .code16
trampoline_start:
  cli
  cld
  movw %cs, %ax
  movw %ax, %ds
  lgdtl trampoline_gdt_pointer - trampoline_start
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $0x18, $(TRAMPOLINE_ADDRESS + (1f - trampoline_start))
  .code32
1:
  movw $0x10, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $(TRAMPOLINE_ADDRESS + (trampoline_end - trampoline_start) + 256), %esp
  movl TRAMPOLINE_ADDRESS + (trampoline_data - trampoline_start), %eax
  movl $(enter_long_mode - KERNEL_BASE), %ecx
  call *%ecx
  .code64
  movl $(TRAMPOLINE_ADDRESS + (trampoline_data - trampoline_start)), %eax
  movq 8(%rax), %rdi              # Cpu*
  movq 16(%rax), %rdx             # final tables: they map stacks, but not this page
  movabsq $secondary_entry, %rax
  jmp *%rax
  .align 8
trampoline_gdt:
  .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cf9a000000ffff
trampoline_gdt_pointer:
  .word 31
  .long TRAMPOLINE_ADDRESS + (trampoline_gdt - trampoline_start)
  .align 8
trampoline_data:
  .quad 0, 0, 0
trampoline_end:

  .text
secondary_entry:
  movq %rdx, %cr3
  movq CPU_STACK(%rdi), %rsp
  xorl %ebp, %ebp
  call secondary_main
  ud2

  .section .rodata
  .align 8
boot_gdt:
  .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer:
  .word 23
  .long boot_gdt - KERNEL_BASE

  .section .bss
  .align 4096
  .globl boot_root
boot_root: .skip 4096
boot_pointers_low: .skip 4096
boot_pointers_high: .skip 4096
boot_directory: .skip 4096
  .skip 16384
boot_stack_top:
