// A storm of NMIs on all CPUs: they come at any instruction, also of ring 0, also before `swapgs` has made its GS base
// one to be trusted (kernel/arch/x86_64/entry.S, distrustful_entry). What programs and carriers have in their registers,
// and what their calls return, must not show it. The runner injects them (tools/machine/nmi.py) and fails the run if they
// were too few; so these tests are loops, and what they check is what every other test could.
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/guests.hpp"
#include "tests/system/harness/team.hpp"

using namespace fb;
using namespace fb::test;
using abi::Stop;
using core::Error;

namespace {

constexpr unsigned kMostCpus = Team::kMost;
constexpr std::uint64_t kRounds = 30'000, kNever = ~std::uint64_t{0};

/// What a program may have in its bases: nothing, its own data (which looks like a kernel's if it likes), what is mapped
/// nowhere, the end of the user half.
constexpr std::uint64_t kHostile[] = {0, 1, kGuestData, kGuestData + 8, 0x7fff'ffff'e000, core::kUserEnd - 1};
constexpr std::uint64_t kHostiles = sizeof kHostile / sizeof *kHostile;

constinit Guest* guests[kMostCpus];
unsigned cpu_count() { return static_cast<unsigned>(libos::rt::environment().cpus); }

/// Runs `body` on every CPU, each with a guest of its own: guests[handles[0]].
void on_all_cpus(void (*body)(Start&)) {
  alignas(Guest) char storage[kMostCpus][sizeof(Guest)];
  for (unsigned i = 0; i != cpu_count(); ++i) guests[i] = new (storage[i]) Guest(guest_code());
  {
    Team team(cpu_count(), body);
    team.join();
  }
  for (unsigned i = 0; i != cpu_count(); ++i) guests[i]->~Guest();
}

/// Every sixteen rounds other bases: in between the short way back into the program is taken.
void set_bases(exo_frame& frame, std::uint64_t round) {
  frame.fs_base = kHostile[round / 16 % kHostiles];
  frame.gs_base = kHostile[round / 16 / kHostiles % kHostiles];
}
bool has_bases(const exo_frame& frame, std::uint64_t round) {
  exo_frame expected{};
  set_bases(expected, round);
  return frame.fs_base == expected.fs_base && frame.gs_base == expected.gs_base;
}

/// Random values in the sixteen general registers, and what differs after the run: one bit for each.
class Registers {
 public:
  Registers(exo_frame& frame, Random& random) : frame_(frame) {
    for (unsigned r = 0; r != 16; ++r) words()[r] = values_[r] = random();
  }
  [[nodiscard]] std::uint64_t changed() const {
    std::uint64_t bits = 0;
    for (unsigned r = 0; r != 16; ++r) bits |= std::uint64_t{words()[r] != values_[r]} << r;
    return bits;
  }

 private:
  [[nodiscard]] std::uint64_t* words() const { return &frame_.rax; }
  exo_frame& frame_;
  std::uint64_t values_[16];
};
constexpr std::uint64_t kRcxAndR11 = 1 << 2 | 1 << 11;  // in the order of exo_frame

}  // namespace

TEST("NMI storm: system calls of programs with hostile bases keep every register but rcx and r11") {
  on_all_cpus([](Start& s) {
    const Guest& guest = *guests[s.handles[0]];
    Random random(s.handles[0] + 1);
    auto& frame = guest.frame();
    frame.rip = kGuestCode + GUEST(call);
    for (std::uint64_t i = 0; i != kRounds; ++i) {
      set_bases(frame, i);
      const Registers registers(frame, random);
      if (!CHECK_EQ(need(guest.run_on()), Stop::Syscall)) return;
      if (!CHECK_EQ(registers.changed() & ~kRcxAndR11, 0u)) return;
      if (!CHECK(has_bases(frame, i))) return;
    }
  });
}

TEST("NMI storm: faults of programs with hostile bases keep every register") {
  on_all_cpus([](Start& s) {
    const Guest& guest = *guests[s.handles[0]];
    Random random(s.handles[0] + 2);
    auto& frame = guest.frame();
    for (std::uint64_t i = 0; i != kRounds; ++i) {
      frame.rip = kGuestCode + (i % 2 == 0 ? GUEST(ud2) : GUEST(jump));
      set_bases(frame, i);
      const Registers registers(frame, random);
      if (i % 2 != 0) frame.rax = 0;
      if (!CHECK_EQ(need(guest.run_on()), Stop::Fault)) return;
      if (!CHECK_EQ(registers.changed() & ~(i % 2), 0u)) return;
      if (!CHECK_EQ(frame.vector, i % 2 == 0 ? kInvalidOpcode : kPageFault)) return;
      if (!CHECK(has_bases(frame, i))) return;
    }
  });
}

TEST("NMI storm: programs read their own memory by FS and GS") {
  on_all_cpus([](Start& s) {
    const Guest& guest = *guests[s.handles[0]];
    auto* const words = guest.data<std::uint64_t>();
    auto& frame = guest.frame();
    frame.rip = kGuestCode + GUEST(bases);
    for (std::uint64_t i = 0; i != kRounds; ++i) {
      const auto fs = i / 8 % 64, gs = i / 16 % 64 + 64;
      words[fs] = i + 1;
      words[gs] = i + 2;
      frame.fs_base = kGuestData + fs * 8;
      frame.gs_base = kGuestData + gs * 8;
      if (!CHECK_EQ(need(guest.run_on()), Stop::Syscall)) return;
      if (!CHECK(frame.rax == i + 1 && frame.rbx == i + 2)) return;
    }
  });
}

