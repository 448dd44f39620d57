// Instructions at random, in children of another user: bytes, pieces of real code with bits turned, and what only ring 0
// may do [C4.01]. A round is a sequence that nobody has seen, from registers that mean harm to the fault or the alarm that
// ends it: its handler writes the next one and goes on there. Ends with 0 if the parent can still make children, wait for
// them and kill them, its memory and registers are as they were, and nothing of theirs is left.
// Arguments: how many rounds at least, seed.
#include <sys/time.h>
#include <ucontext.h>

#include "tests/system/posix/hostile/attack.h"

enum {
  kCode = 4 * 4096,
  kKept = 512,
  kRounds = 2000,
  kSequence = 24,
  kPatience = 4000,
  kWarm = 8,
  kProcesses = 24
};

/// Too far from the program for a jump or a store with a displacement.
static unsigned char* const code = (unsigned char*)0x200010000000;
static unsigned char* const written = (unsigned char*)0x210010000000;  ///< the same, where it can be written
static uint64_t kept[kKept];
static uint64_t registers[16];
static volatile int faults;
static char handler_stack[1 << 16];

struct piece {
  unsigned char size, bytes[11];
};
static const struct piece kPieces[] = {
    {2, {0x0f, 0x05}},                       // syscall
    {7, {0xb8, 0x09, 0, 0, 0, 0x0f, 0x05}},  // mov $9, %eax; syscall
    {2, {0x0f, 0x34}},                       // sysenter
    {2, {0x0f, 0x35}},                       // sysexit
    {3, {0x48, 0x0f, 0x07}},                 // sysretq
    {2, {0xcd, 0x80}},                       // int $0x80
    {2, {0xcd, 0x02}},
    {2, {0xcd, 0x0e}},
    {2, {0xcd, 0x08}},
    {2, {0xcd, 0x20}},
    {2, {0xcd, 0xff}},
    {1, {0xcc}},
    {1, {0xf1}},  // icebp
    {1, {0xf4}},  // hlt
    {1, {0xfa}},  // cli
    {1, {0xfb}},
    {2, {0x48, 0xcf}},  // iretq
    {1, {0xcf}},
    {1, {0xcb}},  // retf
    {3, {0x48, 0xcb, 0x90}},
    {2, {0xff, 0x2c}},  // ljmp *mem
    {4, {0x48, 0xff, 0x2c, 0x24}},
    {2, {0x8e, 0xd8}},  // mov %eax, %ds
    {2, {0x8e, 0xd0}},  // ss
    {2, {0x8e, 0xe0}},  // fs
    {2, {0x8e, 0xe8}},  // gs
    {7, {0xb8, 0x23, 0, 0, 0, 0x8e, 0xd8}},
    {7, {0xb8, 0x2b, 0, 0, 0, 0x8e, 0xd0}},
    {7, {0xb8, 0x08, 0, 0, 0, 0x8e, 0xe8}},
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xd0}},  // wrfsbase %rax
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xd8}},  // wrgsbase %rax
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xc0}},
    {3, {0x0f, 0x01, 0xf8}},  // swapgs
    {2, {0x0f, 0x30}},        // wrmsr
    {2, {0x0f, 0x32}},
    {2, {0x0f, 0x33}},  // rdpmc
    {2, {0x0f, 0x31}},
    {1, {0xec}},  // in
    {1, {0xee}},
    {1, {0x6c}},
    {1, {0x6f}},
    {3, {0x0f, 0x22, 0xd8}},  // mov %rax, %cr3
    {3, {0x0f, 0x20, 0xc0}},
    {3, {0x0f, 0x23, 0xf8}},  // mov %rax, %dr7
    {3, {0x0f, 0x01, 0x10}},  // lgdt
    {3, {0x0f, 0x01, 0x18}},
    {3, {0x0f, 0x01, 0x00}},  // sgdt
    {3, {0x0f, 0x00, 0xd0}},  // lldt
    {3, {0x0f, 0x00, 0xd8}},  // ltr
    {3, {0x0f, 0x01, 0xf0}},  // lmsw
    {2, {0x0f, 0x09}},        // wbinvd
    {3, {0x0f, 0x01, 0x38}},  // invlpg
    {3, {0x0f, 0x01, 0xd1}},  // xsetbv
    {3, {0x0f, 0x01, 0xd0}},
    {3, {0x0f, 0x01, 0xc1}},  // vmcall
    {3, {0x0f, 0x01, 0xca}},  // clac
    {3, {0x0f, 0x01, 0xcb}},  // stac
    {3, {0x0f, 0xae, 0x2f}},  // xrstor (%rdi)
    {3, {0x0f, 0xae, 0x27}},  // xsave
    {4, {0x48, 0x0f, 0xae, 0x2f}},
    {4, {0x48, 0x0f, 0xae, 0x0f}},              // fxrstor
    {3, {0x0f, 0xae, 0x17}},                    // ldmxcsr
    {4, {0x0f, 0xc7, 0x1f, 0x90}},              // xrstors
    {5, {0xc5, 0xfd, 0xef, 0xc0, 0x90}},        // vpxor
    {6, {0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0}},  // vpxord %zmm0
    {3, {0xc5, 0xf8, 0x77}},                    // vzeroupper
    {2, {0xdb, 0xe3}},
    {2, {0xd9, 0x37}},                          // fnstenv
    {2, {0xd9, 0x27}},                          // fldenv
    {4, {0x9b, 0xd9, 0x2f, 0x9b}},              // fldcw; fwait
    {5, {0x68, 0xff, 0x7f, 0x25, 0x00}},        // push flags with TF, AC, NT
    {1, {0x9d}},                                // popf
    {6, {0x68, 0x00, 0x01, 0x00, 0x00, 0x9d}},  // TF
    {6, {0x68, 0x00, 0x00, 0x04, 0x00, 0x9d}},  // AC
    {6, {0x68, 0x00, 0x44, 0x00, 0x00, 0x9d}},  // NT, DF
    {3, {0x48, 0xf7, 0xf0}},                    // div
    {2, {0x0f, 0x0b}},                          // ud2
    {4, {0xf0, 0x0f, 0xc7, 0xc8}},              // lock cmpxchg8b %eax
    {3, {0x48, 0x89, 0xc4}},                    // mov %rax, %rsp
    {3, {0x48, 0x31, 0xe4}},
    {10, {0x48, 0xbc, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff}},  // mov $ring 0, %rsp
    {11, {0x48, 0xb9, 0, 0, 0, 0, 0, 0x80, 0, 0, 0x51}},  // push not canonical
    {1, {0xc3}},
    {2, {0xff, 0xe0}},        // jmp *%rax
    {3, {0x0f, 0x01, 0xf9}},  // rdtscp
    {3, {0x0f, 0x01, 0xc8}},  // monitor
    {3, {0x0f, 0x01, 0xc9}},
    {2, {0x0f, 0xa2}},  // cpuid
    {4, {0xf3, 0x0f, 0x1e, 0xfa}},
    {5, {0xc7, 0xf8, 0, 0, 0}},  // xbegin
    {2, {0x0f, 0x06}},           // clts
    {2, {0xf3, 0xa4}},           // rep movsb
    {3, {0xf3, 0x48, 0xab}},
    {6, {0x0f, 0x01, 0xee, 0x0f, 0x01, 0xef}},  // rdpkru, wrpkru
};
enum { kPieceCount = sizeof kPieces / sizeof *kPieces };

