// Instructions at random, in children of another user: bytes, pieces of real code with bits turned, and what only ring 0
// may do; with handlers that go on somewhere else [C4.01]. Ends with 0 if the parent can still make children, wait for
// them and kill them, and its memory and registers are as they were. Arguments: children, seed.
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/system/posix/hostile/attack.h"

enum { kCode = 4 * 4096, kKept = 512, kFaults = 200, kPatience = 60 };

static uint64_t kept[kKept];
static unsigned char* code;
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

/// QEMU's translator fails an assertion of its own at some invalid VEX and EVEX instructions: none at random.
static unsigned char byte(void) {
  for (;;) {
    const unsigned char its = (unsigned char)next();
    if (its != 0xc4 && its != 0xc5 && its != 0x62) return its;
  }
}

static void write_code(uint64_t kind) {
  const unsigned char* const real = (const unsigned char*)(uintptr_t)&printf;
  for (int at = 0; at < kCode;) {
    const uint64_t dice = next() % 8;
    if (kind == 0 || dice == 0) {
      code[at++] = byte();
    } else if (kind == 1 || dice < 3) {
      const unsigned char* from = real + next() % 8192;
      const int size = (int)(next() % 32) + 1;
      for (int i = 0; i < size && at < kCode; ++i) code[at++] = from[i];
      if (next() % 4 == 0) code[at - 1] = byte();
    } else {
      const struct piece* its = &kPieces[next() % kPieceCount];
      for (int i = 0; i < its->size && at < kCode; ++i) code[at++] = its->bytes[i];
      if (next() % 16 == 0) code[at - 1] = byte();
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

/// Without the C library, whose thread pointer may be gone. Not in a wrong place for ever: what did not end is killed.
static void go_on(int number, siginfo_t* information, void* argument) {
  (void)number;
  (void)information;
  ucontext_t* const context = argument;
  if (++faults == kFaults) syscall(SYS_exit_group, 7);
  context->uc_mcontext.gregs[REG_RIP] = (long long)((uint64_t)code + next() % (kCode - 64));
  context->uc_mcontext.gregs[REG_RSP] = (long long)((uint64_t)code + kCode - 256);
  if (next() % 4 == 0) context->uc_mcontext.gregs[next() % 15] = (long long)value();
  if (next() % 32 == 0) context->uc_mcontext.gregs[REG_EFL] = (long long)value();
  if (next() % 32 == 0) context->uc_mcontext.gregs[REG_CSGSFS] = (long long)value();
  if (next() % 32 == 0 && context->uc_mcontext.fpregs != NULL)
    ((unsigned char*)context->uc_mcontext.fpregs)[next() % 832] = (unsigned char)next();
}

__attribute__((naked, used)) static void jump(const uint64_t* values, void* to) {
  __asm__(
      "pushq %rsi\n mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n"
      "mov 32(%rdi), %rsi\n mov 40(%rdi), %rbp\n mov 48(%rdi), %r8\n mov 56(%rdi), %r9\n mov 64(%rdi), %r10\n"
      "mov 72(%rdi), %r11\n mov 80(%rdi), %r12\n mov 88(%rdi), %r13\n mov 96(%rdi), %r14\n mov 104(%rdi), %r15\n"
      "mov 112(%rdi), %rdi\n ret");
}

static void attack(uint64_t number) {
  for (int i = 0; i != 16; ++i) close(i);
  const struct rlimit few = {64, 64}, small = {1 << 26, 1 << 26};
  setrlimit(RLIMIT_NPROC, &few);
  setrlimit(RLIMIT_AS, &small);
  setsid();
  // The code lies at one place, the same in its children, with nothing behind it.
  code = mmap((void*)0x10000000, kCode, PROT_READ | PROT_WRITE | PROT_EXEC,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  write_code(number % 4);
  if (number % 8 != 7) {
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = go_on, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSYS, SIGUSR1};
    for (int i = 0; i != 7; ++i) sigaction(signals[i], &action, NULL);
  }
  if (setresuid(1000, 1000, 1000) != 0) _exit(1);
  if (number % 2 == 0) mprotect(code, kCode, PROT_READ | PROT_EXEC);
  for (int i = 0; i != 16; ++i) registers[i] = value();
  jump(registers, code + next() % 64);
  syscall(SYS_exit_group, 8);
}

int main(int count, char** words) {
  const int children = count > 1 ? atoi(words[1]) : 1;
  const uint64_t first = count > 2 ? strtoull(words[2], NULL, 10) : 0;
  for (uint64_t i = 0; i != kKept; ++i) kept[i] = i * 0x9e3779b97f4a7c15ull;
  struct ends ends = {0};
  volatile double sum = 0.5;
  for (int i = 0; i != children; ++i) {
    seed(first + (uint64_t)i);
    const pid_t child = fork();
    if (child == -1) finish(2, "no more children");
    if (child == 0) attack(first + (uint64_t)i);
    const int status = end_of(child, kPatience, i % 8 == 7 ? 0 : SIGUSR1);
    if (status < 0) {
      printf("child %d of seed %llu\n", i, (unsigned long long)first);
      finish(3, status == -2 ? "a child that cannot be killed" : "a child is lost");
    }
    count_end(&ends, status);
    sum = sum * 1.5 - sum / 2;  // the same, if the FPU is
    for (uint64_t j = 0; j != kKept; ++j)
      if (kept[j] != j * 0x9e3779b97f4a7c15ull) finish(4, "memory has changed");
    if (sum != 0.5) finish(6, "the FPU computes otherwise");
    if (i % 50 == 49) kill(-1, SIGKILL);  // the children that children made
    if (i % 200 == 199) tell(i + 1, &ends);
  }
  tell(children, &ends);
  if (ends.well * 20 < children) finish(5, "hardly a child faults often");
  return 0;
}
