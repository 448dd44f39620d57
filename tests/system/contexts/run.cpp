// exo_context_run: every stop, nesting, who may run what, what the frame may hold (DESIGN §6).
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/guests.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"

using namespace fb;
using namespace fb::test;
using abi::Stop;
using core::CpuId;
using core::Error;
using core::Nanoseconds;

namespace {

constexpr std::uint64_t kRounds = 2000;

bool several_cpus() { return libos::rt::environment().cpus > 1; }
EventCap make_event() { return need(abi::calls::event_create()); }

/// Spins until the worker says so by shared[0].
void await(Worker& worker, std::uint64_t value) {
  while (worker.start().shared[0].load() < value) __builtin_ia32_pause();
}

}  // namespace

TEST("SYSCALL: the program's registers are in the frame, and results go back in place") {
  Guest guest(guest_code());
  guest.reset(GUEST(call));
  Random random(1);
  for (std::uint64_t i = 0; i != kRounds; ++i) {
    auto& f = guest.frame();
    exo_frame in = f;
    in.rax = random(), in.rbx = random(), in.rdx = random(), in.rsi = random(), in.rdi = random();
    in.rbp = random(), in.rsp = random(), in.r8 = random(), in.r9 = random(), in.r10 = random();
    in.r12 = random(), in.r13 = random(), in.r14 = random(), in.r15 = random();
    f = in;
    if (!CHECK_EQ(need(guest.run_on()), Stop::Syscall)) return;
    const bool same = f.rax == in.rax && f.rbx == in.rbx && f.rdx == in.rdx && f.rsi == in.rsi &&
                      f.rdi == in.rdi && f.rbp == in.rbp && f.rsp == in.rsp && f.r8 == in.r8 &&
                      f.r9 == in.r9 && f.r10 == in.r10 && f.r12 == in.r12 && f.r13 == in.r13 &&
                      f.r14 == in.r14 && f.r15 == in.r15;
    if (!CHECK(same)) return;
    CHECK_EQ(f.stop, static_cast<std::uint64_t>(Stop::Syscall));
  }
}

TEST("FAULT and back by iret: all sixteen registers survive, also rcx and r11") {
  Guest guest(guest_code());
  Random random(2);
  for (std::uint64_t i = 0; i != kRounds; ++i) {
    guest.reset(GUEST(ud2));
    auto& f = guest.frame();
    auto* words = &f.rax;
    std::uint64_t in[16];
    for (unsigned r = 0; r != 16; ++r) words[r] = in[r] = random();
    if (!CHECK_EQ(need(guest.run_on()), Stop::Fault)) return;
    for (unsigned r = 0; r != 16; ++r) {
      if (!CHECK_EQ(words[r], in[r])) return;
    }
    CHECK_EQ(f.rip, kGuestCode + GUEST(ud2));
  }
}

TEST("rcx and r11 set by the carrier after a system call reach the program") {
  // A LibOS that returns from a signal handler restores every register, wherever the signal came.
  Guest guest(guest_code());
  guest.reset(GUEST(call_then_trap));
  REQUIRE(need(guest.run_on()) == Stop::Syscall);
  guest.frame().rcx = 0x1111;
  guest.frame().r11 = 0x2222;
  guest.frame().stop = static_cast<std::uint64_t>(Stop::Fault);  // abi/layout.h: asks for that
  CHECK_EQ(need(guest.run_on()), Stop::Fault);
  CHECK_EQ(guest.frame().rcx, 0x1111u);
  CHECK_EQ(guest.frame().r11, 0x2222u);
}

