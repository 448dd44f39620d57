// What ring 3 can do to the CPU: every trap, privileged instruction and odd state is the program's own affair
// (DESIGN §5; issue 2, "Hostile input").
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/guests.hpp"

using namespace fb;
using namespace fb::test;
using abi::Stop;
using core::Error;

namespace {

constexpr std::uint64_t kTrap = 0x100, kDirection = 0x400, kNested = 0x4000, kAlign = 0x4'0000;

struct Refused {
  const char* what;
  std::uint64_t offset;
  std::uint64_t vector;
};
#define REFUSED(name, vector) \
  Refused { #name, GUEST(name), vector }

bool umip() { return (need(abi::calls::machine_info(abi::Info::CpuFeatures)) >> 3 & 1) != 0; }

}  // namespace

TEST("privileged instructions fault") {
  Guest guest(guest_code());
  const Refused all[] = {
      REFUSED(hlt, 13),         REFUSED(cli, 13),        REFUSED(sti, 13),       REFUSED(in, 13),
      REFUSED(out, 13),         REFUSED(rdmsr, 13),      REFUSED(wrmsr, 13),     REFUSED(lgdt, 13),
      REFUSED(lidt, 13),        REFUSED(lldt, 13),       REFUSED(ltr, 13),       REFUSED(lmsw, 13),
      REFUSED(clts, 13),        REFUSED(invlpg, 13),     REFUSED(swapgs, 13),    REFUSED(sysret, 13),
      REFUSED(sysexit, 13),     REFUSED(read_cr0, 13),   REFUSED(write_cr3, 13), REFUSED(write_cr4, 13),
      REFUSED(write_cr8, 13),   REFUSED(read_dr7, 13),   REFUSED(write_dr7, 13), REFUSED(xsetbv, 13),
      REFUSED(iret_kernel, 13), REFUSED(far_kernel, 13), REFUSED(load_ss, 13),   REFUSED(load_ds_kernel, 13),
      REFUSED(load_tss, 13),    REFUSED(sysenter, 13)};
  for (const auto& one : all) {
    guest.reset(one.offset);
    const auto stop = need(guest.run_on());
    // An emulator may lack an instruction: #UD will do as well.
    const bool refused =
        stop == Stop::Fault && (guest.frame().vector == one.vector || guest.frame().vector == kInvalidOpcode);
    if (!refused)
      diag(one.what, ": stop ", static_cast<std::uint64_t>(stop), " vector ", guest.frame().vector);
    CHECK(refused);
  }
}

TEST("cache invalidation is refused, or does nothing in an emulator without caches") {
  Guest guest(guest_code());
  for (const auto offset : {GUEST(invd), GUEST(wbinvd)}) {
    guest.reset(offset);
    const auto stop = need(guest.run_on());
    CHECK(stop == Stop::Syscall || (stop == Stop::Fault && guest.frame().vector == kGeneralProtection));
  }
}

TEST("instructions that tell where the kernel's tables are fault under UMIP") {
  if (!umip()) skip("the CPU has no UMIP");
  Guest guest(guest_code());
  CHECK(guest.faults(kGeneralProtection, GUEST(sgdt)));
  CHECK(guest.faults(kGeneralProtection, GUEST(sidt)));
  CHECK(guest.faults(kGeneralProtection, GUEST(sldt)));
  CHECK(guest.faults(kGeneralProtection, GUEST(smsw)));
  CHECK(guest.faults(kGeneralProtection, GUEST(str)));
}

TEST("int n: all but int3 are general protection faults that name the gate") {
  Guest guest(guest_code());
  const auto code = need(libos::rt::allocate(core::PageCount(1)));
  auto* bytes = code.mapping.as<unsigned char>();
  constexpr std::uint64_t kPlace = 0x4'0000;
  need(abi::calls::map_pages(guest.space(), code.pages.get(), core::VirtAddr(kPlace), core::PageCount(0),
                             core::PageCount(1), abi::AccessBit::Read | abi::AccessBit::Execute));
  for (unsigned n = 0; n != 256; ++n) {
    bytes[0] = 0xcd, bytes[1] = static_cast<unsigned char>(n), bytes[2] = 0x0f, bytes[3] = 0x05;
    guest.reset();
    guest.frame().rip = kPlace;
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
    if (n == kBreakpoint) {
      CHECK_EQ(guest.frame().vector, kBreakpoint);
      CHECK_EQ(guest.frame().rip, kPlace + 2);
    } else {
      CHECK_EQ(guest.frame().vector, kGeneralProtection);
      CHECK_EQ(guest.frame().error_code, n * 8 + 2);
      CHECK_EQ(guest.frame().rip, kPlace);
    }
  }
}

TEST("code changed through another mapping is what runs") {
  Guest guest(guest_code());
  const auto code = need(libos::rt::allocate(core::PageCount(1)));
  auto* bytes = code.mapping.as<volatile unsigned char>();
  constexpr std::uint64_t kPlace = 0x4'0000;
  need(abi::calls::map_pages(guest.space(), code.pages.get(), core::VirtAddr(kPlace), core::PageCount(0),
                             core::PageCount(1), abi::AccessBit::Read | abi::AccessBit::Execute));
  bytes[0] = 0xb0;  // movb $n, %al; syscall
  bytes[2] = 0x0f;
  bytes[3] = 0x05;
  for (unsigned n = 0; n != 256; ++n) {
    bytes[1] = static_cast<unsigned char>(n);
    guest.frame().rip = kPlace;
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    CHECK_EQ(guest.frame().rax & 0xff, n);
  }
}

TEST("MOV SS before a trap instruction: nothing reaches ring 0 but the trap") {
  Guest guest(guest_code());
  for (int i = 0; i != 20; ++i) {
    CHECK(guest.stops_with(Stop::Syscall, GUEST(mov_ss_syscall)));
    CHECK(guest.faults(kBreakpoint, GUEST(mov_ss_int3)));
    CHECK(guest.faults(kDebug, GUEST(mov_ss_icebp)));
    CHECK(guest.faults(kGeneralProtection, GUEST(mov_ss_int80)));
    CHECK(guest.faults(kInvalidOpcode, GUEST(mov_ss_ud2)));
  }
}

namespace {
/// Runs on, through every debug trap, to another stop; the number of traps.
std::uint64_t step(Guest& guest, Stop& last) {
  for (std::uint64_t steps = 0;; ++steps) {
    last = need(guest.run_on());
    if (last != Stop::Fault || guest.frame().vector != kDebug || steps == 4000) return steps;
  }
}
}  // namespace

TEST("single steps: through calls, faults and MOV SS; the kernel is never stepped") {
  Guest guest(guest_code());
  Stop last{};
  guest.reset(GUEST(step_syscall));
  (void)step(guest, last);
  CHECK_EQ(last, Stop::Syscall);
  CHECK((guest.frame().rflags & kTrap) != 0);
  CHECK_EQ(need(guest.run_on()), Stop::Fault);  // the instruction after the call
  CHECK_EQ(guest.frame().vector, kDebug);
  guest.reset(GUEST(step_ud2));
  (void)step(guest, last);
  CHECK_EQ(last, Stop::Fault);
  CHECK_EQ(guest.frame().vector, kInvalidOpcode);
  guest.reset(GUEST(step_mov_ss_syscall));
  (void)step(guest, last);
  CHECK_EQ(last, Stop::Syscall);
  guest.reset(GUEST(step_mov_ss_int3));
  (void)step(guest, last);
  CHECK_EQ(last, Stop::Fault);
  CHECK_EQ(guest.frame().vector, kBreakpoint);
  // TF set by the carrier: one instruction a run.
  guest.reset(GUEST(random_walk));
  guest.frame().rflags = kTrap;
  const auto steps = step(guest, last);
  CHECK_EQ(steps, 64u * 4u);
  CHECK_EQ(last, Stop::Syscall);
}

TEST("flags at a call: DF, NT and AC do not reach the kernel, and come back to the program") {
  Guest guest(guest_code());
  guest.reset(GUEST(flags_call));
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  CHECK_EQ(guest.frame().rflags & (kDirection | kNested | kAlign), kDirection | kNested | kAlign);
  // The kernel copies memory meanwhile; with DF on it would run backwards.
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  CHECK_EQ(guest.frame().rax & (kDirection | kAlign), kDirection | kAlign);
  CHECK(guest.faults(kInvalidOpcode, GUEST(flags_fault)));
  CHECK_EQ(guest.frame().rflags & (kDirection | kAlign), kDirection | kAlign);
}

TEST("flags of a native caller: DF, AC and NT during every call") {
  Worker worker;
  worker.run([](Start& s) {
    for (std::uint64_t call = 0; call != 100; ++call) {
      if (call == EXO_CALL_CONTEXT_STOP || call == EXO_CALL_EVENT_WAIT) continue;
      std::uint64_t rax = call, rdx = 0;
      asm volatile(
          "pushfq\n\tpushfq\n\torq $0x44400, (%%rsp)\n\tpopfq\n\tsyscall\n\tpushfq\n\tpopq %%rcx\n\tpopfq\n\tcld\n\t"
          "movq %%rcx, %[flags]"
          : "+a"(rax), "+d"(rdx), [flags] "=m"(s.shared[1])
          : "D"(std::uint64_t{0}), "S"(std::uint64_t{0})
          : "rcx", "r11", "r8", "r9", "r10", "memory", "cc");
      CHECK((s.shared[1].load() & kDirection) != 0);
    }
  });
  worker.join_returned();
}

TEST("hostile stack pointers at calls, faults and interrupts") {
  Guest guest(guest_code());
  CHECK(guest.faults(kInvalidOpcode, GUEST(bad_stack_fault)));
  CHECK_EQ(guest.frame().rsp, 0x8000'0000'0000u);
  CHECK(guest.stops_with(Stop::Syscall, GUEST(bad_stack_call)));
  CHECK_EQ(guest.frame().rsp, 0x8000'0000'0000'0000u);
  CHECK_EQ(need(guest.run_on()),
           Stop::Fault);  // and back with it, by sysret; what follows in memory is another piece
  for (const auto offset : {GUEST(bad_stack_spin), GUEST(kernel_stack_spin)}) {
    guest.reset(offset);
    for (int i = 0; i != 5; ++i) CHECK_EQ(need(guest.run_on(in(1))), Stop::Deadline);
  }
  CHECK(guest.stops_with(Stop::Fault, GUEST(bad_stack_push)));
  CHECK(guest.frame().vector == kStackFault ||
        guest.frame().vector == kGeneralProtection);  // QEMU says the latter
  CHECK(guest.faults(kPageFault, GUEST(zero_stack_push)));
  CHECK_EQ(guest.frame().address, ~std::uint64_t{7});
}

TEST("a native program with a hostile stack pointer") {
  Worker worker;
  for (const std::uint64_t rsp :
       {std::uint64_t{0}, std::uint64_t{0x8000'0000'0000}, std::uint64_t{0xdead'0000'0000'0000},
        std::uint64_t{0xffff'8000'0000'1000}, std::uint64_t{0xffff'ffff'8010'0000}}) {
    worker.run(
        [](Start& s) {
          asm volatile(
              "movq %%rsp, %%rbx\n\tmovq %[bad], %%rsp\n\txorl %%eax, %%eax\n\tsyscall\n\tmovq $100000, %%rcx\n"
              "1: pause\n\tdecq %%rcx\n\tjnz 1b\n\tmovl $38, %%eax\n\tsyscall\n\tmovq %%rbx, %%rsp"
              :
              : [bad] "r"(s.argument)
              : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
        },
        rsp);
    worker.join_returned();
  }
}

TEST("a call from the last page of the user half: the kernel does not return to a non-canonical address") {
  Guest guest(guest_code());
  const auto code = need(libos::rt::allocate(core::PageCount(1)));
  // The very last page cannot be mapped; in the last one that can, the call is the last instruction.
  const abi::Access rx = abi::AccessBit::Read | abi::AccessBit::Execute;
  CHECK_FAILS(abi::calls::map_pages(guest.space(), code.pages.get(), core::VirtAddr(0x7fff'ffff'f000),
                                    core::PageCount(0), core::PageCount(1), rx),
              Error::BadAddress);
  constexpr std::uint64_t kLast = 0x7fff'ffff'e000;
  need(abi::calls::map_pages(guest.space(), code.pages.get(), core::VirtAddr(kLast), core::PageCount(0),
                             core::PageCount(1), rx));
  auto* bytes = code.mapping.as<unsigned char>();
  bytes[4094] = 0x0f, bytes[4095] = 0x05;
  guest.reset();
  guest.frame().rip = kLast + 4094;
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  CHECK_EQ(guest.frame().rip, 0x7fff'ffff'f000u);
  CHECK_FAILS(guest.run(), Error::BadAddress);
  // The same for a native context: it comes back to the unmapped page and faults there.
  Worker worker({.self = false});
  const auto& e = libos::rt::environment();
  need(abi::calls::map_pages(e.space, code.pages.get(), core::VirtAddr(kLast), core::PageCount(0),
                             core::PageCount(1), rx));
  need(abi::calls::context_start(worker.context(), core::VirtAddr(kLast + 4094), worker.stack_top(), 0));
  CHECK_EQ(worker.join(), End::Faulted);
  CHECK_EQ(worker.fault_address(), 0x7fff'ffff'f000u);
  // The same by way of another context, when the call lets others run first.
  for (const unsigned char call : {EXO_CALL_YIELD, EXO_CALL_NULL, EXO_CALL_EVENT_CREATE}) {
    bytes[4089] = 0xb8, bytes[4090] = call, bytes[4091] = bytes[4092] = bytes[4093] = 0;  // movl $call, %eax
    need(abi::calls::context_start(worker.context(), core::VirtAddr(kLast + 4089), worker.stack_top(), 0));
    CHECK_EQ(worker.join(), End::Faulted);
    CHECK_EQ(worker.fault_address(), 0x7fff'ffff'f000u);
  }
  need(abi::calls::unmap_pages(e.space, core::VirtAddr(kLast), core::PageCount(1)));
}

TEST("jumps to nowhere, to the kernel, to what may not be executed") {
  Guest guest(guest_code());
  for (const std::uint64_t to : {std::uint64_t{0}, std::uint64_t{kGuestData},
                                 std::uint64_t{0xffff'8000'0000'0000}, std::uint64_t{0xffff'ffff'8010'0000},
                                 std::uint64_t{0xffff'ffff'ffff'ffff}, std::uint64_t{0x7fff'ffff'f000},
                                 std::uint64_t{0x8000'0000'0000}, std::uint64_t{0xdead'beef'0000'0000}}) {
    guest.reset(GUEST(jump));
    guest.frame().rax = to;
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
    CHECK(guest.frame().vector == kPageFault || guest.frame().vector == kGeneralProtection);
  }
}

TEST("prefixes: too many, and where they may not be") {
  Guest guest(guest_code());
  guest.reset(GUEST(prefix));
  const auto stop = need(guest.run_on());
  CHECK(stop == Stop::Fault &&
        (guest.frame().vector == kGeneralProtection || guest.frame().vector == kInvalidOpcode));
  CHECK(guest.faults(kInvalidOpcode, GUEST(lock_nop)));
}

TEST("bad vector state loaded by the program itself faults in the program") {
  Guest guest(guest_code());
  auto* bytes = guest.data<unsigned char>();
  for (unsigned bit = 16; bit != 32; ++bit) {
    std::fill_n(bytes, 4096, static_cast<unsigned char>(0));
    const std::uint32_t mxcsr = 0x1f80 | (1U << bit);
    __builtin_memcpy(bytes + 24, &mxcsr, 4);
    guest.reset(GUEST(fxrstor));
    guest.frame().rax = kGuestData;
    const auto stop = need(guest.run_on());
    CHECK(stop == Stop::Fault ? guest.frame().vector == kGeneralProtection
                              : stop == Stop::Syscall);  // QEMU masks
    guest.reset(GUEST(ldmxcsr));
    guest.frame().rax = kGuestData + 24;
    CHECK_EQ(need(guest.run_on()) == Stop::Fault || guest.frame().vector == 0, true);
    bytes[512] = 7, bytes[520] = 1;  // XSTATE_BV, XCOMP_BV
    guest.reset(GUEST(xrstor));
    guest.frame().rbx = kGuestData;
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
  }
  CHECK(guest.stops_with(Stop::Syscall, GUEST(call)));
}

TEST("virtualisation instructions fault; harmless ones work") {
  Guest guest(guest_code());
  for (const auto offset : {GUEST(hypercall), GUEST(vmrun), GUEST(rdpmc), GUEST(monitor)}) {
    guest.reset(offset);
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
  }
  CHECK(guest.stops_with(Stop::Syscall, GUEST(cpuid)));
  CHECK(guest.stops_with(Stop::Syscall, GUEST(rdtsc)));
}

TEST("iretq by the program cannot raise IOPL, stop interrupts or set VM") {
  Guest guest(guest_code());
  guest.reset(GUEST(iret_flags));
  const auto stop = need(guest.run_on());
  if (stop == Stop::Syscall) {
    CHECK((guest.frame().rflags & 0x200) != 0);
    CHECK_EQ(guest.frame().rflags & 0x2'3000, 0u);
  } else {
    CHECK_EQ(stop, Stop::Fault);
  }
}

TEST("#DB floods: a program that traps for ever is preempted like any other") {
  Guest guest(guest_code());
  for (int i = 0; i != 2000; ++i) {
    if (!CHECK(guest.faults(kDebug, GUEST(icebp)))) return;
  }
}

TEST("native: each fault ends the context with its vector, and the machine goes on") {
  Worker worker({.self = false});
  struct Fault {
    void (*body)(Start&);
    std::uint64_t vector;
  };
  const Fault all[] = {
      {[](Start&) { asm volatile("ud2"); }, kInvalidOpcode},
      {[](Start&) { asm volatile("int3"); }, kBreakpoint},
      {[](Start&) { asm volatile(".byte 0xf1"); }, kDebug},
      {[](Start&) {
         asm volatile("xorl %%ecx, %%ecx\n\tdivl %%ecx" : : : "eax", "ecx", "edx", "cc");
       },
       kDivideError},
      {[](Start&) { asm volatile("hlt"); }, kGeneralProtection},
      {[](Start&) { asm volatile("movl %%ss, %%eax\n\tmovl %%eax, %%ss\n\tint3"
                                 :
                                 :
                                 : "eax"); }, kBreakpoint},
      {[](Start&) {
         asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop" : : : "memory", "cc");
       },
       kDebug},
      {[](Start&) {
         asm volatile(
             "pushfq\n\torq $0x100, (%%rsp)\n\tmovl %%ss, %%eax\n\tpopfq\n\tmovl %%eax, %%ss\n\t"
             "xorl %%eax, %%eax\n\tsyscall\n\tnop"
             :
             :
             : "rax", "rcx", "r11", "rdx", "rsi", "rdi", "r8", "r9", "r10", "memory", "cc");
       },
       kDebug},
      {[](Start&) { asm volatile("movq $0, %%rsp\n\tpushq %%rax"
                                 :
                                 :
                                 : "memory"); }, kPageFault}};
  for (const auto& fault : all) {
    worker.run(fault.body);
    CHECK_EQ(worker.join(), End::Faulted);
    CHECK_EQ(std::uint64_t{worker.fault_vector()}, fault.vector);
  }
}