/// QEMU's translator fails an assertion of its own at some invalid VEX and EVEX instructions: none but those above.
static int is_vector_prefix(unsigned char byte) { return byte == 0xc4 || byte == 0xc5 || byte == 0x62; }
static unsigned char byte(void) {
  for (;;) {
    const unsigned char its = (unsigned char)next();
    if (!is_vector_prefix(its)) return its;
  }
}

/// `kind` 0 is bytes alone, 1 mostly real code, others mostly pieces. May write a bit more than `size`.
static void write_code(uint64_t kind, int at, int size) {
  const unsigned char* const real = (const unsigned char*)(uintptr_t)&printf;
  for (const int end = at + size; at < end;) {
    const uint64_t dice = next() % 8;
    if (kind == 0 || dice == 0) {
      written[at++] = byte();
    } else if (kind == 1 || dice < 3) {
      const unsigned char* from = real + next() % 8192;
      for (int i = (int)(next() % 32) + 1; i != 0 && at < end; --i, ++from)
        written[at++] = is_vector_prefix(*from) ? byte() : *from;
      if (next() % 4 == 0) written[at - 1] = byte();
    } else {
      const struct piece* its = &kPieces[next() % kPieceCount];
      for (int i = 0; i < its->size; ++i) written[at++] = its->bytes[i];
      if (next() % 16 == 0 && !is_vector_prefix(its->bytes[0])) written[at - 1] = byte();
    }
  }
}

