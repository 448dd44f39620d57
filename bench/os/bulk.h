/* Rows that take wall time: large copies. */
#pragma once

#include <stdbool.h>

/* Whether it is one of those; prints it. In microseconds. */
bool measure_bulk(const char* name);
