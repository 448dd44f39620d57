// Scheduling: shares by nice values, classes, real-time order and affinity [C4.03, E1.04].
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/system/posix/programs/check.h"

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static struct {
  _Atomic int go, stop;
  _Atomic uint64_t count[8];
  _Atomic int order[8], next;
}* shared;

static int on_first(void) {
  cpu_set_t set, old;
  sched_getaffinity(0, sizeof old, &old);
  int first = 0;
  while (!CPU_ISSET(first, &old)) ++first;
  CPU_ZERO(&set);
  CPU_SET(first, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? first : -1;
}
static int set_policy(int policy, int priority) {
  const struct sched_param param = {priority};
  return sched_setscheduler(0, policy, &param);
}

// Busy until told, on the first processor; `prepare` says how.
static pid_t busy(int which, void (*prepare)(void)) {
  const pid_t child = fork();
  if (child != 0) return child;
  on_first();
  prepare();
  while (!shared->go) sched_yield();
  while (!shared->stop) ++shared->count[which];
  _exit(0);
}
static void settle(pid_t* children, int count) {
  shared->stop = 1;
  for (int i = 0; i != count; ++i) waitpid(children[i], NULL, 0);
  shared->go = shared->stop = 0;
}
static void race(const char* what, void (*one)(void), void (*other)(void)) {
  for (int i = 0; i != 2; ++i) shared->count[i] = 0;
  pid_t children[2] = {busy(0, one), busy(1, other)};
  // The one that tells them the end must not wait for its share.
  shared->go = 1;
  sleep_ms(1500);
  settle(children, 2);
  const double ratio = (double)shared->count[0] / (double)(shared->count[1] + 1);
  say("%s: %s", what, ratio > 12 ? "much more" : ratio > 1.8 ? "more" : ratio > 0.55 ? "as much" : "less");
}
static void as_it_is(void) {}
static void nice_4(void) { setpriority(PRIO_PROCESS, 0, 4); }
static void nice_19(void) { setpriority(PRIO_PROCESS, 0, 19); }
static void in_batch(void) { set_policy(SCHED_BATCH, 0); }
static void when_idle(void) { set_policy(SCHED_IDLE, 0); }
static void in_turns(void) { set_policy(SCHED_RR, 1); }
static void shares(void) {
  race("equals", as_it_is, as_it_is);
  race("nice 0 and 4", as_it_is, nice_4);
  race("nice 0 and 19", as_it_is, nice_19);
  race("nice 19 and 19", nice_19, nice_19);
  race("normal and batch", as_it_is, in_batch);
  race("normal and idle", as_it_is, when_idle);
  race("real-time and normal", in_turns, as_it_is);
}

static void arrive(void) { shared->order[shared->next++] = getpriority(PRIO_PROCESS, 0); }
// A thread of a higher priority runs as soon as it can, and those of one priority in their order.
static void real_time(void) {
  on_first();
  say("fifo: %s", result(set_policy(SCHED_FIFO, 50)));
  pid_t children[4];
  static const int priorities[4] = {20, 30, 30, 10};
  for (int i = 0; i != 4; ++i) {
    children[i] = fork();
    if (children[i] != 0) continue;
    setpriority(PRIO_PROCESS, 0, i);
    set_policy(SCHED_FIFO, priorities[i]);
    arrive();
    _exit(0);
  }
  int before = shared->next;
  for (int i = 0; i != 4; ++i) waitpid(children[i], NULL, 0);
  say("before its maker waits: %d", before);
  // By nice values: how they were made. All began at 50, and stepped down.
  say("order %d %d %d %d", shared->order[0], shared->order[1], shared->order[2], shared->order[3]);
}

static void told(const char* what) {
  struct sched_param param;
  struct attributes is = {0};
  sched_getparam(0, &param);
  const long done = syscall(SYS_sched_getattr, 0, &is, 48, 0);
  say("%s: policy %x, priority %d, nice %d; %s %u %llx %d %u", what, (unsigned)sched_getscheduler(0),
      param.sched_priority, getpriority(PRIO_PROCESS, 0), result(done), is.policy,
      (unsigned long long)is.flags, is.nice, is.priority);
}
static long set_attributes(uint32_t policy, uint64_t flags, int nice, uint32_t priority) {
  struct attributes wanted = {
      .size = 48, .policy = policy, .flags = flags, .nice = nice, .priority = priority};
  return syscall(SYS_sched_setattr, 0, &wanted, 0);
}
static void values(void) {
  told("at first");
  say("nice 5: %s", result(set_attributes(SCHED_OTHER, 0, 5, 0)));
  told("nicer");
  say("round robin: %s", result(set_attributes(SCHED_RR, 1, 0, 7)));
  told("in turns");
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    told("its child");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  say("keep both: %s", result(set_attributes(SCHED_IDLE, 8 | 16, 0, 0)));
  told("kept");
  struct timespec turn;
  say("interval: %s", result(sched_rr_get_interval(0, &turn)));
  say("of a tenth: %s",
      turn.tv_sec == 0 && turn.tv_nsec >= 90000000 && turn.tv_nsec <= 110000000 ? "yes" : "no");
  set_policy(SCHED_FIFO, 1);
  say("of none: %s %ld", result(sched_rr_get_interval(0, &turn)), turn.tv_nsec);
  set_policy(SCHED_IDLE, 0);
  told("idle");
  say("priority of others: %s", result(set_policy(SCHED_OTHER, 1)));
  say("too high: %s", result(set_policy(SCHED_FIFO, 100)));
  say("none: %s", result(set_policy(SCHED_FIFO, 0)));
  say("no policy: %s", result(set_policy(4711, 0)));
  say("nobody: %s", result(sched_getscheduler(4194303)));
  say("negative: %s", result(sched_getscheduler(-1)));
  say("no parameter: %s", result(sched_getparam(0, NULL)));
  struct attributes odd = {.size = 47};
  say("small: %s, %u or more", result(syscall(SYS_sched_setattr, 0, &odd, 0)),
      odd.size >= 48 ? 48 : odd.size);
  say("flags: %s", result(set_attributes(SCHED_OTHER, 1 << 20, 0, 0)));
  say("small room: %s", result(syscall(SYS_sched_getattr, 0, &odd, 47, 0)));
}

static void as_nobody(void) {
  const struct rlimit none = {0, 0};  // who is not quite root could not raise them
  setrlimit(RLIMIT_NICE, &none);
  setrlimit(RLIMIT_RTPRIO, &none);
  setpriority(PRIO_PROCESS, 0, 10);
  if (setresuid(65534, 65534, 65534) != 0) return;
  errno = 0;
  say("less nice: %s", result(setpriority(PRIO_PROCESS, 0, 5)));
  say("by attribute: %s", result(set_attributes(SCHED_OTHER, 0, 4, 0)));
  say("nicer: %s", result(setpriority(PRIO_PROCESS, 0, 12)));
  say("real-time 3: %s", result(set_policy(SCHED_FIFO, 3)));
  say("reset on fork: %s", result(set_policy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0)));
  say("not any more: %s", result(set_policy(SCHED_OTHER, 0)));
  say("root's: %s", result(setpriority(PRIO_PROCESS, (id_t)getppid(), 19)));
  say("its own user: %s", result(setpriority(PRIO_USER, 0, 13)));
  say("group: %d", getpriority(PRIO_PGRP, 0) <= 13);
}

