// Signals: handlers, masks, stacks, queues, what they do to calls and to registers [C4].
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/system/posix/programs/check.h"

static volatile sig_atomic_t count;
static volatile int last_code, last_value;
static char order[64];
static sigjmp_buf back;

static void counting(int number) {
  (void)number;
  ++count;
}
static void noting(int number, siginfo_t* info, void* context) {
  (void)context;
  const size_t at = strlen(order);
  order[at] = (char)('a' + number - SIGRTMIN);
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
}
static void set(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(number, &action, NULL);
}
static void set_info(int number, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigaction(number, &action, NULL);
}

static void masks(void) {
  set(SIGUSR1, counting, 0);
  sigset_t one, old, pending;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  sigprocmask(SIG_BLOCK, &one, &old);
  raise(SIGUSR1);
  raise(SIGUSR1);
  sigpending(&pending);
  say("blocked: %d handled, pending %d", (int)count, sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_SETMASK, &old, NULL);
  say("unblocked: %d handled", (int)count);
  sigprocmask(SIG_BLOCK, &one, NULL);
  raise(SIGUSR1);
  say("sigsuspend: %s", result(sigsuspend(&old)));
  sigprocmask(SIG_SETMASK, NULL, &pending);
  say("after it: %d handled, blocked %d", (int)count, sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_SETMASK, &old, NULL);
  set(SIGUSR2, counting, SA_RESETHAND);
  raise(SIGUSR2);
  struct sigaction now;
  sigaction(SIGUSR2, NULL, &now);
  say("once: default again %d", now.sa_handler == SIG_DFL);
  say("SIGKILL: %s, SIGSTOP: %s", result(sigaction(SIGKILL, &now, NULL)),
      result(sigaction(SIGSTOP, &now, NULL)));
  say("signal 65: %s", result(sigaction(65, &now, NULL)));
}

static void queues(void) {
  sigset_t some;
  sigemptyset(&some);
  for (int i = 0; i != 3; ++i) {
    sigaddset(&some, SIGRTMIN + i);
    set_info(SIGRTMIN + i, noting, 0);
  }
  sigprocmask(SIG_BLOCK, &some, NULL);
  for (int i = 0; i != 3; ++i) {
    for (int j = 2; j >= 0; --j) sigqueue(getpid(), SIGRTMIN + j, (union sigval){.sival_int = 10 * i + j});
  }
  siginfo_t info;
  const struct timespec now = {0, 0};
  const int got = sigtimedwait(&some, &info, &now);
  say("sigtimedwait: %d code %d value %d", got - SIGRTMIN, info.si_code, info.si_value.sival_int);
  // Handlers nest: the last to be made runs first, and each is one of what was queued.
  sigprocmask(SIG_UNBLOCK, &some, NULL);
  say("queued: %zu of them, code %d", strlen(order), last_code);
  int counts[3] = {0};
  for (const char* c = order; *c != 0; ++c) ++counts[*c - 'a'];
  say("a %d b %d c %d", counts[0], counts[1], counts[2]);
  say("nothing more: %s", result(sigtimedwait(&some, &info, &now)));
}