TEST("FAULT: vector, error code and address of each kind") {
  Guest guest(guest_code());
  auto& f = guest.frame();
  CHECK(guest.faults(kInvalidOpcode, GUEST(ud2)));
  CHECK_EQ(f.rip, kGuestCode + GUEST(ud2));
  CHECK(guest.faults(kDivideError, GUEST(divide)));
  CHECK(guest.faults(kBreakpoint, GUEST(int3)));
  CHECK_EQ(f.rip, kGuestCode + GUEST(int3) + 1);
  CHECK(guest.faults(kDebug, GUEST(icebp)));
  CHECK_EQ(f.rip, kGuestCode + GUEST(icebp) + 1);
  CHECK(guest.faults(kGeneralProtection, GUEST(hlt)));
  CHECK_EQ(f.error_code, 0u);
  CHECK_EQ(f.address, 0u);
  const auto touch = [&](std::uint64_t offset, std::uint64_t address, std::uint64_t error) {
    guest.reset(offset);
    f.rax = address;
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
    CHECK_EQ(f.vector, kPageFault);
    CHECK_EQ(f.address, address);
    CHECK_EQ(f.error_code, error);
  };
  // Error code: bit 0 present, 1 write, 2 from ring 3, 4 instruction fetch (Intel SDM 3A, 4.7).
  touch(GUEST(load), 0x5000, 4);
  touch(GUEST(store), 0x5000, 6);
  touch(GUEST(store), kGuestCode, 7);
  touch(GUEST(jump), 0x5000, 0x14);
  touch(GUEST(jump), kGuestData, 0x15);
  for (const std::uint64_t kernel : {0xffff'8000'0000'0000, 0xffff'8000'0010'0000, 0xffff'ffff'8010'0000,
                                     0xffff'c000'0000'8000, 0xffff'd000'0000'0000, 0xffff'ffff'ffff'f000}) {
    guest.reset(GUEST(load));
    f.rax = kernel;
    CHECK_EQ(need(guest.run_on()), Stop::Fault);
    CHECK_EQ(f.vector, kPageFault);
    CHECK_EQ(f.address, kernel);
    CHECK((f.error_code & 4) != 0);
  }
  guest.reset(GUEST(load));
  f.rax = 0x8000'0000'0000;
  CHECK_EQ(need(guest.run_on()), Stop::Fault);
  CHECK_EQ(f.vector, kGeneralProtection);
}

TEST("the frame says what the last stop was, in any order") {
  Guest guest(guest_code());
  const auto& f = guest.frame();
  for (int i = 0; i != 20; ++i) {
    CHECK(guest.stops_with(Stop::Syscall, GUEST(call)));
    CHECK_EQ(f.stop, static_cast<std::uint64_t>(Stop::Syscall));
    if (i % 3 == 0) {
      guest.frame().rip = kGuestCode + GUEST(ud2);
      CHECK_EQ(need(guest.run_on()), Stop::Fault);
      CHECK_EQ(f.stop, static_cast<std::uint64_t>(Stop::Fault));
    }
    guest.frame().rip = kGuestCode + GUEST(spin);
    CHECK_EQ(need(guest.run_on(in(0))), Stop::Deadline);
    CHECK_EQ(f.stop, static_cast<std::uint64_t>(Stop::Deadline));
    guest.frame().rip = kGuestCode + GUEST(call);
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    CHECK_EQ(f.stop, static_cast<std::uint64_t>(Stop::Syscall));
  }
}

TEST("DEADLINE: past stops at once, future ends a program that spins; the program goes on afterwards") {
  Guest guest(guest_code());
  guest.reset(GUEST(spin));
  CHECK_EQ(need(guest.run_on(Nanoseconds(0))), Stop::Deadline);
  const auto until = in(3);
  CHECK_EQ(need(guest.run_on(until)), Stop::Deadline);
  CHECK(now() >= until);
  guest.reset(GUEST(count));
  std::uint64_t last = 0;
  for (int i = 0; i != 5; ++i) {
    CHECK_EQ(need(guest.run_on(in(2))), Stop::Deadline);
    CHECK(guest.data<std::uint64_t>()[0] > last);
    last = guest.data<std::uint64_t>()[0];
  }
}

TEST("PREEMPTED: the end of the slice comes back to the carrier") {
  Guest guest(guest_code());
  guest.reset(GUEST(count));
  for (int i = 0; i != 5; ++i) CHECK_EQ(need(guest.run()), Stop::Preempted);
}

TEST("EVENT: a pending unmasked bit stops a run at once, a masked one does not") {
  Guest guest(guest_code());
  const auto event = make_event();
  Worker carrier;
  need(abi::calls::context_set_event(carrier.context(), event, abi::EventBits(2), abi::Bit(0)));
  need(abi::calls::event_deliver(event, abi::EventBits(1)));
  guest.reset(GUEST(spin));
  carrier.run([](Start& s) { CHECK_EQ(need(guest_of(s).run_on(in(2))), Stop::Deadline); },
              as_argument(guest));
  while (carrier.start().phase.load() != 2) static_cast<void>(abi::calls::yield());
  need(abi::calls::event_deliver(event, abi::EventBits(2)));
  carrier.stop();
  carrier.run(
      [](Start& s) {
        for (int i = 0; i != 100; ++i) CHECK_EQ(need(guest_of(s).run()), Stop::Event);
      },
      as_argument(guest));
  while (carrier.start().phase.load() != 2) static_cast<void>(abi::calls::yield());
  need(abi::calls::cap_drop(event));
}

TEST("EVENT: a signal from another CPU stops a program that spins, each time") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  const auto event = make_event();
  static EventCap shared_event;
  shared_event = event;
  Worker carrier({.cpu = CpuId(1)});
  need(abi::calls::context_set_event(carrier.context(), event, abi::EventBits(1), abi::Bit(63)));
  guest.reset(GUEST(spin));
  carrier.run(
      [](Start& s) {
        for (int i = 0; i != 300; ++i) {
          s.shared[0].fetch_add(1);
          CHECK_EQ(need(guest_of(s).run_on()), Stop::Event);
          CHECK_OK(abi::calls::event_wait(shared_event, abi::EventBits(1), Nanoseconds(0)));
        }
      },
      as_argument(guest));
  for (std::uint64_t i = 1; i <= 300; ++i) {
    await(carrier, i);
    need(abi::calls::event_deliver(event, abi::EventBits(1)));
  }
  while (carrier.start().phase.load() != 2) static_cast<void>(abi::calls::yield());
  need(abi::calls::cap_drop(event));
}

