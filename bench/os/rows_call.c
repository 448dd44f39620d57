/* Rows: calls that do not wait. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/os/row.h"

#define FILE_NAME "/tmp/bench"
enum { kPage = 4096, kDescriptors = 100 };

static int file = -1, ends[2], many[kDescriptors];
static char page[kPage];

static void getppids(unsigned n) {
  for (unsigned i = 0; i < n; ++i) getppid();
}

static void clocks(unsigned n) {
  struct timespec now;
  for (unsigned i = 0; i < n; ++i) clock_gettime(CLOCK_MONOTONIC, &now);
}

static void make_file(void) {
  mkdir("/tmp", 0777);
  file = (int)must(open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644), FILE_NAME);
  for (int i = 0; i < 4; ++i) must(write(file, page, sizeof page), "write");
}
static void remove_file(void) {
  close(file);
  unlink(FILE_NAME);
}
static void read_byte(unsigned n) {
  for (unsigned i = 0; i < n; ++i) must(pread(file, page, 1, 0), "pread");
}
static void read_page(unsigned n) {
  for (unsigned i = 0; i < n; ++i) must(pread(file, page, sizeof page, 0), "pread");
}
static void open_close(unsigned n) {
  for (unsigned i = 0; i < n; ++i) close((int)must(open(FILE_NAME, O_RDONLY), "open"));
}
static void stats(unsigned n) {
  struct stat status;
  for (unsigned i = 0; i < n; ++i) must(stat(FILE_NAME, &status), "stat");
}

static void make_pipe(void) { must(pipe(ends), "pipe"); }
static void close_pipe(void) { close(ends[0]), close(ends[1]); }
static void through_pipe(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    must(write(ends[1], page, 1), "write");
    must(read(ends[0], page, 1), "read");
  }
}

static volatile sig_atomic_t handled;
static void handle(int signal) {
  (void)signal;
  ++handled;
}
static void install(void) {
  struct sigaction action = {.sa_handler = handle};
  must(sigaction(SIGUSR1, &action, 0), "sigaction");
}
static void signals(unsigned n) {
  pid_t self = getpid();
  for (unsigned i = 0; i < n; ++i) must(kill(self, SIGUSR1), "kill");
}
static void check_signals(void) {
  if (!handled) give_up("no signal came");
}

/* A hundred pipes, of which the last has something to read. */
static int write_ends[kDescriptors];
static void make_many(void) {
  for (int i = 0; i < kDescriptors; ++i) {
    make_pipe();
    many[i] = ends[0], write_ends[i] = ends[1];
  }
  must(write(ends[1], page, 1), "write");
}
static void close_many(void) {
  for (int i = 0; i < kDescriptors; ++i) close(many[i]), close(write_ends[i]);
}
static void selects(unsigned n) {
  fd_set all;
  FD_ZERO(&all);
  for (int i = 0; i < kDescriptors; ++i) FD_SET(many[i], &all);
  int highest = many[kDescriptors - 1] + 1;
  for (unsigned i = 0; i < n; ++i) {
    fd_set now = all;
    if (must(select(highest, &now, 0, 0, 0), "select") != 1) give_up("select");
  }
}

const struct row call_rows[] = {
    {"getppid", 100, 20, getppids, 0, 0, 0},
    {"clock-gettime", 100, 20, clocks, 0, 0, 0},
    {"pread-1", 50, 20, read_byte, make_file, 0, remove_file},
    {"pread-4k", 50, 20, read_page, make_file, 0, remove_file},
    {"open-close", 20, 20, open_close, make_file, 0, remove_file},
    {"stat", 20, 20, stats, make_file, 0, remove_file},
    {"pipe-self", 20, 20, through_pipe, make_pipe, 0, close_pipe},
    {"signal-self", 20, 20, signals, install, 0, check_signals},
    {"select-100", 10, 20, selects, make_many, 0, close_many},
    {0},
};
