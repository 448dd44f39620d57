// Files: times, names, locks, attributes, and bytes that go from one to the other [C4.03, C4.18].
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <utime.h>

#include "tests/system/posix/programs/check.h"

static void show_times(const char* what) {
  struct stat told;
  stat("file", &told);
  say("%s: %ld.%09ld %ld.%09ld", what, told.st_atim.tv_sec, told.st_atim.tv_nsec, told.st_mtim.tv_sec,
      told.st_mtim.tv_nsec);
}

static void times(void) {
  close(open("file", O_CREAT | O_RDWR, 0644));
  const struct timespec both[2] = {{100, 5}, {200, 6}}, one[2] = {{0, UTIME_OMIT}, {300, 7}},
                        bad[2] = {{0, -1}, {0, 0}};
  say("utimensat: %s", result(utimensat(AT_FDCWD, "file", both, 0)));
  show_times("both");
  say("one: %s", result(utimensat(AT_FDCWD, "file", one, 0)));
  show_times("one");
  say("bad: %s", result(utimensat(AT_FDCWD, "file", bad, 0)));
  const struct utimbuf seconds = {11, 12};
  const struct timeval micro[2] = {{1, 2}, {3, 4}}, wrong[2] = {{0, 1000000}, {0, 0}};
  say("utime: %s", result(utime("file", &seconds)));
  show_times("utime");
  say("utimes: %s", result(syscall(SYS_utimes, "file", micro)));
  show_times("utimes");
  say("wrong: %s", result(syscall(SYS_utimes, "file", wrong)));
  struct statx told;
  say("statx: %s", result(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &told)));
  say("size %llu mode %o links %u mtime %lld", told.stx_size, told.stx_mode, told.stx_nlink,
      told.stx_mtime.tv_sec);
  say("statx of none: %s", result(statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &told)));
}

static void names(void) {
  mkdir("one", 0755);
  close(creat("one/a", 0600));
  close(creat("b", 0640));
  say("no replace: %s", result(renameat2(AT_FDCWD, "one/a", AT_FDCWD, "b", RENAME_NOREPLACE)));
  say("exchange: %s", result(renameat2(AT_FDCWD, "one/a", AT_FDCWD, "b", RENAME_EXCHANGE)));
  struct stat told;
  stat("b", &told);
  say("mode: %o", told.st_mode & 0777);
  say("symlinkat: %s", result(symlinkat("a", AT_FDCWD, "one/link")));
  say("linkat: %s", result(linkat(AT_FDCWD, "one/link", AT_FDCWD, "linked", AT_SYMLINK_FOLLOW)));
  lstat("linked", &told);
  say("a link: %d", S_ISLNK(told.st_mode));
  say("mkfifo: %s", result(mkfifo("fifo", 0644)));
  say("node of a directory: %s", result(mknod("dir", S_IFDIR | 0755, 0)));
  const int unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
  say("unnamed: %s", result(unnamed));
  say("named: %s", result(linkat(unnamed, "", AT_FDCWD, "named", AT_EMPTY_PATH)));
  say("access: %s", result(faccessat(AT_FDCWD, "named", R_OK | W_OK, AT_EACCESS)));
  const int directory = open("one", O_RDONLY | O_DIRECTORY), path = open("one/a", O_PATH);
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  say("beneath: %s", result(syscall(SYS_openat2, directory, "a", &how, sizeof how)));
  say("above: %s", result(syscall(SYS_openat2, directory, "../b", &how, sizeof how)));
  how.resolve = RESOLVE_NO_SYMLINKS;
  say("links: %s", result(syscall(SYS_openat2, directory, "link", &how, sizeof how)));
  how.flags = 1UL << 40;
  say("flags: %s", result(syscall(SYS_openat2, directory, "a", &how, sizeof how)));
  char byte;
  say("only a path: %s %s", result(read(path, &byte, 1)), result(fcntl(path, F_GETLK, &byte)));
  say("fchdir: %s", result(fchdir(directory)));
  say("a: %s", result(access("a", F_OK)));
  chdir("..");
  say("truncate: %s", result(truncate("b", 77)));
  say("negative: %s", result(truncate("b", -1)));
  char old[512];
  say("getdents: %d", syscall(SYS_getdents, directory, old, sizeof old) > 0);
  say("close_range: %s", result(close_range((unsigned)directory, (unsigned)path, CLOSE_RANGE_CLOEXEC)));
  say("marked: %d %d", fcntl(directory, F_GETFD), fcntl(path, F_GETFD));
  say("closed: %s", result(close_range((unsigned)directory, ~0U, 0)));
  say("is: %s", result(fcntl(path, F_GETFD)));
}

static void allocation(void) {
  const int file = open("space", O_CREAT | O_RDWR, 0644);
  struct stat told;
  say("fallocate: %s", result(fallocate(file, 0, 0, 10000)));
  say("keep: %s", result(fallocate(file, FALLOC_FL_KEEP_SIZE, 10000, 10000)));
  fstat(file, &told);
  say("size %ld blocks %ld", told.st_size, told.st_blocks);
  say("collapse: %s", result(fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, 4096)));
  say("sync: %s %s", result(fsync(file)), result(fdatasync(file)));
  say("advice: %s", result(posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED)));
  struct iovec pieces[2] = {{"hello ", 6}, {"world", 5}};
  say("pwritev: %zd", pwritev(file, pieces, 2, 5));
  char one[7] = "", two[6] = "";
  struct iovec into[2] = {{one, 6}, {two, 5}};
  say("preadv2: %zd %s%s", preadv2(file, into, 2, 5, 0), one, two);
  say("unknown: %s", result(preadv2(file, into, 2, 5, 0x4000)));
  close(file);
}

