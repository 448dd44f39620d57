// Threads: mutexes, conditions, cancellation, robust locks, and what signals, fork and exec do to them [C4.03, C4.04, C4.05].
#include <linux/membarrier.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/system/posix/programs/check.h"

enum { kThreads = 8, kRounds = 2000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;
static __thread int own;

static void* adding(void* argument) {
  own = (int)(long)argument;
  for (int i = 0; i != kRounds; ++i) {
    pthread_mutex_lock(&lock);
    ++counter;
    pthread_mutex_unlock(&lock);
    errno = own;
    if (i % 512 == 0) sched_yield();
    if (errno != own) return (void*)-1;
  }
  return (void*)(long)(own * own);
}
static void mutexes(void) {
  pthread_t threads[kThreads];
  long sum = 0;
  for (long i = 0; i != kThreads; ++i) pthread_create(&threads[i], NULL, adding, (void*)i);
  for (int i = 0; i != kThreads; ++i) {
    void* value;
    pthread_join(threads[i], &value);
    sum += (long)value;
  }
  say("counter %ld, sum %ld", counter, sum);
}

static int turn;
static void* in_turn(void* argument) {
  const int me = (int)(long)argument;
  for (int i = 0; i != 50; ++i) {
    pthread_mutex_lock(&lock);
    while (turn % kThreads != me) pthread_cond_wait(&condition, &lock);
    ++turn;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
static void conditions(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i != kThreads; ++i) pthread_create(&threads[i], NULL, in_turn, (void*)i);
  for (int i = 0; i != kThreads; ++i) pthread_join(threads[i], NULL);
  say("turns %d", turn);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 5000000;
  if (until.tv_nsec >= 1000000000) ++until.tv_sec, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&lock);
  say("timed wait: %s", strerrorname_np(pthread_cond_timedwait(&condition, &lock, &until)));
  pthread_mutex_unlock(&lock);
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 1);
  say("barrier: %d", pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void cleaned(void* argument) { *(int*)argument = 1; }
static void* sleeping(void* argument) {
  pthread_cleanup_push(cleaned, argument);
  for (;;) sleep_ms(1000);
  pthread_cleanup_pop(0);
  return NULL;
}
static void cancels(void) {
  pthread_t thread;
  int clean = 0;
  void* value = NULL;
  pthread_create(&thread, NULL, sleeping, &clean);
  sleep_ms(5);
  say("cancel: %d", pthread_cancel(thread));
  pthread_join(thread, &value);
  say("cancelled %d, cleaned %d", value == PTHREAD_CANCELED, clean);
}

static void* dying(void* argument) {
  pthread_mutex_lock(argument);
  return NULL;
}
static void special_mutexes(void) {
  pthread_mutexattr_t robust, inherits, checks;
  pthread_mutex_t mutex;
  pthread_t thread;
  pthread_mutexattr_init(&robust);
  pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &robust);
  pthread_create(&thread, NULL, dying, &mutex);
  pthread_join(thread, NULL);
  say("robust: %s", strerrorname_np(pthread_mutex_lock(&mutex)));
  say("consistent: %d, unlock %d", pthread_mutex_consistent(&mutex), pthread_mutex_unlock(&mutex));
  pthread_mutexattr_init(&inherits);
  pthread_mutexattr_setprotocol(&inherits, PTHREAD_PRIO_INHERIT);
  say("inherit: %d", pthread_mutex_init(&lock, &inherits));
  counter = 0;
  mutexes();
  pthread_mutex_init(&lock, NULL);
  pthread_mutexattr_init(&checks);
  pthread_mutexattr_settype(&checks, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &checks);
  pthread_mutex_lock(&mutex);
  say("twice: %s", strerrorname_np(pthread_mutex_lock(&mutex)));
}

static volatile sig_atomic_t mine;
static pthread_t handled_in;
static void note(int number) {
  (void)number;
  handled_in = pthread_self();
  mine = 1;
}
static void* until_signalled(void* argument) {
  (void)argument;
  while (!mine) sleep_ms(1);
  return NULL;
}
static void signals(void) {
  pthread_t thread;
  struct sigaction action = {.sa_handler = note};
  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&thread, NULL, until_signalled, NULL);
  say("pthread_kill: %d", pthread_kill(thread, SIGUSR1));
  pthread_join(thread, NULL);
  say("in that thread: %d", pthread_equal(handled_in, thread) != 0);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &one, NULL);
  mine = 0;
  kill(getpid(), SIGUSR1);
  int number = 0;
  say("sigwait: %d", sigwait(&one, &number) == 0 && number == SIGUSR1 && !mine);
  pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static sem_t* semaphore;
