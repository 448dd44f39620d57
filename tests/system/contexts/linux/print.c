// A Linux program with a C library: formatted output, memory, thread-local storage, floating point.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local int counter = 7;

int main(int argc, char** argv) {
  char* block = malloc(300000);
  if (block == NULL) return 1;
  memset(block, 'x', 300000);
  block[299999] = '\0';
  errno = 5;
  counter += argc;
  printf("%s has %d arguments, %zu bytes, %.6f, %d %d\n", argv[0], argc, strlen(block), 355.0 / 113.0,
         counter, errno);
  free(block);
  return 3;
}
