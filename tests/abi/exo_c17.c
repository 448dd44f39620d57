/* The C header as C17 programs see it: this file is compiled with -std=c17 -pedantic. */
#define EXO_SYSCALL_INSTRUCTION "call exo_test_kernel"
#include "tests/abi/exo_c17.h"

#include "abi/exo.h"

_Static_assert(sizeof(exo_cap) == 8, "a handle is 64 bits");
_Static_assert(sizeof(struct exo_words) == 56, "six words and the header");
_Static_assert(EXO_OK == 0 && EXO_E_BAD_CALL == 1 && EXO_E_WRITE_EXECUTE == 12,
               "statuses are constant expressions");
/* NOLINTNEXTLINE(misc-redundant-expression): that both are the same is the claim */
_Static_assert(EXO_RIGHT_RWX == (EXO_RIGHT_READ | EXO_RIGHT_WRITE | EXO_RIGHT_EXECUTE), "RWX is a union");
_Static_assert(EXO_CALL_MAP_PAGES == 13 && EXO_TYPE_BUDGET == 12 && EXO_STOP_HALTED == 8,
               "numbers are pinned");

uint64_t c17_map(exo_cap space, exo_cap pages) {
  return exo_map_pages(space, pages, UINT64_C(0x400000), 1, 2, EXO_ACCESS_READ | EXO_ACCESS_WRITE);
}

uint64_t c17_allocate(uint64_t count, exo_cap* pages) {
  return exo_alloc_mem_pages(count, EXO_PAGE_FLAGS_SHARED, pages);
}

uint64_t c17_invoke(exo_cap gate, struct exo_words* words) { return exo_cap_invoke(gate, words); }

const char* c17_name(uint64_t status) { return exo_status_name(status); }