namespace {
/// Runs the context whose handle is its argument until it is gone: by a stop, or by a refusal between two runs.
void run_until_gone(Start& s) {
  s.shared[0].store(1);
  for (;;) {
    const auto stop = abi::calls::context_run(ContextCap(s.argument), abi::kNever, 0);
    if (stop && *stop == Stop::Preempted) continue;
    if (!stop && stop.error() == Error::Busy) continue;  // just being stopped
    CHECK(!stop || *stop == Stop::Gone);
    break;
  }
  s.shared[1].store(1);
}
template <class End>
void ends_elsewhere(End end) {
  if (!several_cpus()) skip("one CPU");
  const auto before = books();
  for (int i = 0; i != 20; ++i) {
    Guest guest(guest_code());
    guest.reset(GUEST(spin));
    Worker carrier({.cpu = CpuId(1)});
    carrier.run(&run_until_gone, guest.context().raw());
    await(carrier, 1);
    for (int wait = i * 200; wait != 0; --wait) __builtin_ia32_pause();
    end(guest);
    carrier.join_returned();
    CHECK_EQ(carrier.start().shared[1].load(), 1u);
  }
  check_books(before);
}
}  // namespace

TEST("GONE: context_stop from another CPU") {
  ends_elsewhere([](Guest& g) { CHECK_OK(abi::calls::context_stop(g.context())); });
}
TEST("GONE: the context is destroyed from another CPU") {
  ends_elsewhere([](Guest& g) { g.drop_context(); });
}
TEST("GONE: the address space is destroyed from another CPU") {
  ends_elsewhere([](Guest& g) { g.drop_space(); });
}
TEST("GONE: the pages of the frame are freed from another CPU") {
  ends_elsewhere([](Guest& g) { g.drop_area(); });
}
TEST("GONE: the capability that the carrier runs it by is revoked; another one still runs it") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  for (int i = 0; i != 20; ++i) {
    const auto derived =
        need(abi::calls::cap_derive(guest.context(), core::cap::kAllRights.without(core::cap::Right::Once)));
    guest.reset(GUEST(spin));
    Worker carrier({.cpu = CpuId(1)});
    carrier.run(&run_until_gone, derived.raw());
    await(carrier, 1);
    CHECK_OK(abi::calls::cap_revoke(derived));
    carrier.join_returned();
    CHECK_FAILS(abi::calls::context_run(derived, abi::kNever, 0), Error::Stale);
    CHECK(guest.faults(kInvalidOpcode, GUEST(ud2)));
  }
}