static uint64_t value(void) {
  switch (next() % 8) {
    case 0:
      return next() % 512;  // a call, a port, a register
    case 1:
      return (uint64_t)code + next() % kCode;
    case 2:
      return ((uint64_t)code + next() % kCode) & ~63ull;
    case 3:
      return 0xffff800000000000ull + next() % 0x100000;
    case 4:
      return 0x0000800000000000ull - next() % 16;
    case 5:
      return 0xc0000080ull + next() % 0x100;  // EFER and those after it
    case 6:
      return -(next() % 16);
    default:
      return next();
  }
}

static uint64_t kind;

static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"((long)0)
                   : "rcx", "r11", "memory");
  return result;
}

static void keep_awake(void) {
  static const struct itimerval often = {{0, 250}, {0, 250}};
  call(SYS_setitimer, ITIMER_REAL, (long)&often, 0);
}

/// With the registers' values, on a stack among the code, to `target`.
static uint64_t target __attribute__((used));
__attribute__((naked, used)) static void load_and_jump(const uint64_t* values) {
  __asm__(
      "mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n mov 32(%rdi), %rsi\n"
      "mov 40(%rdi), %rbp\n mov 48(%rdi), %r8\n mov 56(%rdi), %r9\n mov 64(%rdi), %r10\n mov 72(%rdi), %r11\n"
      "mov 80(%rdi), %r12\n mov 88(%rdi), %r13\n mov 96(%rdi), %r14\n mov 104(%rdi), %r15\n"
      "mov 112(%rdi), %rsp\n mov 120(%rdi), %rdi\n jmp *target(%rip)");
}
static void jump(uint64_t at) {
  registers[14] = (uint64_t)written + kCode - 256;
  target = (uint64_t)code + at;
  load_and_jump(registers);
}

/// Without the C library, whose thread pointer may be gone.
static void go_on(int number, siginfo_t* information, void* argument) {
  (void)number;
  (void)information;
  ucontext_t* const context = argument;
  count_round();
  if (++faults >= kRounds) call(SYS_exit_group, 7, 0, 0);
  if (faults % 64 == 0) keep_awake();
  const uint64_t at = next() % (kCode - 64);
  write_code(kind, (int)at, kSequence);
  if (next() % 4 != 0) {
    for (int i = 0; i != 4; ++i) registers[next() % 16] = value();
    jump(at);
  }
  memset(&context->uc_sigmask, 0, 8);
  for (int i = 0; i != 4; ++i) context->uc_mcontext.gregs[next() % 15] = (long long)value();
  context->uc_mcontext.gregs[REG_RIP] = (long long)((uint64_t)code + at);
  if (next() % 8 != 0) context->uc_mcontext.gregs[REG_RSP] = (long long)((uint64_t)written + kCode - 256);
  if (next() % 32 == 0) context->uc_mcontext.gregs[REG_EFL] = (long long)value();
  if (next() % 32 == 0) context->uc_mcontext.gregs[REG_CSGSFS] = (long long)value();
  if (next() % 32 == 0 && context->uc_mcontext.fpregs != NULL)
    ((unsigned char*)context->uc_mcontext.fpregs)[next() % 832] = (unsigned char)next();
}

