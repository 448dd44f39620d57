/* What exo_c17.c makes of the C header, for the tests. */
#ifndef FB_TESTS_ABI_EXO_C17_H
#define FB_TESTS_ABI_EXO_C17_H

#include "abi/layout.h"

#ifdef __cplusplus
extern "C" {
#endif
struct exo_words;
uint64_t c17_map(uint64_t space, uint64_t pages);
uint64_t c17_allocate(uint64_t count, uint64_t* pages);
uint64_t c17_invoke(uint64_t gate, struct exo_words* words);
const char* c17_name(uint64_t status);
#ifdef __cplusplus
}
#endif

#endif