TEST("what is gone stays gone: no run, no memory lost") {
  const auto before = books();
  {
    Guest guest(guest_code());
    CHECK_OK(abi::calls::context_stop(guest.context()));
    CHECK_FAILS(guest.run(), Error::Gone);
    guest.drop_area();
    CHECK_FAILS(guest.run(), Error::Gone);
  }
  {
    Guest guest(guest_code());
    guest.drop_space();
    CHECK_FAILS(guest.run(), Error::Gone);
  }
  {
    Guest guest(guest_code());
    guest.drop_area();
    CHECK_FAILS(guest.run(), Error::Gone);
  }
  check_books(before);
}

TEST("BATCH: calls of the ring are done before the run; a failing one keeps the program from running") {
  Guest guest(guest_code());
  static abi::Cap<abi::ObjectType::Pages> pages;
  pages = need(abi::calls::alloc_mem_pages(core::PageCount(2), {}));
  Worker carrier;
  guest.reset(GUEST(load));
  guest.frame().rax = 0x9000;
  carrier.run(
      [](Start& s) {
        Guest& program = guest_of(s);
        auto& ring = s.ring->entries;
        const auto map =
            abi::calls::encode_map_pages(program.space(), pages, core::VirtAddr(0x9000), core::PageCount(0),
                                         core::PageCount(1), libos::rt::kReadWrite);
        ring[0] = abi::calls::encode_null();
        ring[1] = map;
        auto stop = need(program.run(abi::kNever, 2));
        if (stop == Stop::Preempted) stop = need(program.run_on());
        CHECK_EQ(stop, Stop::Syscall);
        CHECK_EQ(ring[1].status, 0u);
        // Again: the page is there already, so the batch fails at the second entry, and nothing runs.
        program.reset(GUEST(count));
        program.data<std::uint64_t>()[0] = 0;
        ring[2] = abi::calls::encode_null();
        ring[2].status = 77;
        CHECK_EQ(need(program.run(in(2), 3)), Stop::Batch);
        CHECK_EQ(ring[0].status, 0u);
        CHECK_EQ(ring[1].status, static_cast<std::uint32_t>(Error::Mapped));
        CHECK_EQ(ring[2].status, 77u);
        CHECK_EQ(program.data<std::uint64_t>()[0], 0u);
        CHECK_FAILS(program.run(abi::kNever, 65), Error::BadArgument);
        CHECK_FAILS(program.run(abi::kNever, ~std::uint64_t{0}), Error::BadArgument);
      },
      as_argument(guest));
  carrier.join_returned();
  need(abi::calls::cap_drop(pages));
}

TEST("BATCH: it may end what is to be run") {
  for (int i = 0; i != 10; ++i) {
    Guest guest(guest_code());
    guest.reset(GUEST(spin));
    Worker carrier;
    carrier.run(
        [](Start& s) {
          s.ring->entries[0] = abi::calls::encode_cap_drop(guest_of(s).context());
          const auto stop = guest_of(s).run(abi::kNever, 1);
          CHECK(!stop || *stop == Stop::Gone);
        },
        as_argument(guest));
    carrier.join_returned();
  }
}

TEST("BATCH: one that has to end early says so, and where it ended") {
  static Guest* shared_guest;
  static ContextCap by;
  Guest guest(guest_code());
  shared_guest = &guest;
  Worker inner({.slice = false});
  by = need(abi::calls::cap_derive(inner.context(), core::cap::kAllRights.without(core::cap::Right::Once)));
  inner.run([](Start& s) {
    auto& ring = s.ring->entries;
    ring[0] = abi::calls::encode_cap_drop(by);  // by which it runs itself: it stops
    ring[1] = ring[2] = abi::calls::encode_null();
    ring[1].status = ring[2].status = 77;
    const auto stop = shared_guest->run(abi::kNever, 3);
    s.shared[0].store(stop ? 100 + static_cast<std::uint64_t>(*stop)
                           : static_cast<std::uint64_t>(stop.error()));
  });
  auto stop = Stop::Preempted;  // where this CPU was away, the slice may end before the batch begins
  while (stop == Stop::Preempted) stop = need(abi::calls::context_run(by, abi::kNever, 0));
  CHECK_EQ(stop, Stop::Gone);
  while (inner.start().phase.load() != 2) {
    if (!CHECK_OK(abi::calls::context_run(inner.context(), abi::kNever, 0))) break;
  }
  CHECK_EQ(inner.start().shared[0].load(), 100 + static_cast<std::uint64_t>(Stop::Batch));
  const auto& ring = inner.start().ring->entries;
  CHECK_EQ(ring[0].status, 0u);
  CHECK_EQ(ring[1].status, static_cast<std::uint32_t>(Error::Interrupted));
  CHECK_EQ(ring[2].status, 77u);
  shared_guest = nullptr;
}

