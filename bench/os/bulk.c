/* Large copies, in microseconds of the machine's clock: to be measured without -icount. */
#include "bench/os/bulk.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/os/row.h"

enum { kPiece = 64 * 1024, kPieces = 256, kRounds = 3 }; /* 16 MiB */

static char piece[kPiece];

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void write_all(int file) {
  for (size_t done = 0; done < kPiece;)
    done += (size_t)must(write(file, piece + done, kPiece - done), "write");
}

static void copy_file(void) {
  int from = (int)must(open("/tmp/from", O_RDWR | O_CREAT, 0644), "/tmp/from");
  int to = (int)must(open("/tmp/to", O_RDWR | O_CREAT | O_TRUNC, 0644), "/tmp/to");
  for (int i = 0; i < kPieces; ++i) {
    must(read(from, piece, kPiece), "read");
    write_all(to);
  }
  close(from), close(to);
}

static void copy_pipe(void) {
  int ends[2];
  must(pipe(ends), "pipe");
  pid_t child = (pid_t)must(fork(), "fork");
  if (!child) {
    close(ends[1]);
    while (read(ends[0], piece, kPiece) > 0) {
    }
    _exit(0);
  }
  close(ends[0]);
  for (int i = 0; i < kPieces; ++i) write_all(ends[1]);
  close(ends[1]);
  must(waitpid(child, 0, 0), "waitpid");
}

static void fill_source(void) {
  mkdir("/tmp", 0777);
  int from = (int)must(open("/tmp/from", O_RDWR | O_CREAT | O_TRUNC, 0644), "/tmp/from");
  for (int i = 0; i < kPieces; ++i) write_all(from);
  close(from);
}

bool measure_bulk(const char* name) {
  void (*copy)(void) = !strcmp(name, "copy-file") ? copy_file : !strcmp(name, "copy-pipe") ? copy_pipe : 0;
  if (!copy) return false;
  memset(piece, 'x', sizeof piece);
  fill_source();
  uint64_t least = UINT64_MAX, worst = 0;
  for (int i = 0; i < kRounds; ++i) {
    uint64_t before = microseconds();
    copy();
    uint64_t took = microseconds() - before;
    least = took < least ? took : least;
    worst = took > worst ? took : worst;
  }
  unlink("/tmp/from"), unlink("/tmp/to");
  printf("row\t%s\t%llu\t%llu\t%d\n", name, (unsigned long long)least, (unsigned long long)worst, kRounds);
  return true;
}
