/* Numbers that assembly and C++ must agree on; cpu.hpp and descriptors.hpp assert them. */
#ifndef FB_KERNEL_OFFSETS_H
#define FB_KERNEL_OFFSETS_H

#define KERNEL_BASE 0xffffffff80000000
#define TRAMPOLINE_ADDRESS 0x8000

/* struct Cpu, from the GS base */
#define CPU_SELF 0
#define CPU_SEQUENCE 8
#define CPU_USER_RSP 16
#define CPU_STACK 24
#define CPU_FRAME 32
#define CPU_REFLECTING 40
#define CPU_CURRENT 48
#define CPU_HELD_RANKS 56
#define CPU_CLAIMS 64

/* struct exo_frame */
#define FRAME_RAX 0
#define FRAME_RBX 8
#define FRAME_RCX 16
#define FRAME_RDX 24
#define FRAME_RSI 32
#define FRAME_RDI 40
#define FRAME_RBP 48
#define FRAME_RSP 56
#define FRAME_R8 64
#define FRAME_R9 72
#define FRAME_R10 80
#define FRAME_R11 88
#define FRAME_R12 96
#define FRAME_R13 104
#define FRAME_R14 112
#define FRAME_R15 120
#define FRAME_RIP 128
#define FRAME_RFLAGS 136

/* The table of calls (abi/decode.hpp) */
#define CALL_COUNT 82
#define ERROR_BAD_CALL 1

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23

/* Every vector that can arrive while the GS base may be anything runs on a stack of its own, at whose top the Cpu's
 * address lies. */
#define IST_STACK_SIZE 8192

#endif