TEST("HALTED: a native context that waits or stops itself gives the time back") {
  Worker native({.slice = false});
  static EventCap event;
  event = make_event();
  native.run([](Start& s) {
    s.shared[0].store(1);
    CHECK_OK(abi::calls::event_wait(event, abi::EventBits(1), abi::kNever));
    s.shared[0].store(2);
  });
  const auto run = [&] {
    for (;;) {
      const auto stop = abi::calls::context_run(native.context(), abi::kNever, 0);
      if (!stop || *stop != Stop::Preempted) return stop;
    }
  };
  CHECK_EQ(need(run()), Stop::Halted);
  CHECK_EQ(native.start().shared[0].load(), 1u);
  CHECK_EQ(need(run()), Stop::Halted);
  need(abi::calls::event_deliver(event, abi::EventBits(1)));
  const auto stop = run();
  CHECK(stop && (*stop == Stop::Halted || *stop == Stop::Gone));
  CHECK_EQ(native.start().shared[0].load(), 2u);
  CHECK_EQ(native.start().phase.load(), 2u);
  CHECK_FAILS(run(), Error::Gone);
  need(abi::calls::cap_drop(event));
}

TEST("a native context that faults under a carrier is a FAULT with vector and address") {
  Worker native({.slice = false});
  native.run([](Start&) { *reinterpret_cast<volatile int*>(0x1234000) = 1; });
  const auto stop = abi::calls::context_run(native.context(), abi::kNever, 0);
  CHECK_EQ(need(stop), Stop::Fault);
  CHECK_EQ(need(abi::calls::context_query(native.context(), 3)), 0x1234000u);
}

namespace {
constexpr unsigned kNested = 5;
Worker* chain[kNested];
}  // namespace

TEST("nesting: four levels run, the fifth is TooDeep") {
  // chain[0] has a slice; each runs the next: levels 1 to 4 are chain[1] to chain[4].
  Guest guest(guest_code());
  Worker a, b({.slice = false}), c({.slice = false}), d({.slice = false}), e({.slice = false});
  Worker* all[] = {&a, &b, &c, &d, &e};
  for (unsigned i = 0; i != kNested; ++i) chain[i] = all[i];
  e.run(
      [](Start& s) {
        const auto stop = guest_of(s).run();
        s.shared[0].store(stop ? 100 : static_cast<std::uint64_t>(stop.error()));
      },
      as_argument(guest));
  for (unsigned i = 4; i-- != 0;) {
    all[i]->run(
        [](Start& s) {
          for (;;) {
            const auto stop = abi::calls::context_run(chain[s.argument + 1]->context(), abi::kNever, 0);
            if (stop && (*stop == Stop::Preempted || *stop == Stop::Interrupted)) continue;
            s.shared[0].store(stop ? 100 + static_cast<std::uint64_t>(*stop)
                                   : static_cast<std::uint64_t>(stop.error()));
            return;
          }
        },
        i);
  }
  a.join_returned();
  CHECK_EQ(e.start().shared[0].load(), static_cast<std::uint64_t>(Error::TooDeep));
  CHECK_EQ(d.start().phase.load(), 2u);
}

TEST("INTERRUPTED: a stop for an outer level ends the inner runs") {
  Worker a, b({.slice = false}), c({.slice = false});
  Worker* all[] = {&a, &b, &c};
  for (unsigned i = 0; i != 3; ++i) chain[i] = all[i];
  c.run([](Start&) {
    for (;;) __builtin_ia32_pause();
  });
  b.run([](Start& s) {
    for (int i = 0; i != 3;) {
      const auto stop = abi::calls::context_run(chain[2]->context(), abi::kNever, 0);
      if (stop && *stop == Stop::Interrupted) ++i;
      if (!CHECK(stop && (*stop == Stop::Interrupted || *stop == Stop::Preempted))) return;
    }
    s.shared[0].store(1);
  });
  a.run([](Start& s) {
    for (;;) {
      const auto stop = abi::calls::context_run(chain[1]->context(), in(1), 0);
      if (!CHECK_OK(stop)) return;
      if (*stop == Stop::Deadline) s.shared[1].fetch_add(1);
      if (chain[1]->start().phase.load() == 2) return;
      if (!CHECK(*stop == Stop::Deadline || *stop == Stop::Preempted || *stop == Stop::Halted ||
                 *stop == Stop::Gone))
        return;
    }
  });
  a.join_returned();
  CHECK_EQ(b.start().shared[0].load(), 1u);
}