static long allowed(void) {
  FILE* file = fopen("/proc/self/status", "r");
  char line[256];
  long mask = -1;
  while (file && fgets(line, sizeof line, file)) sscanf(line, "Cpus_allowed: %lx", &mask);
  fclose(file);
  return mask;
}
// Each thread moves over all processors, and is where it says after each move.
static void* moving(void* argument) {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  long wrong = 0;
  for (int round = 0; round != 20; ++round) {
    for (int cpu = 0; cpu != 64; ++cpu) {
      if (!CPU_ISSET(cpu, &all)) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      if (sched_setaffinity(0, sizeof one, &one) != 0) ++wrong;
      for (int i = 0; i != 50; ++i) wrong += sched_getcpu() != cpu;
      sched_yield();
      wrong += sched_getcpu() != cpu;
    }
  }
  return (char*)argument + wrong;
}
static void affinity(void) {
  pthread_t threads[6];
  long wrong = 0;
  for (int i = 0; i != 6; ++i) pthread_create(&threads[i], NULL, moving, NULL);
  for (int i = 0; i != 6; ++i) {
    void* value;
    pthread_join(threads[i], &value);
    wrong += (long)value;
  }
  say("elsewhere: %ld", wrong);
  const int first = on_first();
  say("allowed: %s", allowed() == 1L << first ? "the first" : "others");
  cpu_set_t set;
  CPU_ZERO(&set);
  say("none: %s", result(sched_setaffinity(0, sizeof set, &set)));
  CPU_SET(1000, &set);
  say("not there: %s", result(sched_setaffinity(0, sizeof set, &set)));
  say("nobody: %s", result(sched_setaffinity(4194303, sizeof set, &set)));
  say("small: %s", result(syscall(SYS_sched_getaffinity, 0, 7, &set)));
}

// The terminal's signal and kill get through to one that would never give way.
static void never_ends(void) {
  on_first();
  set_policy(SCHED_FIFO, 99);
  for (;;) shared->count[7] = 1;
}
static void starvation(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) never_ends();
  on_first();
  sleep_ms(50);
  int status;
  kill(child, SIGTERM);
  waitpid(child, &status, 0);
  say_status("the busiest", status);
}

int main(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  in_child("values", values);
  in_child("as nobody", as_nobody);
  in_child("affinity", affinity);
  in_child("real time", real_time);
  in_child("starvation", starvation);
  shares();
  return 0;
}
