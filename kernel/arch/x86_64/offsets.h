/* Numbers that assembly and C++ must agree on; cpu.hpp and descriptors.hpp assert them. */
#ifndef FB_KERNEL_OFFSETS_H
#define FB_KERNEL_OFFSETS_H

#define KERNEL_BASE 0xffffffff80000000
#define TRAMPOLINE_ADDRESS 0x8000

/* struct Cpu, from the GS base */
#define CPU_SELF 0
#define CPU_SEQUENCE 8
#define CPU_STACK 16
#define CPU_FRAME 24
#define CPU_REFLECTING 32
#define CPU_CURRENT 40
#define CPU_HELD_RANKS 48
#define CPU_CLAIMS 56
#define CPU_TOP 64
#define CPU_RUNNING 72
#define CPU_LIVE 80
#define CPU_FS_BASE 88
#define CPU_GS_BASE 96
#define CPU_ROOT 104
#define CPU_USER_END 112
#define CPU_ARMED_TIME 120

/* struct ContextHead */
#define CONTEXT_FRAME 0
#define CONTEXT_ROOT 8
#define CONTEXT_STATE 16
#define CONTEXT_BY_SYSCALL 20
#define CONTEXT_ATTENTION 23
#define CONTEXT_RUN_HANDLE 24
#define CONTEXT_RUN_ENTRY 32
#define CONTEXT_RUN_TARGET 40
#define CONTEXT_LAST_TARGET 64
#define CONTEXT_LAST_EVENT 88
#define CONTEXT_EPOCH 128

/* struct Known */
#define KNOWN_ENTRY 8
#define KNOWN_OBJECT 16

/* struct Level */
#define LEVEL_SIZE 32
#define LEVEL_ROOT 0
#define LEVEL_CARRIER 8
#define LEVEL_DEADLINE 16
#define LEVEL_VIA 24

/* struct core::cap::Entry; Chain::Idle; arch::kUserFlagsMask and what is or-ed in */
#define ENTRY_CHECKED 24
#define STATE_IDLE 1
#define USER_FLAGS_MASK 0x240dd5
#define USER_FLAGS_SET 0x202

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
#define FRAME_FS_BASE 144
#define FRAME_GS_BASE 152
#define FRAME_STOP 160

/* The table of calls (abi/decode.hpp) */
#define CALL_COUNT 82
#define CALL_CONTEXT_RUN 33
#define ERROR_BAD_CALL 1

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23

/* Every vector that can arrive while the GS base may be anything runs on a stack of its own, at whose top the Cpu's
 * address lies. */
#define IST_STACK_SIZE 8192

#endif
