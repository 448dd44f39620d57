// Vector state and bases: kept for whom they belong to, seen by nobody else (DESIGN §6; CAP laws' isolation).
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/guests.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"

using namespace fb;
using namespace fb::test;
using abi::Stop;
using core::CpuId;
using core::Error;

namespace {

constexpr std::uint64_t kSaved = 0x800, kYmm = 0xa00;  // in the guest's data, see guests.S

bool several_cpus() { return libos::rt::environment().cpus > 1; }

bool has_avx() {
  std::uint32_t a = 1, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (c >> 28 & 1) != 0 && (c >> 27 & 1) != 0;
}

/// What fill_vector loads, from a seed.
void prepare(Guest& guest, std::uint64_t seed) {
  Random random(seed);
  auto* words = guest.data<std::uint64_t>();
  for (unsigned i = 0; i != 32; ++i) words[i] = random();
  auto* bytes = guest.data<unsigned char>();
  const std::uint32_t mxcsr = 0x1f80 | static_cast<std::uint32_t>(seed % 4) << 13;
  __builtin_memcpy(bytes + 0x100, &mxcsr, 4);
  words[0x108 / 8] = has_avx() ? 1 : 0;
  for (unsigned i = 0x110 / 8; i != 0x150 / 8; ++i) words[i] = random();
  std::fill_n(bytes + kSaved, 0x400, static_cast<unsigned char>(0xcc));
  guest.reset(GUEST(fill_vector));
}

/// Its bases are at the words 64 and 65 of its data.
void aim_bases(Guest& guest) {
  guest.frame().fs_base = kGuestData + 0x200;
  guest.frame().gs_base = kGuestData + 0x208;
}

/// The registers that the guest stored are those of its seed.
bool kept(Guest& guest, Where where = Where::current()) {
  const auto* words = guest.data<std::uint64_t>();
  const auto* bytes = guest.data<unsigned char>();
  bool same = true;
  for (unsigned i = 0; i != 32; ++i) {
    // xmm3 and xmm12 were loaded again, as halves of ymm.
    const unsigned reg = i / 2;
    std::uint64_t expected = words[i];
    if (has_avx() && reg == 3) expected = words[(0x110 + (i % 2) * 8) / 8];
    if (has_avx() && reg == 12) expected = words[(0x130 + (i % 2) * 8) / 8];
    same = same && words[(kSaved + 160) / 8 + i] == expected;
  }
  std::uint32_t mxcsr, asked;
  __builtin_memcpy(&mxcsr, bytes + kSaved + 24, 4);
  __builtin_memcpy(&asked, bytes + 0x100, 4);
  same = same && mxcsr == asked;
  if (has_avx()) {
    for (unsigned i = 0; i != 8; ++i) same = same && words[kYmm / 8 + i] == words[0x110 / 8 + i];
  }
  return check(same, "the vector registers are as they were", where);
}

/// The registers that the guest stored are those of a new context.
bool initial(Guest& guest, Where where = Where::current()) {
  const auto* words = guest.data<std::uint64_t>();
  bool clean = true;
  for (unsigned i = 0; i != 32; ++i) clean = clean && words[(kSaved + 160) / 8 + i] == 0;
  std::uint32_t mxcsr;
  __builtin_memcpy(&mxcsr, guest.data<unsigned char>() + kSaved + 24, 4);
  for (unsigned i = 0; i != 8 && has_avx(); ++i) clean = clean && words[kYmm / 8 + i] == 0;
  return check(clean && mxcsr == 0x1f80, "the vector registers are those of a new context", where);
}

void store_only(Guest& guest) {
  std::fill_n(guest.data<unsigned char>() + kSaved, 0x400, static_cast<unsigned char>(0xcc));
  guest.data<std::uint64_t>()[0x108 / 8] = has_avx() ? 1 : 0;
  guest.reset(GUEST(store_only));
}

/// In a native context: loads or stores sixteen registers. Assembly, so that no compiler uses them for itself.
extern "C" void fill_xmm(std::uint64_t pattern);
extern "C" std::uint64_t or_of_xmm();

}  // namespace

asm(R"(
  .text
  .globl fill_xmm, or_of_xmm
fill_xmm:
  movq %rdi, %xmm0
  punpcklqdq %xmm0, %xmm0
  movdqa %xmm0, %xmm1
  movdqa %xmm0, %xmm7
  movdqa %xmm0, %xmm15
  ret
or_of_xmm:
  por %xmm1, %xmm0
  por %xmm2, %xmm0
  por %xmm3, %xmm0
  por %xmm4, %xmm0
  por %xmm5, %xmm0
  por %xmm6, %xmm0
  por %xmm7, %xmm0
  por %xmm8, %xmm0
  por %xmm9, %xmm0
  por %xmm10, %xmm0
  por %xmm11, %xmm0
  por %xmm12, %xmm0
  por %xmm13, %xmm0
  por %xmm14, %xmm0
  por %xmm15, %xmm0
  movq %xmm0, %rax
  psrldq $8, %xmm0
  movq %xmm0, %rcx
  orq %rcx, %rax
  ret
)");

