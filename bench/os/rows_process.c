/* Rows: threads and processes that come and go. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/os/row.h"

static void* nothing(void* argument) { return argument; }
static void threads(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, 0, nothing, 0)) give_up("pthread_create");
    pthread_join(thread, 0);
  }
}

static void await(pid_t child) {
  int status = 0;
  must(waitpid(child, &status, 0), "waitpid");
  if (status) give_up("the child failed");
}
static void forks(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    pid_t child = (pid_t)must(fork(), "fork");
    if (!child) _exit(0);
    await(child);
  }
}
static void execute(const char* path, unsigned n) {
  char* const words[] = {(char*)path, (char*)"--exit", 0};
  char* const none[] = {0};
  for (unsigned i = 0; i < n; ++i) {
    pid_t child = vfork();
    if (!child) {
      execve(path, words, none);
      _exit(1);
    }
    must(child, "vfork");
    await(child);
  }
}
static void executions(unsigned n) { execute(own_path, n); }
static void dynamic_executions(unsigned n) { execute("/bench_dynamic", n); }

const struct row process_rows[] = {
    {"thread-create-join", 5, 20, threads, 0, 0, 0},
    {"fork-exit-wait", 1, 20, forks, 0, 0, 0},
    {"vfork-exec-exit", 1, 20, executions, 0, 0, 0},
    {"exec-dynamic", 1, 20, dynamic_executions, 0, 0, 0},
    {0},
};