static void* posting(void* argument) {
  (void)argument;
  for (int i = 0; i != 100; ++i) sem_post(semaphore);
  return NULL;
}
static void shared(void) {
  semaphore = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(semaphore, 1, 0);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    posting(NULL);
    _exit(0);
  }
  for (int i = 0; i != 100; ++i) sem_wait(semaphore);
  int status = 0;
  waitpid(child, &status, 0);
  say_status("posted over processes", status);
}

static void* forking(void* argument) {
  (void)argument;
  const pid_t child = fork();
  if (child == 0) _exit(6);
  int status = 0;
  waitpid(child, &status, 0);
  return (void*)(long)WEXITSTATUS(status);
}
static void forks(void) {
  pthread_t thread;
  void* value;
  pthread_create(&thread, NULL, forking, NULL);
  pthread_join(thread, &value);
  say("forked in a thread: %ld", (long)value);
}

static char* path;
static void* becoming(void* argument) {
  (void)argument;
  execl(path, path, "child", NULL);
  return NULL;
}
static void* for_ever(void* argument) {
  (void)argument;
  for (;;) pause();
}
static void exec_in_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, for_ever, NULL);
  pthread_create(&thread, NULL, becoming, NULL);
  for (;;) pause();
}
static void main_leaves(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, sleeping, &turn);
  alarm(0);
  mine = 1;
  pthread_create(&thread, NULL, until_signalled, NULL);
  pthread_cancel(thread);
  pthread_exit(NULL);
}
static void whole_process_dies(void) {
  pthread_t thread;
  for (int i = 0; i != 4; ++i) pthread_create(&thread, NULL, for_ever, NULL);
  sleep_ms(2);
  *(volatile int*)8 = 1;
}
static void killed(void) {
  pthread_t thread;
  for (int i = 0; i != 4; ++i) pthread_create(&thread, NULL, for_ever, NULL);
  raise(SIGTERM);
}

// One side writes and reads with nothing but program order between, the other with membarrier: one of them sees the other. And
// membarrier comes back, though the other never calls.
enum { kSteps = 1 << 21, kBarriers = 100 };
static volatile unsigned here, there;
static unsigned seen[kSteps], last;
static void* steps(void* unused) {
  for (last = 0; last + 1 < kSteps && there != kBarriers + 1;) {
    here = last + 1;
    __asm__ volatile("" : : : "memory");
    seen[++last] = there;
  }
  return unused;
}
static void barriers(void) {
  pthread_t thread;
  unsigned found[kBarriers + 1], missed = 0;
  say("registered: %ld", syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  pthread_create(&thread, NULL, steps, NULL);
  while (here == 0) sleep_ms(1);
  for (unsigned i = 1; i <= kBarriers; ++i) {
    there = i;
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    found[i] = here;
  }
  there = kBarriers + 1;
  pthread_join(thread, NULL);
  for (unsigned i = 1; i <= kBarriers; ++i) missed += found[i] < last && seen[found[i] + 1] < i;
  say("missed: %u", missed);
}

int main(int count, char** words) {
  path = words[0];
  if (count > 1) {
    say("another program, first thread %d", getpid() == gettid());
    return 5;
  }
  mutexes();
  conditions();
  cancels();
  special_mutexes();
  signals();
  shared();
  barriers();
  forks();
  in_child("exec in a thread", exec_in_thread);
  in_child("fault in a thread", whole_process_dies);
  in_child("killed with threads", killed);
  (void)main_leaves;
  return 0;
}
