// A hostile Linux program [C4.01]: its children make calls at random, with numbers and pointers that mean harm. Whatever
// becomes of them, it can still make children and wait for them, and its memory is as it was. Those that wait for what never
// comes get signals, and are killed when they do not heed them; every other child is another user, and kills whom it can.
// Ends with status 0 if all of this is so. Argument: how many children.
typedef unsigned long word;

enum {
  kMmap = 9,
  kSignalAction = 13,
  kSleep = 35,
  kSignalReturn = 15,
  kKill = 62,
  kUsers = 117,
  kSignalQueue = 129,
  kThreadKill = 200,
  kThreadGroupKill = 234,
  kThreadSignalQueue = 297,
  kClone3 = 435,
  kFork = 57,
  kVfork = 58,
  kClone = 56,
  kExit = 60,
  kWait = 61,
  kPipe = 22,
  kPipe2 = 293,
  kRead = 0,
  kReadv = 19,
  kWrite = 1,
  kWritev = 20,
  kExitGroup = 231
};
enum { kCalls = 400, kWords = 512, kNumbers = 460 };
enum { kUser1 = 10, kKillSignal = 9, kRestorer = 0x04000000, kNoHang = 1 };

static word call(word number, word a, word b, word c, word d, word e, word f) {
  word result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static word state;
static word next(void) {  // xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static char room[1 << 16];
static word kept[kWords];

/// Small numbers, numbers about powers of two, pointers that are good, that end too early, and that are ring 0's.
static word argument(void) {
  static char path[] = "/bin/hostile";
  switch (next() % 8) {
    case 0:
      return next() % 16;
    case 1:
      return (1ul << (next() % 64)) + next() % 3 - 1;
    case 2:
      return (word)room + next() % sizeof room;
    case 3:
      return ((word)room & ~0xffful) + 0x1000 * (next() % 16);
    case 4:
      return (word)path;
    case 5:
      return 0xffff800000000000ul + next() % 0x10000;
    case 6:
      return -(next() % 200);
    default:
      return next();
  }
}

static int ends_or_multiplies(word number) {
  return number == kExit || number == kExitGroup || number == kFork || number == kVfork || number == kClone ||
         number == kClone3;
}

static int signals(word number) {
  return number == kKill || number == kThreadKill || number == kThreadGroupKill || number == kSignalQueue ||
         number == kThreadSignalQueue;
}

/// Calls that may wait for what nobody sends, or that write what the reader of the output would have to read.
static int waits_or_writes(word number) {
  return number == kRead || number == kReadv || number == kWrite || number == kWritev;
}

__attribute__((naked)) static void restorer(void) { __asm__("mov $15, %eax; syscall"); }
static void heed(int number) { (void)number; }

/// `returns`: it also returns from handlers that never ran. Whoever is another user cannot reach its parent, however it aims.
static void attack(int other_user, int returns) {
  const word action[4] = {(word)heed, kRestorer, (word)restorer, 0};
  call(kSignalAction, kUser1, (word)action, 0, 8, 0, 0);
  if (other_user) call(kUsers, 1000, 1000, 1000, 0, 0, 0);
  for (int i = 0; i != kCalls; ++i) {
    const word number = next() % 64 == 0 ? next() : next() % kNumbers;
    if (ends_or_multiplies(number) || waits_or_writes(number)) continue;
    if (signals(number) && !other_user) continue;
    if (number == kSignalReturn && !returns) continue;
    call(number, argument(), argument(), argument(), argument(), argument(), argument());
  }
  call(kExitGroup, 7, 0, 0, 0, 0, 0);
}

/// Its status as wait has it; -1 if there is no such child.
static int end_of(word child) {
  enum { kPatience = 40 };
  const word pause[2] = {0, 500000};
  for (int i = 0;; ++i) {
    int status = -1;
    const word got = call(kWait, child, (word)&status, kNoHang, 0, 0, 0);
    if (got == child) return status;
    if (got != 0) return -1;
    call(kSleep, (word)pause, 0, 0, 0, 0, 0);
    call(kKill, child, i < kPatience ? kUser1 : kKillSignal, 0, 0, 0, 0);
  }
}

static void finish(int status) {
  for (;;) call(kExitGroup, (word)status, 0, 0, 0, 0, 0);
}

__attribute__((used)) static void run(const word* stack) {
  word children = 0;
  for (const char* digit = stack[0] > 1 ? (const char*)stack[2] : "1"; *digit != 0; ++digit)
    children = children * 10 + (word)(*digit - '0');
  for (word i = 0; i != kWords; ++i) kept[i] = i * 0x9e3779b97f4a7c15ul;
  word ended = 0;
  for (word i = 0; i != children; ++i) {
    state = 0x9e3779b97f4a7c15ul * (i + 1);
    const word child = call(kFork, 0, 0, 0, 0, 0, 0);
    if (child == 0) attack(i % 2, i % 4 == 0);
    const int status = end_of(child);
    if (status == -1) finish(2);
    ended += status == 7 << 8;
    for (word j = 0; j != kWords; ++j) {
      if (kept[j] != j * 0x9e3779b97f4a7c15ul) finish(3);
    }
  }
  // Some unmap what they stand on, or kill themselves. Were it nearly all of them, there would be no attack.
  finish(ended * 4 < children ? 4 : 0);
}

__attribute__((naked)) void _start(void) { __asm__("mov %rsp, %rdi; and $-16, %rsp; call run"); }
