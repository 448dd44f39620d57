// System V semaphores and message queues between processes [C4.14].
#include <sys/msg.h>
#include <sys/sem.h>

#include "tests/system/posix/programs/check.h"

static void semaphores(void) {
  const int set = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
  struct sembuf take = {0, -2, 0}, give = {0, 1, 0}, zero = {1, 0, 0}, never = {1, -1, IPC_NOWAIT};
  say("set: %s", result(semctl(set, 1, SETVAL, 1)));
  fflush(stdout);
  if (fork() == 0) {
    semop(set, &give, 1);
    sleep_ms(5);
    semop(set, &give, 1);
    struct sembuf down = {1, -1, 0};
    semop(set, &down, 1);
    _exit(0);
  }
  say("taken: %s", result(semop(set, &take, 1)));
  say("zero: %s", result(semop(set, &zero, 1)));
  say("now: %s", result(semop(set, &never, 1)));
  wait(NULL);
  const struct timespec soon = {0, 1000000};
  say("in time: %s", result(semtimedop(set, &take, 1, &soon)));
  unsigned short values[2] = {5, 6};
  say("all: %s", result(semctl(set, 0, SETALL, values)));
  say("values: %d %d", semctl(set, 0, GETVAL), semctl(set, 1, GETVAL));
  say("pid: %d", semctl(set, 0, GETPID) == getpid());
  struct semid_ds told;
  say("stat: %s %lu", result(semctl(set, 0, IPC_STAT, &told)), told.sem_nsems);
  say("big: %s", result(semctl(set, 0, SETVAL, 40000)));
  struct sembuf beyond = {9, 1, 0};
  say("beyond: %s", result(semop(set, &beyond, 1)));
  say("removed: %s", result(semctl(set, 0, IPC_RMID)));
  say("gone: %s", result(semop(set, &give, 1)));
}

struct text {
  long type;
  char bytes[32];
};

static void messages(void) {
  const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  struct text message = {2, "two"};
  say("send: %s", result(msgsnd(queue, &message, 4, 0)));
  message = (struct text){1, "one"};
  say("send: %s", result(msgsnd(queue, &message, 4, 0)));
  say("lowest: %ld %s", (long)msgrcv(queue, &message, 32, -5, 0), message.bytes);
  say("short: %s", result(msgrcv(queue, &message, 2, 0, 0)));
  say("cut: %ld", (long)msgrcv(queue, &message, 2, 0, MSG_NOERROR));
  say("none: %s", result(msgrcv(queue, &message, 32, 0, IPC_NOWAIT)));
  fflush(stdout);
  if (fork() == 0) {
    struct text later = {7, "later"};
    sleep_ms(5);
    msgsnd(queue, &later, 6, 0);
    _exit(0);
  }
  say("waited: %ld %s", (long)msgrcv(queue, &message, 32, 7, 0), message.bytes);
  wait(NULL);
  struct msqid_ds told;
  say("stat: %s %lu %lu", result(msgctl(queue, IPC_STAT, &told)), told.msg_qnum, told.msg_qbytes);
  say("type: %s", result(msgsnd(queue, &(struct text){0, ""}, 0, 0)));
  say("removed: %s", result(msgctl(queue, IPC_RMID, NULL)));
  say("gone: %s", result(msgsnd(queue, &message, 1, 0)));
}

int main(void) {
  semaphores();
  messages();
  return 0;
}