TEST("NMI storm: debug traps have a stack of their own, too: each step of a program is one") {
  on_all_cpus([](Start& s) {
    const Guest& guest = *guests[s.handles[0]];
    auto& frame = guest.frame();
    constexpr std::uint64_t kTrap = 0x100, kSteps = 64 * 4;
    for (std::uint64_t round = 0; round != 120; ++round) {
      frame = {};
      frame.rip = kGuestCode + GUEST(random_walk);
      frame.rsp = kGuestStack;
      frame.rflags = kTrap;
      frame.stop = static_cast<std::uint64_t>(Stop::Fault);  // by iret: sysret would be a step of its own
      set_bases(frame, round * 16);
      std::uint64_t steps = 0;
      while (need(guest.run_on()) == Stop::Fault && frame.vector == kDebug && steps != 2 * kSteps) steps += 1;
      if (!CHECK_EQ(steps, kSteps)) return;
      if (!CHECK_EQ(frame.rax, 64u * 3u)) return;
      if (!CHECK(has_bases(frame, round * 16))) return;
    }
  });
}

TEST("NMI storm: deadlines end runs of a program that counts, and it goes on where it was") {
  on_all_cpus([](Start& s) {
    const Guest& guest = *guests[s.handles[0]];
    auto* const count = guest.data<volatile std::uint64_t>();
    auto& frame = guest.frame();
    frame.rip = kGuestCode + GUEST(count);
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i != 100; ++i) {
      set_bases(frame, i);
      if (!CHECK_EQ(need(guest.run_on(now() + core::Nanoseconds(20'000 + i * 1'000))), Stop::Deadline))
        return;
      if (!CHECK(*count >= last && has_bases(frame, i))) return;
      last = *count;
    }
    CHECK(last != 0);
  });
}

namespace {

/// A call with nothing to do: whether rbx, rbp, rsp and r12 to r15 are afterwards what they were.
bool null_call_keeps(std::uint64_t value) {
  std::uint64_t status = EXO_CALL_NULL, different = 0;
  asm volatile(
      "pushq %%rbp\n\tmovq %%rdi, %%rbx\n\tmovq %%rdi, %%rbp\n\tmovq %%rdi, %%r12\n\tmovq %%rdi, %%r13\n\t"
      "movq %%rdi, %%r14\n\tmovq %%rdi, %%r15\n\tpushq %%rdi\n\tsyscall\n\tpopq %%rcx\n\t"
      "xorq %%rcx, %%rbx\n\txorq %%rcx, %%rbp\n\txorq %%rcx, %%r12\n\txorq %%rcx, %%r13\n\t"
      "xorq %%rcx, %%r14\n\txorq %%rcx, %%r15\n\torq %%rbp, %%rbx\n\torq %%r12, %%rbx\n\t"
      "orq %%r13, %%rbx\n\torq %%r14, %%rbx\n\torq %%r15, %%rbx\n\tmovq %%rbx, %%rdx\n\t"
      "popq %%rbp"
      : "+a"(status), "+d"(different), "+D"(value)
      :
      : "rbx", "rcx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
  return status == 0 && different == 0;
}

}  // namespace

TEST("NMI storm: calls of native contexts on all CPUs return what they should and keep what they should") {
  on_all_cpus([](Start& s) {
    Random random(s.handles[0] + 3);
    const auto event = need(abi::calls::event_create());
    for (std::uint64_t i = 0; i != kRounds; ++i) {
      const auto bit = std::uint64_t{1} << (i % 64);
      if (!CHECK(null_call_keeps(random()))) return;
      if (!CHECK_OK(abi::calls::event_deliver(event, abi::EventBits(bit)))) return;
      const auto got = abi::calls::event_wait(event, abi::EventBits(kNever), abi::kNever);
      if (!CHECK_OK(got) || !CHECK_EQ(got->raw(), bit)) return;
      if (!CHECK_FAILS(abi::calls::cap_check(abi::Cap<abi::ObjectType::Any>(random() | 1ul << 63), {}),
                       Error::BadHandle))
        return;
    }
    need(abi::calls::cap_drop(event));
  });
}

namespace {
constinit EventCap ball[kMostCpus];
}  // namespace

TEST("NMI storm: CPUs that sleep between signals wake for each of them") {
  // Around a ring of CPUs: all but one sleep.
  for (unsigned i = 0; i != cpu_count(); ++i) ball[i] = need(abi::calls::event_create());
  {
    Team team(cpu_count(), [](Start& s) {
      for (unsigned round = 0; round != 1'500; ++round) {
        CHECK_OK(abi::calls::event_wait(ball[s.handles[0]], abi::EventBits(1), abi::kNever));
        CHECK_OK(abi::calls::event_deliver(ball[(s.handles[0] + 1) % cpu_count()], abi::EventBits(1)));
      }
    });
    CHECK_OK(abi::calls::event_deliver(ball[0], abi::EventBits(1)));
    team.join();
  }
  for (unsigned i = 0; i != cpu_count(); ++i) need(abi::calls::cap_drop(ball[i]));
}
