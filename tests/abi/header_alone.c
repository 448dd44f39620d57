/* The C headers, as they come: the real instruction, and every inline function of them compiled. */
#include "abi/exo.h"

_Static_assert(sizeof(struct exo_reply) == 16, "two registers");
_Static_assert(EXO_RING_ENTRIES == 64, "one page of entries");
