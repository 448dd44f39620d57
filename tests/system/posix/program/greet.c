// A library that a program brings along.
#include <stdio.h>

void greet(const char* name);
void greet(const char* name) { printf("[%s]", name); }
