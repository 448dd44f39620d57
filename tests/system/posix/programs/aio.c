// Asynchronous input and output of POSIX, as the C library makes it of threads [C4.18].
#include <aio.h>
#include <fcntl.h>

#include "tests/system/posix/programs/check.h"

static int wait_for(struct aiocb* block) {
  const struct aiocb* list[1] = {block};
  while (aio_error(block) == EINPROGRESS) {
    if (aio_suspend(list, 1, NULL) != 0 && errno != EINTR) break;
  }
  return (int)aio_return(block);
}

static volatile int heard;
static void on_signal(int number, siginfo_t* info, void* context) {
  (void)number, (void)context;
  heard = info->si_value.sival_int;
}
static volatile int called;
static void on_end(union sigval value) { called = value.sival_int; }

int main(void) {
  char out[] = "asynchronous", in[16] = {0}, in2[16] = {0};
  const int fd = open("/tmp/aio.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  struct aiocb write_it = {.aio_fildes = fd, .aio_buf = out, .aio_nbytes = 12};
  say("aio_write %s", result(aio_write(&write_it)));
  say("wrote %d", wait_for(&write_it));
  struct aiocb read_it = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 15, .aio_offset = 7};
  say("aio_read %s", result(aio_read(&read_it)));
  say("read %d %s", wait_for(&read_it), in);
  struct aiocb sync_it = {.aio_fildes = fd};
  say("aio_fsync %s", result(aio_fsync(O_SYNC, &sync_it)));
  say("synced %d", wait_for(&sync_it));
  struct aiocb bad = {.aio_fildes = 77, .aio_buf = in, .aio_nbytes = 1};
  say("aio_read %s", result(aio_read(&bad)));
  const int failed = wait_for(&bad);
  say("bad: %d %s", failed, strerrorname_np(aio_error(&bad)));

  struct aiocb one = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 5, .aio_lio_opcode = LIO_READ};
  struct aiocb two = {
      .aio_fildes = fd, .aio_buf = "XY", .aio_nbytes = 2, .aio_offset = 12, .aio_lio_opcode = LIO_WRITE};
  struct aiocb* list[3] = {&one, NULL, &two};
  say("lio_listio %s", result(lio_listio(LIO_WAIT, list, 3, NULL)));
  say("%d %d %.5s", (int)aio_return(&one), (int)aio_return(&two), in);
  say("at the end: %d %s", (int)pread(fd, in2, 16, 7), in2);

  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  read_it.aio_sigevent =
      (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
  say("aio_read %s", result(aio_read(&read_it)));
  for (int i = 0; i != 1000 && heard == 0; ++i) sleep_ms(5);
  say("signal %d, read %d", heard, wait_for(&read_it));
  read_it.aio_sigevent = (struct sigevent){
      .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_end, .sigev_value.sival_int = 43};
  say("aio_read %s", result(aio_read(&read_it)));
  for (int i = 0; i != 1000 && called == 0; ++i) sleep_ms(5);
  say("thread %d, read %d", called, wait_for(&read_it));

  int ends[2];
  if (pipe(ends) != 0) return 1;
  struct aiocb waits = {.aio_fildes = ends[0], .aio_buf = in, .aio_nbytes = 4};
  say("aio_read %s", result(aio_read(&waits)));
  const struct aiocb* suspended[1] = {&waits};
  struct timespec soon = {0, 20000000};
  say("aio_suspend %s", result(aio_suspend(suspended, 1, &soon)));
  say("aio_error %s", strerrorname_np(aio_error(&waits)));
  struct aiocb queued = {.aio_fildes = ends[0], .aio_buf = in2, .aio_nbytes = 4};
  say("aio_read %s", result(aio_read(&queued)));
  say("aio_cancel %d", aio_cancel(ends[0], &queued) == AIO_CANCELED);
  say("cancelled: %s", strerrorname_np(aio_error(&queued)));
  if (write(ends[1], "pipe", 4) != 4) return 1;
  say("read %d %.4s", wait_for(&waits), in);
  say("aio_cancel %d", aio_cancel(fd, NULL) == AIO_ALLDONE);
  unlink("/tmp/aio.file");
  return 0;
}