static void heed_faults(void) {
  const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = go_on, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSYS, SIGUSR1, SIGALRM};
  for (int i = 0; i != 8; ++i) sigaction(signals[i], &action, NULL);
  keep_awake();
}

static void attack(uint64_t number) {
  for (int i = 0; i != 16; ++i) close(i);
  const struct rlimit few = {kProcesses, kProcesses}, small = {1 << 26, 1 << 26};
  setrlimit(RLIMIT_NPROC, &few);
  setrlimit(RLIMIT_AS, &small);
  setsid();
  // The code lies at one place, the same in its children, with nothing before and behind it.
  const int memory = memfd_create("code", 0);
  if (ftruncate(memory, kCode) != 0) _exit(1);
  const int access = PROT_READ | PROT_EXEC | (number % 2 == 0 ? 0 : PROT_WRITE);
  if (mmap(code, kCode, access, MAP_SHARED | MAP_FIXED, memory, 0) == MAP_FAILED) _exit(1);
  if (mmap(written, kCode, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0) == MAP_FAILED) _exit(1);
  close(memory);
  kind = number % 4;
  write_code(kind, 0, kCode - 16);
  if (number % 16 != 15) heed_faults();
  if (setresuid(1000, 1000, 1000) != 0) _exit(1);
  for (int i = 0; i != 16; ++i) registers[i] = value();
  jump(next() % 64);
  syscall(SYS_exit_group, 8);
}

int main(int count, char** words) {
  const uint64_t wanted = count > 1 ? strtoull(words[1], NULL, 10) : 1;
  const uint64_t first = count > 2 ? strtoull(words[2], NULL, 10) : 0;
  if (words[0][0] == 'a') return after();
  printf("seed %llu\n", (unsigned long long)first);
  for (uint64_t i = 0; i != kKept; ++i) kept[i] = i * 0x9e3779b97f4a7c15ull;
  if (!share_counters()) finish(2, "no memory");
  struct ends ends = {0};
  struct books before = {0};
  uint64_t told = 0;
  volatile double sum = 0.5;
  int i = 0;
  for (; rounds() < wanted; ++i) {
    if (i == 0 || i == kWarm) before = clear_books();
    const uint64_t had = rounds();
    seed(first + (uint64_t)i);
    const pid_t child = fork();
    if (child == -1) finish(2, "no more children");
    if (child == 0) attack(first + (uint64_t)i);
    const int status = end_of_worker(child, kPatience, SIGUSR1);
    if (status < 0) {
      printf("child %d of seed %llu\n", i, (unsigned long long)first);
      finish(3, status == -2 ? "a child that cannot be killed" : "a child is lost");
    }
    count_end(&ends, status);
    sweep();                                                             // the children that children made
    if (rounds() - had > (kProcesses + 1) * kRounds) done[kDone] = had;  // it has written there
    sum = sum * 1.5 - sum / 2;                                           // the same, if the FPU is
    for (uint64_t j = 0; j != kKept; ++j)
      if (kept[j] != j * 0x9e3779b97f4a7c15ull) finish(4, "memory has changed");
    if (sum != 0.5) finish(6, "the FPU computes otherwise");
    if (rounds() / 100000 != told) tell(i + 1, &ends);
    told = rounds() / 100000;
  }
  tell(i, &ends);
  printf("%llu rounds\n", (unsigned long long)rounds());
  if (!well_after(&before)) finish(7, "something is left");
  if (rounds() < (uint64_t)i * 20) finish(5, "hardly a child faults often");
  return 0;
}
