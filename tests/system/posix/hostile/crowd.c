// As many as there may be that only compute: a short sleep of another one stays a short one [C4.03]. In the guest only: its time
// is what counts.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int count, char** arguments) {
  enum { kMost = 511, kSleeps = 15, kPause = 10, kShort = 80 };
  const int wanted = count > 1 ? atoi(arguments[1]) : kMost;
  int busy = 0, few = 0, begin[2];
  if (pipe(begin) != 0) return 2;
  while (busy != wanted) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      // Not yet: whoever makes them has no more than its share of the time, either.
      char byte;
      close(begin[1]);
      (void)!read(begin[0], &byte, 1);
      for (volatile unsigned long n = 0;; ++n) {
      }
    }
    ++busy;
  }
  close(begin[1]);
  long worst = 0;
  for (int i = 0; i != kSleeps; ++i) {
    const struct timespec pause = {0, kPause * 1000000};
    const long before = milliseconds();
    nanosleep(&pause, NULL);
    const long took = milliseconds() - before;
    printf("%ld ", took);
    if (took > worst) worst = took;
    few += took < kShort;
  }
  printf("ms; %d busy, worst %ld ms\n", busy, worst);
  // An emulator may stop for a while, and the first sleep comes before all have begun; but not again and again.
  if (few < kSleeps - 4) return 1;
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  while (wait(NULL) > 0) {
  }
  return 0;
}
