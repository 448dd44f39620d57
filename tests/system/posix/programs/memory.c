// Memory: what files and mappings show each other, what is sealed, shared, locked and advised [C4.10, C4.11].
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/system/posix/programs/check.h"

enum { kPage = 4096 };

static int made_file(size_t size) {
  char path[] = "/tmp/memory-XXXXXX";
  const int file = mkstemp(path);
  unlink(path);
  if (ftruncate(file, (off_t)size) != 0) say("no file");
  return file;
}
static void* map(int file, size_t size, int protection, int flags) {
  void* const at = mmap(NULL, size, protection, flags, file, 0);
  if (at == MAP_FAILED) say("mmap: %s", result(-1));
  return at;
}

static void shared_files(void) {
  const int file = made_file(3 * kPage);
  char* const one = map(file, 3 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED);
  char* const two = map(file, 3 * kPage, PROT_READ, MAP_SHARED);
  char* const own = map(file, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  char text[8] = "";
  strcpy(one + kPage, "mapped");
  say("read: %zd %s", pread(file, text, 7, kPage), text);
  say("write: %zd", pwrite(file, "wrote", 6, 2 * kPage));
  say("seen: %s %s %s", two + kPage, one + 2 * kPage, own + 2 * kPage);
  strcpy(own, "private");
  say("not seen: '%s'", one);
  if (fork() == 0) {
    strcpy(one, "child");
    _exit(0);
  }
  wait(NULL);
  say("the child's: %s", two);
  say("msync: %s", result(msync(one, 3 * kPage, MS_SYNC)));
  say("hole punched: %s", result(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kPage, kPage)));
  say("zeros: '%s' '%s'", one + kPage, two + kPage);
  say("truncated: %s", result(ftruncate(file, kPage)));
  say("still: %s %s", one, own);
  const int reading = open("/proc/self/exe", O_RDONLY);
  if (reading >= 0) close(reading);
  munmap(one, 3 * kPage);
  close(file);
}

static void beyond_the_end(void) {
  const int file = made_file(2 * kPage);
  volatile char* const one = map(file, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED);
  one[kPage] = 'x';
  ftruncate(file, 10);
  say("in the last page: %d", one[5]);
  say("reached: %d", one[kPage]);
}