TEST("a new context has the initial state") {
  Guest guest(guest_code());
  store_only(guest);
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  initial(guest);
}

TEST("three programs on one CPU: each keeps its registers across the others") {
  Guest a(guest_code()), b(guest_code()), c(guest_code());
  Guest* all[] = {&a, &b, &c};
  for (std::uint64_t round = 0; round != 100; ++round) {
    for (unsigned i = 0; i != 3; ++i) {
      prepare(*all[i], round * 3 + i + 1);
      CHECK_EQ(need(all[i]->run_on()), Stop::Syscall);
    }
    for (auto* guest : all) {
      CHECK_EQ(need(guest->run_on()), Stop::Syscall);
      if (!kept(*guest)) return;
    }
  }
}

TEST("registers stay live across a call that the carrier serves, and across its yield") {
  Guest guest(guest_code());
  for (std::uint64_t round = 0; round != 100; ++round) {
    prepare(guest, round + 1);
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    if (round % 2 == 1) CHECK_OK(abi::calls::yield());
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    if (!kept(guest)) return;
  }
}

TEST("a program moves to another CPU while its registers are live on the first") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  Worker there({.cpu = CpuId(1)});
  for (std::uint64_t round = 0; round != 100; ++round) {
    prepare(guest, round + 1);
    const auto body = [](Start& s) { CHECK_EQ(need(guest_of(s).run_on()), Stop::Syscall); };
    if (round % 2 == 0) {
      CHECK_EQ(need(guest.run_on()), Stop::Syscall);  // filled here, looked at there
      there.run(body, as_argument(guest));
      there.join_returned();
    } else {
      there.run(body, as_argument(guest));
      there.join_returned();
      CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    }
    if (!kept(guest)) return;
  }
}

TEST("a reflecting context without VECTOR neither sees nor disturbs the registers of one with it") {
  Guest with(guest_code()), without(guest_code(), kReflecting);
  for (std::uint64_t round = 0; round != 20; ++round) {
    prepare(with, round + 1);
    CHECK_EQ(need(with.run_on()), Stop::Syscall);
    store_only(without);
    CHECK_EQ(need(without.run_on()), Stop::Syscall);
    initial(without);
    prepare(without, round + 1000);
    CHECK_EQ(need(without.run_on()), Stop::Syscall);
    CHECK_EQ(need(with.run_on()), Stop::Syscall);
    if (!kept(with)) return;
  }
}

TEST("two reflecting contexts without VECTOR do not see each other's registers") {
  Guest a(guest_code(), kReflecting), b(guest_code(), kReflecting);
  prepare(a, 77);
  CHECK_EQ(need(a.run_on()), Stop::Syscall);
  store_only(b);
  CHECK_EQ(need(b.run_on()), Stop::Syscall);
  initial(b);
}

namespace {
void fill_native(Start& s) { fill_xmm(s.argument); }
void look_native(Start& s) { s.shared[0].store(or_of_xmm()); }
}  // namespace