TEST("BUSY: two CPUs run one context; exactly one has it") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  guest.reset(GUEST(count));
  guest.data<std::uint64_t>()[0] = 0;
  Worker one({.cpu = CpuId(0)}), two({.cpu = CpuId(1)});
  const auto body = [](Start& s) {
    for (int i = 0; i != 3000; ++i) {
      const auto stop = guest_of(s).run(in(0));
      if (stop) {
        s.shared[1].fetch_add(1);
        CHECK(*stop == Stop::Deadline || *stop == Stop::Preempted);
      } else {
        s.shared[2].fetch_add(1);
        if (!CHECK_EQ(stop.error(), Error::Busy)) return;
      }
    }
  };
  one.run(body, as_argument(guest));
  two.run(body, as_argument(guest));
  one.join_returned();
  two.join_returned();
  CHECK(one.start().shared[1].load() + two.start().shared[1].load() > 0);
}

TEST("a context cannot run itself, its caller, or one with slices of its own") {
  Worker worker, other;
  static ContextCap self, slicer;
  self = worker.context();
  slicer = other.context();
  other.run([](Start&) {
    for (;;) __builtin_ia32_pause();
  });
  worker.run([](Start&) {
    CHECK_FAILS(abi::calls::context_run(self, abi::kNever, 0), Error::Busy);
    CHECK_FAILS(abi::calls::context_run(slicer, abi::kNever, 0), Error::Busy);
  });
  worker.join_returned();
  other.stop();
}

TEST("frame validation: rip and bases outside the user half are refused, whatever comes") {
  Guest guest(guest_code());
  auto& f = guest.frame();
  constexpr std::uint64_t kBad[] = {0x8000'0000'0000,      0x7fff'ffff'f000,      0x7fff'ffff'ffff,
                                    0xffff'8000'0000'0000, 0xffff'ffff'8010'0000, 0xffff'ffff'ffff'ffff,
                                    0x8000'0000'0000'0000, 0x0001'0000'0000'0000};
  for (const auto bad : kBad) {
    guest.reset(GUEST(call));
    f.rip = bad;
    CHECK_FAILS(guest.run(), Error::BadAddress);
    guest.reset(GUEST(call));
    REQUIRE(need(guest.run_on()) == Stop::Syscall);
    f.rip = bad;  // now it would be sysret
    CHECK_FAILS(guest.run(), Error::BadAddress);
    f.rip = kGuestCode + GUEST(call);
    if (bad >= 0x8000'0000'0000) {
      f.fs_base = bad;
      CHECK_FAILS(guest.run(), Error::BadAddress);
      f.fs_base = 0;
      f.gs_base = bad;
      CHECK_FAILS(guest.run(), Error::BadAddress);
      f.gs_base = 0;
    }
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  }
}

TEST("frame validation: each reserved or privileged flag is masked, by iret and by sysret") {
  Guest guest(guest_code());
  auto& f = guest.frame();
  // CF PF AF ZF SF TF DF OF NT RF AC ID may be the program's (Intel SDM 1, 3.4.3).
  constexpr std::uint64_t kNever = ~std::uint64_t{0x2'54dd5} & ~std::uint64_t{0x20'0000 | 2};
  for (unsigned bit = 0; bit != 64; ++bit) {
    if (bit == 8) continue;  // TF has a test of its own
    for (const bool by_call : {false, true}) {
      guest.reset(by_call ? GUEST(call) : GUEST(flags_fault) + 0);
      if (by_call) {
        REQUIRE(need(guest.run_on()) == Stop::Syscall);
      } else {
        f.rip = kGuestCode + GUEST(ud2);
      }
      f.rflags = std::uint64_t{1} << bit;
      const auto stop = need(guest.run_on());
      CHECK_EQ(stop, by_call ? Stop::Syscall : Stop::Fault);
      CHECK((f.rflags & 0x200) != 0);  // interrupts stay on
      CHECK_EQ(f.rflags & 0x3000, 0u);
      CHECK_EQ(f.rflags & kNever & ~std::uint64_t{0x200}, 0u);
    }
  }
}