static void transfers(void) {
  int first[2], second[2];
  pipe(first);
  pipe(second);
  const int from = open("from", O_CREAT | O_RDWR, 0644), to = open("to", O_CREAT | O_RDWR | O_TRUNC, 0644);
  write(from, "0123456789", 10);
  lseek(from, 2, SEEK_SET);
  off_t at = 8;
  char text[32] = "";
  say("sendfile: %zd %zd", sendfile(to, from, NULL, 3), sendfile(to, from, &at, 9));
  say("at: %ld %ld", (long)at, (long)lseek(from, 0, SEEK_CUR));
  loff_t in = 0, out = 20;
  say("copy: %zd", copy_file_range(from, &in, to, &out, 5, 0));
  in = 0;
  say("splice: %zd", splice(from, &in, first[1], NULL, 6, 0));
  say("tee: %zd", tee(first[0], second[1], 4, 0));
  say("between: %zd", splice(first[0], NULL, second[1], NULL, 2, 0));
  struct iovec piece = {"more", 4};
  say("vmsplice: %zd", vmsplice(second[1], &piece, 1, 0));
  say("got: %zd %s", read(second[0], text, 31), text);
  say("to a file: %zd", splice(first[0], NULL, to, NULL, 100, 0));
  say("neither: %s", result(splice(from, NULL, to, NULL, 1, 0)));
  say("nothing: %s", result(splice(first[0], NULL, to, NULL, 1, SPLICE_F_NONBLOCK)));
  struct stat told;
  fstat(to, &told);
  say("size: %ld", told.st_size);
  say("pipe: %d %d", fcntl(first[0], F_GETPIPE_SZ), fcntl(first[0], F_SETPIPE_SZ, 5000));
}

static void attributes(void) {
  char value[16] = "";
  say("set: %s", result(setxattr("file", "user.one", "value", 5, XATTR_CREATE)));
  say("again: %s", result(setxattr("file", "user.one", "value", 5, XATTR_CREATE)));
  say("get: %zd %s", getxattr("file", "user.one", value, sizeof value), value);
  say("short: %s", result(getxattr("file", "user.one", value, 2)));
  say("list: %zd %s", listxattr("file", value, sizeof value), value);
  say("none: %s", result(removexattr("file", "user.two")));
  say("removed: %s", result(removexattr("file", "user.one")));
  say("other: %s", result(setxattr("file", "other.one", "", 0, 0)));
  say("fifo: %s", result(setxattr("fifo", "user.one", "", 0, 0)));
  say("long: %s", result(setxattr("file", "user.one", value, 65537, 0)));
}

static struct flock range(short type, off_t start, off_t length) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static void locks(void) {
  const int file = open("file", O_RDWR), other = open("file", O_RDWR);
  int ready[2];
  pipe(ready);
  say("flock: %s", result(flock(file, LOCK_EX)));
  say("other: %s", result(flock(other, LOCK_SH | LOCK_NB)));
  say("unlock: %s", result(flock(file, LOCK_UN)));
  say("other: %s", result(flock(other, LOCK_SH | LOCK_NB)));
  struct flock mine = range(F_WRLCK, 0, 10), all = range(F_WRLCK, 0, 0), next = range(F_WRLCK, 10, 10);
  say("lock: %s", result(fcntl(file, F_SETLK, &mine)));
  struct flock open_lock = range(F_WRLCK, 5, 1);
  say("of a description: %s", result(fcntl(other, F_OFD_SETLK, &open_lock)));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    say("child: %s", result(fcntl(file, F_SETLK, &mine)));
    struct flock told = all;
    fcntl(file, F_GETLK, &told);
    say("by: %d %ld %ld %d", told.l_type, (long)told.l_start, (long)told.l_len, told.l_pid == getppid());
    say("next: %s", result(fcntl(file, F_SETLK, &next)));
    write(ready[1], "x", 1);
    // The parent comes to wait for this one, which is then not let wait for the parent.
    long answer = 0;
    for (int i = 0; i != 200; ++i) {
      struct flock wanted = mine;
      sleep_ms(100);
      alarm(1);
      answer = fcntl(file, F_SETLKW, &wanted);
      if (answer < 0 && errno == EDEADLK) break;
    }
    say("deadlock: %s", result(answer));
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  say("parent: %s", result(fcntl(file, F_SETLKW, &next)));
  int status = 0;
  waitpid(child, &status, 0);
  say_status("child", status);
  close(other);
  struct flock told = all;
  if (fork() == 0) {
    fcntl(file, F_GETLK, &told);
    say("after a close: %d", told.l_type == F_UNLCK);
    _exit(0);
  }
  wait(NULL);
  say("owner: %s %d", result(fcntl(file, F_SETOWN, getpid())), fcntl(file, F_GETOWN) == getpid());
}

static void other_root(void) {
  mkdir("root", 0755);
  close(creat("root/inside", 0644));
  say("chroot: %s", result(chroot("root")));
  say("inside: %s", result(access("/inside", F_OK)));
  say("up: %s", result(access("/../inside", F_OK)));
}

static void clear(const char* path) {
  DIR* const directory = opendir(path);
  if (directory == NULL) return;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    unlinkat(dirfd(directory), entry->d_name, 0);
  closedir(directory);
  rmdir(path);
}

int main(void) {
  char directory[] = "/dev/shm/files-XXXXXX", elsewhere[] = "/tmp/files-XXXXXX";
  const char* const made = mkdtemp(directory) != NULL ? directory : mkdtemp(elsewhere);
  if (made == NULL || chdir(made) != 0) return 1;
  umask(022);
  times();
  names();
  allocation();
  transfers();
  attributes();
  locks();
  if (getuid() == 0) in_child("another root", other_root);
  clear("one");
  clear("root");
  clear(made);
  return 0;
}
