/* Structures that ring 0 and ring 3 share in memory. C17 and C++; every field is fetched once by the kernel and
 * checked before it is used, so what another CPU writes meanwhile changes nothing (DESIGN §6, §7). */
#ifndef FB_ABI_LAYOUT_H
#define FB_ABI_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* Registers of a context. For a reflecting context this is where they live: the carrier reads and writes them in
 * place while the context is idle. 192 bytes. */
typedef struct exo_frame {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip, rflags;
  uint64_t fs_base, gs_base;
  /* enum exo_stop of the last stop. After SYSCALL the next run leaves rcx and r11 to the CPU, which puts rip and rflags
   * there; a carrier that wants them loaded, or that sets TF, stores another value first. */
  uint64_t stop;
  uint64_t vector;     /* FAULT: exception vector */
  uint64_t error_code; /* FAULT: error code pushed by the CPU, else 0 */
  uint64_t address;    /* FAULT: faulting address (CR2) of a page fault, else 0 */
} exo_frame;

/* The operands of exo_transfer_data (C2.15). Offsets and count are bytes; with MOVE the offsets are page-aligned
 * addresses in the two address spaces and the count is in bytes, a multiple of the page size. */
typedef struct exo_transfer {
  uint64_t dst_space, dst_pages, dst_offset;
  uint64_t src_space, src_pages, src_offset;
  uint64_t count, flags;
} exo_transfer;

/* The operands of exo_submit_async_op. */
typedef struct exo_async {
  uint64_t target; /* EVENT: the event, with WAIT */
  uint64_t word;   /* TIMER: deadline; EVENT: bits */
  exo_transfer transfer;
} exo_async;

/* Words seven to ten of a gate message and the handles that travel with it (header in r12: bits 0-3 the number of
 * extra words, bits 4-7 the number of handles). */
typedef struct exo_message {
  uint64_t words[4];
  uint64_t handles[4]; /* out: the caller's handles; in: the handles they became here */
  uint64_t masks[4];   /* out: the rights to pass on */
} exo_message;

/* One queued call; status and result are written back. 64 bytes. */
typedef struct exo_ring_entry {
  uint32_t call;
  uint32_t status;
  uint64_t args[6];
  uint64_t result;
} exo_ring_entry;

/* First page of a context's area. */
typedef struct exo_area {
  exo_frame frame; /* reflecting contexts */
  uint32_t
      running; /* 1 while the context has a CPU: a LibOS lock whose holder shows 0 blocks instead of spinning */
  uint32_t cpu;
  uint64_t reserved[7];
  exo_message message;
  exo_transfer transfer;
  exo_async async;
} exo_area;

enum { EXO_RING_ENTRIES = 64 };

/* Second page of a native context's area. */
typedef struct exo_ring {
  exo_ring_entry entries[EXO_RING_ENTRIES];
} exo_ring;

/* What the first domain finds, read-only, in the page whose address is its start argument. */
typedef struct exo_boot_info {
  uint64_t magic;                          /* EXO_BOOT_MAGIC */
  uint64_t version;                        /* of calls.toml */
  uint64_t domain, space, context, budget; /* handles */
  uint64_t archive;                        /* Pages of the boot archive */
  uint64_t archive_bytes;                  /* its length */
  uint64_t archive_offset;                 /* where in the first page it begins */
  uint64_t cpus;
  char command_line[512]; /* NUL-terminated */
} exo_boot_info;

#define EXO_BOOT_MAGIC UINT64_C(0x4642424f4f540001)

#ifdef __cplusplus
#define EXO_LAYOUT_ASSERT_ static_assert
#else
#define EXO_LAYOUT_ASSERT_ _Static_assert
#endif
EXO_LAYOUT_ASSERT_(sizeof(exo_frame) == 192, "frame is pinned");
EXO_LAYOUT_ASSERT_(offsetof(exo_frame, rip) == 128, "frame is pinned");
EXO_LAYOUT_ASSERT_(offsetof(exo_area, running) == 192, "area is pinned");
EXO_LAYOUT_ASSERT_(offsetof(exo_area, message) == 256, "area is pinned");
EXO_LAYOUT_ASSERT_(offsetof(exo_area, transfer) == 352, "area is pinned");
EXO_LAYOUT_ASSERT_(sizeof(exo_ring_entry) == 64, "ring is pinned");
EXO_LAYOUT_ASSERT_(sizeof(exo_ring) == 4096, "ring is pinned");
EXO_LAYOUT_ASSERT_(sizeof(exo_area) <= 4096, "area is one page");
EXO_LAYOUT_ASSERT_(sizeof(exo_boot_info) <= 4096, "boot information is one page");

#endif