TEST("a domain does not see what another left in the registers, on any CPU") {
  for (std::uint64_t cpu = 0; cpu != libos::rt::environment().cpus; ++cpu) {
    Child one, two;
    for (int i = 0; i != 10; ++i) {
      Worker a({.cpu = CpuId(static_cast<std::uint32_t>(cpu)), .child = &one}),
          b({.cpu = CpuId(static_cast<std::uint32_t>(cpu)), .child = &two});
      a.run(&fill_native, 0xabcd'ef01'2345'6789);
      a.join_returned();
      b.run(&look_native);
      b.join_returned();
      if (!CHECK_EQ(b.start().shared[0].load(), 0u)) return;
    }
  }
}

TEST("a domain that takes the place of a dead one does not see its registers") {
  // On a CPU where nobody else runs between, with the storage of the dead domain used again.
  const auto cpu = CpuId(several_cpus() ? 1 : 0);
  for (int i = 0; i != 10; ++i) {
    {
      Child one;
      Worker a({.cpu = cpu, .child = &one});
      a.run(&fill_native, 0xabcd'ef01'2345'6789);
      a.join_returned();
    }
    Child two;
    Worker b({.cpu = cpu, .child = &two});
    b.run(&look_native);
    b.join_returned();
    if (!CHECK_EQ(b.start().shared[0].load(), 0u)) return;
  }
}

TEST("a native context without VECTOR in another domain starts clean after a program of this one") {
  Guest guest(guest_code());
  Child child;
  for (std::uint64_t i = 0; i != 10; ++i) {
    prepare(guest, i + 1);
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    Worker other({.child = &child});
    other.run([](Start& s) {
      s.shared[0].store(or_of_xmm());
      fill_xmm(~std::uint64_t{0});
    });
    other.join_returned();
    CHECK_EQ(other.start().shared[0].load(), 0u);
    CHECK_EQ(need(guest.run_on()), Stop::Syscall);
    if (!kept(guest)) return;
  }
}

TEST("native contexts with VECTOR keep their registers across each other's slices") {
  Worker a({.flags = abi::ContextFlag::Vector}), b({.flags = abi::ContextFlag::Vector});
  const auto body = [](Start& s) {
    for (std::uint64_t i = 0; i != 200; ++i) {
      fill_xmm(s.argument + (i << 32));
      CHECK_OK(abi::calls::yield());
      if (!CHECK_EQ(or_of_xmm(), s.argument + (i << 32))) return;
    }
  };
  a.run(body, 0x1111);
  b.run(body, 0x2222);
  a.join_returned();
  b.join_returned();
}

TEST(
    "FS and GS bases are the frame's, each program's own, and a selector load of one does not reach another") {
  Guest a(guest_code()), b(guest_code());
  for (auto* guest : {&a, &b}) {
    auto* words = guest->data<std::uint64_t>();
    const std::uint64_t own = guest == &a ? 0xa000 : 0xb000;
    words[64] = own + 1, words[65] = own + 2;
    guest->reset(GUEST(bases));
    aim_bases(*guest);
  }
  const auto look = [](Guest& guest, std::uint64_t own) {
    const auto stop = need(guest.run_on());
    if (!CHECK_EQ(stop, Stop::Syscall)) return false;
    return CHECK_EQ(guest.frame().rax, own + 1) && CHECK_EQ(guest.frame().rbx, own + 2);
  };
  Guest loader(guest_code());
  for (int i = 0; i != 50; ++i) {
    if (!look(a, 0xa000) || !look(b, 0xb000)) return;
    loader.reset(GUEST(load_fs_user));
    aim_bases(loader);
    CHECK_EQ(need(loader.run_on()), Stop::Syscall);
    // The next program finds neither the dropped bases nor the selectors.
    if (!look(a, 0xa000)) return;
    Guest& next = i % 2 == 0 ? b : a;
    const auto saved = next.frame();
    next.frame().rip = kGuestCode + GUEST(selectors);
    CHECK_EQ(need(next.run_on()), Stop::Syscall);
    CHECK_EQ((next.frame().rax | next.frame().rbx) & 0xffff, 0u);
    next.frame() = saved;
  }
}

TEST("wrfsbase and wrgsbase of one program do not reach another") {
  Guest a(guest_code()), b(guest_code());
  b.data<std::uint64_t>()[64] = 0xb001;
  b.data<std::uint64_t>()[65] = 0xb002;
  for (const auto offset : {GUEST(wrfsbase), GUEST(wrgsbase)}) {
    a.reset(offset);
    aim_bases(a);
    a.frame().rax = 0x1234'5000;
    const auto stop = need(a.run_on());
    CHECK(stop == Stop::Syscall || (stop == Stop::Fault && a.frame().vector == kInvalidOpcode));
    b.reset(GUEST(bases));
    aim_bases(b);
    CHECK_EQ(need(b.run_on()), Stop::Syscall);
    CHECK_EQ(b.frame().rax, 0xb001u);
    CHECK_EQ(b.frame().rbx, 0xb002u);
  }
}

TEST("context_vector: out and in, and the program has what was put in") {
  Guest guest(guest_code());
  const auto size = need(abi::calls::machine_info(abi::Info::VectorBytes));
  const auto memory = need(libos::rt::allocate(core::PageCount(2)));
  auto* bytes = memory.mapping.as<unsigned char>();
  prepare(guest, 5);
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  const core::ByteCount at(64);
  CHECK_OK(abi::calls::context_vector(guest.context(), memory.pages.get(), at, 0));
  std::uint64_t first;
  __builtin_memcpy(&first, bytes + 64 + 160, 8);
  CHECK_EQ(first, guest.data<std::uint64_t>()[0]);
  // Two registers swapped from outside, and back in.
  first = 0x5555'6666'7777'8888;
  __builtin_memcpy(bytes + 64 + 160, &first, 8);
  CHECK_OK(abi::calls::context_vector(guest.context(), memory.pages.get(), at, 1));
  CHECK_EQ(need(guest.run_on()), Stop::Syscall);
  CHECK_EQ(guest.data<std::uint64_t>()[(kSaved + 160) / 8], first);
  CHECK_FAILS(abi::calls::context_vector(guest.context(), memory.pages.get(), at, 2), Error::BadArgument);
  for (const std::uint64_t bad : {2 * core::kPageSize, 2 * core::kPageSize - size + 1, ~std::uint64_t{0},
                                  ~std::uint64_t{0} - size + 1}) {
    CHECK_FAILS(abi::calls::context_vector(guest.context(), memory.pages.get(), core::ByteCount(bad), 0),
                Error::BadRange);
    CHECK_FAILS(abi::calls::context_vector(guest.context(), memory.pages.get(), core::ByteCount(bad), 1),
                Error::BadRange);
  }
  CHECK_OK(abi::calls::context_vector(guest.context(), memory.pages.get(),
                                      core::ByteCount(2 * core::kPageSize - size), 0));
  Guest plain(guest_code(), kReflecting);
  CHECK_FAILS(abi::calls::context_vector(plain.context(), memory.pages.get(), at, 0), Error::NotReady);
}

TEST("context_vector in: hostile headers are BadFormat or masked, never a fault of the kernel") {
  Guest guest(guest_code());
  const auto memory = need(libos::rt::allocate(core::PageCount(1)));
  auto* bytes = memory.mapping.as<unsigned char>();
  auto* words = memory.mapping.as<std::uint64_t>();
  const core::ByteCount at(0);
  const auto put = [&] { return abi::calls::context_vector(guest.context(), memory.pages.get(), at, 1); };
  const auto fresh = [&] {
    REQUIRE(abi::calls::context_vector(guest.context(), memory.pages.get(), at, 0).has_value());
  };
  const auto runs = [&] {
    store_only(guest);
    return guest.run_on() == core::Result<Stop>(Stop::Syscall);
  };
  CHECK(runs());
  unsigned known = 0;
  for (unsigned bit = 0; bit != 64; ++bit) {  // XSTATE_BV
    fresh();
    words[64] = std::uint64_t{1} << bit;
    const auto result = put();
    if (result) ++known;
    CHECK(result || result.error() == Error::BadFormat);
    CHECK(runs());
  }
  CHECK(known >= 2 && known < 12);
  for (unsigned bit = 0; bit != 64; ++bit) {  // XCOMP_BV
    fresh();
    words[65] = std::uint64_t{1} << bit;
    CHECK_FAILS(put(), Error::BadFormat);
    CHECK(runs());
  }
  for (unsigned byte = 528; byte != 576; ++byte) {
    fresh();
    bytes[byte] = 0x80;
    CHECK_FAILS(put(), Error::BadFormat);
    CHECK(runs());
  }
  for (unsigned bit = 0; bit != 32; ++bit) {  // MXCSR
    fresh();
    words[64] = 7;
    const std::uint32_t mxcsr = 1U << bit;
    __builtin_memcpy(bytes + 24, &mxcsr, 4);
    const auto result = put();
    CHECK(result || result.error() == Error::BadFormat);
    CHECK(runs());
  }
  Random random(9);
  for (int i = 0; i != 300; ++i) {
    for (unsigned w = 0; w != 512; ++w) words[w] = random();
    for (unsigned w = 64; w != 72 && i % 2 == 0; ++w) words[w] = w == 64 ? random.below(8) : 0;
    (void)put();
    store_only(guest);
    CHECK_OK(guest.run_on());
  }
}

TEST("context_vector in: the header changes on another CPU meanwhile") {
  if (!several_cpus()) skip("one CPU");
  Guest guest(guest_code());
  const auto memory = need(libos::rt::allocate(core::PageCount(1)));
  static volatile std::uint64_t* header;
  static std::atomic<bool> stop_it;
  header = memory.mapping.as<std::uint64_t>() + 64;
  stop_it.store(false);
  Worker hostile({.cpu = CpuId(1)});
  hostile.run([](Start&) {
    while (!stop_it.load()) {
      for (const bool good : {false, true}) {
        header[0] = good ? 7 : ~std::uint64_t{0};
        header[1] = good ? 0 : ~std::uint64_t{0};
        header[-61] = good ? 0x1f80 : ~std::uint64_t{0};  // MXCSR
      }
    }
  });
  for (int i = 0; i != 3000; ++i) {
    const auto result =
        abi::calls::context_vector(guest.context(), memory.pages.get(), core::ByteCount(0), 1);
    CHECK(result || result.error() == Error::BadFormat);
    store_only(guest);
    if (!CHECK_OK(guest.run_on())) break;
  }
  stop_it.store(true);
  hostile.join_returned();
}