static void calls(void) {
  int ends[2];
  char byte;
  if (pipe(ends) != 0) return;
  for (int restart = 0; restart != 2; ++restart) {
    count = 0;
    set(SIGUSR1, counting, restart ? SA_RESTART : 0);
    const pid_t child = fork();
    if (child == 0) {
      sleep_ms(20);
      kill(getppid(), SIGUSR1);
      sleep_ms(20);
      _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    const long got = read(ends[0], &byte, 1);
    say("read with restart %d: %s, %d handled", restart, result(got), (int)count);
    if (got < 0) say("then %s", result(read(ends[0], &byte, 1)));
    waitpid(child, NULL, 0);
  }
  set(SIGALRM, counting, SA_RESTART);
  const pid_t child = fork();
  if (child == 0) {
    sleep_ms(20);
    kill(getppid(), SIGALRM);
    _exit(0);
  }
  struct timespec time = {10, 0}, left = {0, 0};
  say("nanosleep: %s", result(nanosleep(&time, &left)));
  say("left: %d", left.tv_sec == 9 && left.tv_nsec > 0);
  waitpid(child, NULL, 0);
  close(ends[0]);
  set(SIGPIPE, SIG_IGN, 0);
  say("write to nobody: %s", result(write(ends[1], "x", 1)));
}

static void onto(int number, siginfo_t* info, void* context) {
  (void)context;
  char here;
  stack_t stack;
  sigaltstack(NULL, &stack);
  last_code = info->si_code;
  last_value = stack.ss_flags == SS_ONSTACK && &here >= (char*)stack.ss_sp &&
               &here < (char*)stack.ss_sp + stack.ss_size;
  if (number == SIGSEGV) siglongjmp(back, 1);
}
static volatile char* unmapped;
static void (*volatile nowhere)(void);

static void faults(void) {
  stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  say("sigaltstack: %s", result(sigaltstack(&stack, NULL)));
  stack_t small = {.ss_sp = malloc(100), .ss_size = 100};
  say("too small: %s", result(sigaltstack(&small, NULL)));
  set_info(SIGUSR1, onto, SA_ONSTACK);
  raise(SIGUSR1);
  say("on the other stack %d, code %d", last_value, last_code);
  set_info(SIGSEGV, onto, SA_ONSTACK);
  unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (sigsetjmp(back, 1) == 0) *unmapped = 1;
  say("no access: code %d, on the other stack %d", last_code, last_value);
  munmap((void*)unmapped, 4096);
  if (sigsetjmp(back, 1) == 0) *unmapped = 1;
  say("not mapped: code %d", last_code);
  if (sigsetjmp(back, 1) == 0) nowhere();
  say("jump to null: code %d", last_code);
}

static void skip(int number, siginfo_t* info, void* context) {
  ucontext_t* at = context;
  last_code = info->si_code;
  last_value = number;
  at->uc_mcontext.gregs[REG_RIP] = (greg_t)at->uc_mcontext.gregs[REG_RBX];
}
static void instructions(void) {
  set_info(SIGILL, skip, 0);
  set_info(SIGFPE, skip, 0);
  set_info(SIGTRAP, skip, 0);
  __asm__ volatile("lea 1f(%%rip), %%rbx; ud2; 1:" : : : "rbx", "memory");
  say("ud2: SIG%s code %d", sigabbrev_np(last_value), last_code);
  __asm__ volatile("lea 1f(%%rip), %%rbx; xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx; 1:"
                   :
                   :
                   : "rax", "rbx", "rcx", "rdx", "memory");
  say("divide: SIG%s code %d", sigabbrev_np(last_value), last_code);
  __asm__ volatile("lea 1f(%%rip), %%rbx; int3; 1:" : : : "rbx", "memory");
  say("int3: SIG%s code %d", sigabbrev_np(last_value), last_code);
}

static void spoil(int number) {
  (void)number;
  ++count;
  __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm7, %%xmm7; pcmpeqd %%xmm15, %%xmm15; fninit"
                   :
                   :
                   : "xmm0", "xmm7", "xmm15");
}
static void registers(void) {
  set(SIGUSR1, spoil, 0);
  count = 0;
  unsigned long sum = 0, low = 0, high = 0, wanted = 0;
  const long pid = getpid();
  for (unsigned long i = 1; i != 50; ++i) {
    const unsigned long value = i * 0x9e3779b97f4a7c15;
    wanted += 3 * value;
    register long r12 __asm__("r12") = (long)value;
    long number = 62;
    __asm__ volatile(
        "movq %[v], %%xmm0; movq %[v], %%xmm7; movq %[v], %%xmm15; syscall; movq %%xmm0, %[a]; movq %%xmm7, %[b]; movq %%xmm15, %[c]"
        : [a] "=&r"(low), [b] "=&r"(high), [c] "=&r"(sum), "+a"(number), "+r"(r12)
        : [v] "r"(value), "D"(pid), "S"(SIGUSR1)
        : "rcx", "r11", "xmm0", "xmm7", "xmm15", "memory");
    wanted -= low + high + sum + (unsigned long)r12 - value;
  }
  say("registers: %d handled, difference %lu", (int)count, wanted);
}

/// A hostile frame: the registers that it asks for are only those that a program may have.
static void forge(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ucontext_t* at = context;
  at->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x20000 | 0x200000 | 0x4000;  // IOPL, VM, ID, NT
  ++count;
}
static void bad_vector(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ucontext_t* at = context;
  memset((char*)at->uc_mcontext.fpregs + 512, 0xff, 64);
}
static void bad_pointer(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ((ucontext_t*)context)->uc_mcontext.fpregs = (void*)0xffff800000000000;
}
static void bad_rip(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
}
static void forged(void) {
  count = 0;
  set_info(SIGUSR1, forge, 0);
  raise(SIGUSR1);
  unsigned long flags = 0;
  __asm__ volatile("pushfq; pop %0" : "=r"(flags));
  say("forged flags: %d handled, %lx", (int)count, flags & 0x23000);
}
static void forged_vector(void) {
  set_info(SIGUSR1, bad_vector, 0);
  raise(SIGUSR1);
}
static void forged_pointer(void) {
  set_info(SIGUSR1, bad_pointer, 0);
  raise(SIGUSR1);
}
static void forged_rip(void) {
  set_info(SIGUSR1, bad_rip, 0);
  raise(SIGUSR1);
}
static void no_stack(void) {
  set(SIGUSR1, counting, 0);
  __asm__ volatile("mov $0x10000, %%rsp; mov %0, %%edi; mov $10, %%esi; mov $62, %%eax; syscall; ud2"
                   :
                   : "r"(getpid()));
}
static void to_death(void) { *(volatile int*)8 = 1; }
static void ignored_fault(void) {
  set(SIGSEGV, SIG_IGN, 0);
  to_death();
}

int main(void) {
  masks();
  queues();
  calls();
  faults();
  instructions();
  registers();
  forged();
  in_child("hostile vector state", forged_vector);
  in_child("vector state nowhere", forged_pointer);
  in_child("rip not canonical", forged_rip);
  in_child("no stack for a frame", no_stack);
  in_child("fault", to_death);
  in_child("ignored fault", ignored_fault);
  return 0;
}
