// Executable files that lie [C4.01]: cut off, with segments over each other, over the stack or of any size, interpreters
// that are none, entries in nowhere. Each is refused with an errno or its process is killed; a good one between them still
// runs. Ends with 0 if so. Arguments: how many, seed.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/system/posix/hostile/attack.h"

enum { kSegments = 4, kRoom = 8192, kCodeAt = 1024, kInterpreterAt = 2048, kBase = 0x400000 };

static struct {
  Elf64_Ehdr header;
  Elf64_Phdr segments[kSegments];
} head;
static unsigned char room[kRoom];

/// exit_group(9), as a good file.
static void make_good(void) {
  static const unsigned char code[] = {0xb8, 231, 0, 0, 0, 0xbf, 9, 0, 0, 0, 0x0f, 0x05};
  memset(&head, 0, sizeof head);
  memset(room, 0, sizeof room);
  memcpy(head.header.e_ident, ELFMAG, SELFMAG);
  head.header.e_ident[EI_CLASS] = ELFCLASS64;
  head.header.e_ident[EI_DATA] = ELFDATA2LSB;
  head.header.e_ident[EI_VERSION] = EV_CURRENT;
  head.header.e_type = ET_EXEC;
  head.header.e_machine = EM_X86_64;
  head.header.e_version = EV_CURRENT;
  head.header.e_entry = kBase + kCodeAt;
  head.header.e_phoff = sizeof head.header;
  head.header.e_ehsize = sizeof head.header;
  head.header.e_phentsize = sizeof *head.segments;
  head.header.e_phnum = 1;
  head.segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, kBase, kBase, kRoom, kRoom, 4096};
  memcpy(room + kCodeAt, code, sizeof code);
  strcpy((char*)room + kInterpreterAt, "/tmp/image");
}

static uint64_t number(void) {
  static const uint64_t kPlaces[] = {
      0,         kBase,      0x7ffffffff000,     0x7fffffffe000, 0x7ffffffde000, 0x800000000000, ~0ull,
      ~0xfffull, 1ull << 63, 0xffffffff80000000, 0x10000,        4096,           8191,           1ull << 40};
  return next() % 3 == 0 ? next() % 16384
                         : kPlaces[next() % (sizeof kPlaces / sizeof *kPlaces)] + next() % 2 * (next() % 64);
}

/// A field or a few of them.
static void spoil(void) {
  for (uint64_t left = 1 + next() % 4; left != 0; --left) {
    Elf64_Phdr* const its = &head.segments[next() % kSegments];
    switch (next() % 14) {
      case 0:
        head.header.e_entry = number();
        break;
      case 1:
        head.header.e_phoff = number();
        break;
      case 2:
        head.header.e_phnum = (Elf64_Half)(next() % 4 == 0 ? next() : next() % 6);
        break;
      case 3:
        head.header.e_phentsize = (Elf64_Half)number();
        break;
      case 4:
        head.header.e_type = (Elf64_Half)(next() % 5);
        break;
      case 5:
        ((unsigned char*)&head)[next() % sizeof head] = (unsigned char)next();
        break;
      case 6:
        *its = head.segments[0];
        break;
      case 7:
        its->p_type = (Elf64_Word)(next() % 8);
        break;
      case 8:
        its->p_vaddr = number();
        break;
      case 9:
        its->p_filesz = number();
        break;
      case 10:
        its->p_memsz = number();
        break;
      case 11:
        its->p_offset = number();
        break;
      case 12:
        its->p_align = number();
        break;
      default:
        head.header.e_phnum = 3;
        *its = (Elf64_Phdr){PT_INTERP, PF_R, kInterpreterAt, number(), 0, next() % 2 ? 11 : number(), 11, 1};
    }
  }
}

/// Its status, or -1 when it is not made.
static int run(size_t size) {
  memcpy(room, &head, sizeof head);
  unlink("/tmp/image");
  const int file = open("/tmp/image", O_CREAT | O_WRONLY, 0755);
  if (file == -1 || write(file, room, size) != (ssize_t)size) finish(2, "no file");
  close(file);
  const pid_t child = fork();
  if (child == -1) finish(2, "no more children");
  if (child == 0) {
    char* const words[] = {"image", NULL};
    execve("/tmp/image", words, words + 1);
    _exit(errno > 0 && errno < 134 ? 7 : 8);
  }
  return end_of(child, 2000, 0);
}

int main(int count, char** words) {
  const int files = count > 1 ? atoi(words[1]) : 1;
  const uint64_t first = count > 2 ? strtoull(words[2], NULL, 10) : 0;
  struct ends ends = {0};
  for (int i = 0; i != files; ++i) {
    seed(first + (uint64_t)i);
    make_good();
    if (i % 32 == 0 && WEXITSTATUS(run(kRoom)) != 9) finish(3, "a good file does not run");
    spoil();
    const int status = run(next() % 4 == 0 ? next() % kRoom : kRoom);
    if (status < 0) {
      printf("file %d of seed %llu\n", i, (unsigned long long)first);
      finish(4, "a child is lost");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 8) finish(5, "refused without an errno");
    count_end(&ends, status);
  }
  tell(files, &ends);
  // Were hardly any refused, there would be no attack.
  return ends.well * 8 < files ? 6 : 0;
}