TEST("frame validation: another CPU writes garbage into the frame while the program runs and stops") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  static std::atomic<bool> stop_it;
  stop_it.store(false);
  Worker hostile({.cpu = CpuId(1)});
  hostile.run(
      [](Start& s) {
        Random random(7);
        auto* words = reinterpret_cast<volatile std::uint64_t*>(&guest_of(s).frame());
        constexpr std::uint64_t kNasty[] = {
            ~std::uint64_t{0}, 0x8000'0000'0000, 0xffff'ffff'8010'0000, 0x7fff'ffff'ffff, 0,
            0x10000,           0x30000};
        while (!stop_it.load()) {
          for (unsigned i = 0; i != 32; ++i) words[random.below(24)] = kNasty[random.below(7)];
        }
      },
      as_argument(guest));
  for (std::uint64_t i = 0; i != kRounds; ++i) {
    guest.reset(i % 3 == 0 ? GUEST(spin) : i % 3 == 1 ? GUEST(call) : GUEST(random_walk));
    for (int again = 0; again != 3; ++again) static_cast<void>(guest.run(now() + Nanoseconds(20'000)));
  }
  // Programs that are interrupted and go on: the kernel reads the frame again.
  for (int i = 0; i != 200; ++i) {
    guest.reset(GUEST(spin));
    static_cast<void>(guest.run(in(1)));
  }
  stop_it.store(true);
  hostile.join_returned();
  CHECK(guest.faults(kInvalidOpcode, GUEST(ud2)));
}

TEST("registers that a caller sees after a call hold nothing but its result") {
  Guest guest(guest_code());
  guest.reset(GUEST(call));
  auto* words = &guest.frame().rax;
  for (unsigned r = 0; r != 16; ++r) words[r] = 0xfeed'0000'0000 + r;
  guest.frame().rsp = kGuestStack;
  for (int i = 0; i != 100; ++i) {
    // In: rdi. Out: rax, rbx, rcx, rdx, rsi, rdi, r8 to r15.
    std::uint64_t seen[14] = {};
    std::uint64_t* out = seen;
    std::uint64_t handle = guest.context().raw();
    asm volatile(
        "pushq %%rax\n\tmovl $33, %%eax\n\tmovq $-1, %%rsi\n\txorl %%edx, %%edx\n\tmovl $8, %%r8d\n\tmovl $9, %%r9d\n\t"
        "movl $10, %%r10d\n\tsyscall\n\tpushq %%rax\n\tmovq 8(%%rsp), %%rax\n\tpopq (%%rax)\n\tmovq %%rbx, 8(%%rax)\n\t"
        "movq %%rcx, 16(%%rax)\n\tmovq %%rdx, 24(%%rax)\n\tmovq %%rsi, 32(%%rax)\n\tmovq %%rdi, 40(%%rax)\n\t"
        "movq %%r8, 48(%%rax)\n\tmovq %%r9, 56(%%rax)\n\tmovq %%r10, 64(%%rax)\n\tmovq %%r11, 72(%%rax)\n\t"
        "movq %%r12, 80(%%rax)\n\tmovq %%r13, 88(%%rax)\n\tmovq %%r14, 96(%%rax)\n\tmovq %%r15, 104(%%rax)\n\tpopq %%rax"
        : "+a"(out), "+D"(handle)
        :
        : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    CHECK_EQ(seen[0], 0u);
    CHECK(seen[3] == 0 || seen[3] == static_cast<std::uint64_t>(Stop::Preempted));
    CHECK(seen[2] < core::kUserEnd);
    CHECK(seen[9] < 0x40'0000);
    // The call keeps rsp and rbp only; in the others is what the program had, or the carrier, but nothing of the kernel's.
    for (const auto value : seen) CHECK(value < 0xffff'8000'0000'0000);
  }
}

TEST("yield is a success whatever the call before it was") {
  const auto event = make_event();
  for (int i = 0; i != 10; ++i) {
    CHECK_FAILS(abi::calls::event_wait(event, abi::EventBits(1), in(0)), Error::TimedOut);
    CHECK_OK(abi::calls::yield());
  }
  need(abi::calls::cap_drop(event));
}