static void anonymous(void) {
  int* const shared = map(-1, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  if (fork() == 0) {
    *shared = 42;
    _exit(0);
  }
  wait(NULL);
  say("shared: %d", *shared);
  char* const pages = map(-1, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  say("no replace: %s",
      mmap(pages, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED
          ? result(-1)
          : "ok");
  char* const low = map(-1, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
  say("low: %d", (unsigned long)low < 0x80000000UL);
  memset(pages, 'a', 4 * kPage);
  say("wipe: %s", result(madvise(pages, kPage, MADV_WIPEONFORK)));
  say("do not fork: %s", result(madvise(pages + kPage, kPage, MADV_DONTFORK)));
  say("dump: %s", result(madvise(pages, 4 * kPage, MADV_DONTDUMP)));
  say("remove: %s", result(madvise(pages, kPage, MADV_REMOVE)));
  say("populate: %s", result(madvise(pages, 4 * kPage, MADV_POPULATE_WRITE)));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    say("wiped: %d kept: %d", pages[0], pages[2 * kPage]);
    say("gone: %d", pages[kPage]);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  say_status("child", status);
  unsigned char there[4];
  madvise(pages, 2 * kPage, MADV_DONTNEED);
  say("mincore: %s", result(mincore(pages, 4 * kPage, there)));
  say("there: %d %d %d %d", there[0] & 1, there[1] & 1, there[2] & 1, there[3] & 1);
  madvise(pages, 4 * kPage, MADV_DOFORK);
  madvise(pages, 4 * kPage, MADV_KEEPONFORK);
  char* const moved = mremap(pages, 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  say("moved: %d, left: %d", moved[2 * kPage], pages[2 * kPage]);
  say("mincore of nothing: %s", result(mincore((void*)0x10000, kPage, there)));
}

static void locked(void) {
  char* const pages = map(-1, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  say("mlock: %s", result(mlock(pages, 2 * kPage)));
  say("advice: %s", result(madvise(pages, kPage, MADV_DONTNEED)));
  say("munlock: %s", result(munlock(pages, 4 * kPage)));
  say("on fault: %s", result(mlock2(pages, kPage, MLOCK_ONFAULT)));
  say("unknown: %s", result(mlock2(pages, kPage, 8)));
  say("invalidate: %s", result(msync(pages, kPage, MS_INVALIDATE)));
  say("none: %s", result(mlockall(0)));
  say("all: %s", result(mlockall(MCL_CURRENT)));
  say("no more: %s", result(munlockall()));
  say("a hole: %s", result(mlock((void*)0x10000, kPage)));
  say("barrier: %s", result(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)));
  say("registered: %s", result(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0)));
  say("barrier: %s", result(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)));
}

static void sealed(void) {
  const int plain = memfd_create("plain", 0), file = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  say("without: %d %s", fcntl(plain, F_GET_SEALS), result(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE)));
  say("closes: %d", fcntl(file, F_GETFD));
  say("size: %s", result(ftruncate(file, kPage)));
  char* at = map(file, kPage, PROT_READ | PROT_WRITE, MAP_SHARED);
  say("busy: %s", result(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE)));
  say("future: %s", result(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW)));
  strcpy(at, "before");
  say("write: %s", result(write(file, "x", 1)));
  say("grow: %s", result(ftruncate(file, 2 * kPage)));
  munmap(at, kPage);
  say("sealed: %s", result(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL)));
  say("seals: %d", fcntl(file, F_GET_SEALS));
  say("shrink: %s", result(ftruncate(file, 0)));
  say("more: %s", result(fcntl(file, F_ADD_SEALS, F_SEAL_EXEC)));
  at = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  say("writable: %s", at == MAP_FAILED ? result(-1) : "ok");
  at = map(file, kPage, PROT_READ, MAP_PRIVATE);
  say("holds: %s", at);
  const int ends = open("/dev/zero", O_RDWR);
  at = map(ends, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  say("zero: %d", at[7]++);
}

static void segments(void) {
  const int id = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0600);
  char* const one = shmat(id, NULL, 0);
  char* const two = shmat(id, NULL, SHM_RDONLY);
  if (fork() == 0) {
    strcpy(one, "segment");
    _exit(0);
  }
  wait(NULL);
  say("seen: %s", two);
  struct shmid_ds told;
  say("stat: %s", result(shmctl(id, IPC_STAT, &told)));
  say("size %zu attaches %d mode %o", told.shm_segsz, (int)told.shm_nattch, told.shm_perm.mode & 0777);
  say("removed: %s", result(shmctl(id, IPC_RMID, NULL)));
  say("stat: %s", result(shmctl(id, IPC_STAT, &told)));
  say("destroyed: %d", (told.shm_perm.mode & SHM_DEST) != 0);
  say("detached: %s", result(shmdt(one)));
  say("again: %s", result(shmdt(one)));
  say("last: %s", result(shmdt(two)));
  say("gone: %s", result(shmctl(id, IPC_STAT, &told)));
  say("no key: %s", result(shmget(0x46423939, 1, 0)));
}

/// Code that is written and run, again and again: no page is writable and executable at once, and it gets on all the same.
static void code(void) {
  unsigned char* const at = map(-1, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
  int sum = 0;
  for (int i = 0; i != 5; ++i) {
    const unsigned char moves[] = {0xb8, (unsigned char)i, 0, 0, 0, 0xc3};  // mov eax, i; ret
    memcpy(at, moves, sizeof moves);
    sum += ((int (*)(void))at)();
  }
  say("sum: %d", sum);
}

int main(void) {
  shared_files();
  in_child("beyond the end", beyond_the_end);
  anonymous();
  locked();
  sealed();
  segments();
  code();
  return 0;
}
