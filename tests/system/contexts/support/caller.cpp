#include "tests/system/contexts/support/caller.hpp"

#include "libos/rt/environment.hpp"

namespace fb::test {
namespace {

using core::cap::Right;
using core::cap::Rights;

/// Arguments of a call, one letter each; then what the result is. Types: D domain, S space, P pages, X context, G gate,
/// E event, T timer, V device, A operation, B budget, * any. m rights, M authorities, a address, o offset, n count, c
/// access, f flags, w word, b bit, B budget, t deadline, u CPU, s slot, i small number.
struct Row {
  std::uint8_t number;
  const char* arguments;
  char result;
  std::uint8_t weight;
};
constexpr Row kRows[] = {{EXO_CALL_NULL, "", '-', 1},
                         {EXO_CALL_CAP_CHECK, "*m", '-', 2},
                         {EXO_CALL_CAP_QUERY, "*", '-', 2},
                         {EXO_CALL_CAP_DERIVE, "*mZ", '=', 8},
                         {EXO_CALL_CAP_REVOKE, "*", '-', 3},
                         {EXO_CALL_CAP_DROP, "*", '-', 5},
                         {EXO_CALL_ALLOC_MEM_PAGES, "nf", 'P', 5},
                         {EXO_CALL_FREE_MEM_PAGES, "P", '-', 2},
                         {EXO_CALL_ADDRESS_SPACE_CREATE, "", 'S', 2},
                         {EXO_CALL_MAP_PAGES, "SPaonc", '-', 8},
                         {EXO_CALL_UNMAP_PAGES, "San", '-', 4},
                         {EXO_CALL_PROTECT_PAGES, "Sanc", '-', 4},
                         {EXO_CALL_QUERY_PAGES, "San", '-', 2},
                         {EXO_CALL_TRANSFER_DATA, "", '-', 3},
                         {EXO_CALL_DOMAIN_CREATE, "BM", 'D', 2},
                         {EXO_CALL_BUDGET_CREATE, "Bn", 'B', 2},
                         {EXO_CALL_BUDGET_LEND_SLOTS, "BBuw", '-', 2},
                         {EXO_CALL_BUDGET_QUERY, "B", '-', 1},
                         {EXO_CALL_SLICE_ASSIGN, "BusX", '-', 4},
                         {EXO_CALL_ALLOC_CPU_CONTEXT, "ZSPf", 'X', 5},
                         {EXO_CALL_CONTEXT_START, "Xeqw", '-', 4},
                         {EXO_CALL_CONTEXT_STOP, "X", '-', 3},
                         {EXO_CALL_CONTEXT_RUN, "Xti", '-', 6},
                         {EXO_CALL_CONTEXT_SET_SPACE, "XS", '-', 3},
                         {EXO_CALL_CONTEXT_SET_EVENT, "XEwb", '-', 3},
                         {EXO_CALL_CONTEXT_VECTOR, "XPoi", '-', 2},
                         {EXO_CALL_CONTEXT_QUERY, "Xi", '-', 2},
                         {EXO_CALL_YIELD, "", '-', 1},
                         {EXO_CALL_EVENT_CREATE, "", 'E', 3},
                         {EXO_CALL_EVENT_DELIVER, "Ew", '-', 6},
                         {EXO_CALL_EVENT_WAIT, "Ewt", '-', 5},
                         {EXO_CALL_TIMER_CREATE, "Eb", 'T', 3},
                         {EXO_CALL_TIMER_ARM, "Ttt", '-', 5},
                         {EXO_CALL_GET_SYSTEM_TIME, "i", '-', 1},
                         {EXO_CALL_MACHINE_INFO, "i", '-', 1},
                         {EXO_CALL_GATE_CREATE, "Dew", 'G', 3},
                         {EXO_CALL_GATE_ADD_SERVER, "GXq", '-', 4},
                         {EXO_CALL_CAP_INVOKE, "Gwwwww", '-', 6},
                         {EXO_CALL_GATE_REPLY, "iwwwww", '-', 3},
                         {EXO_CALL_RECEIVE_OPEN, "i", '-', 2},
                         {EXO_CALL_DEVICE_GET_CAP, "i", 'V', 1},
                         {EXO_CALL_DEVICE_READ, "Vii", '-', 1},
                         {EXO_CALL_DEVICE_WRITE, "Viiw", '-', 1},
                         {EXO_CALL_DEVICE_BIND_INTERRUPT, "VEb", '-', 1},
                         {EXO_CALL_DEVICE_ACKNOWLEDGE, "V", '-', 1},
                         {EXO_CALL_DEVICE_DMA_SETUP, "VPii", '-', 1},
                         {EXO_CALL_DEVICE_ASYNC_TRANSFER, "V*oi", '-', 1},
                         {EXO_CALL_SUBMIT_ASYNC_OP, "iEb", 'A', 4},
                         {EXO_CALL_POLL_ASYNC_OP, "A", '-', 2},
                         {EXO_CALL_WAIT_ASYNC_OP, "At", '-', 3},
                         {EXO_CALL_CANCEL_ASYNC_OP, "A", '-', 2},
                         {EXO_CALL_COMPLETE_ASYNC_OP, "Aw", '-', 2},
                         {EXO_CALL_RING_SUBMIT, "n", '-', 3},
                         {EXO_CALL_PROGRAM_CREATE, "Po", '-', 1},
                         {EXO_CALL_PROGRAM_ATTACH, "**", '-', 1}};
constexpr unsigned kTotalWeight = [] {
  unsigned sum = 0;
  for (const auto& row : kRows) sum += row.weight;
  return sum;
}();

constexpr std::uint64_t kPlayground = 0x2000'0000'0000;

unsigned type_of(char letter) {
  switch (letter) {
    case 'D':
    case 'Z':
      return EXO_TYPE_DOMAIN;
    case 'S':
      return EXO_TYPE_ADDRESS_SPACE;
    case 'P':
      return EXO_TYPE_PAGES;
    case 'X':
      return EXO_TYPE_CONTEXT;
    case 'G':
      return EXO_TYPE_GATE;
    case 'E':
      return EXO_TYPE_EVENT;
    case 'T':
      return EXO_TYPE_TIMER;
    case 'V':
      return EXO_TYPE_DEVICE;
    case 'A':
      return EXO_TYPE_ASYNC_OP;
    case 'B':
      return EXO_TYPE_BUDGET;
    default:
      return 0;
  }
}

[[noreturn]] void secondary(std::uint64_t argument);
[[noreturn]] void gate_entry(std::uint64_t badge);

struct Maker {
  Caller& caller;
  exo_area* area;
  exo_ring* ring;
  Random random;

  std::uint64_t handle(char letter) {
    if (letter == 'Z' && random.below(3) == 0) return 0;
    auto type = type_of(letter);
    if (type == 0 || random.below(24) == 0) type = static_cast<unsigned>(1 + random.below(Pool::kTypes - 1));
    std::uint64_t raw = caller.pool.take(type, random);
    if (random.below(32) == 0) raw ^= std::uint64_t{1} << random.below(64);
    if (random.below(64) == 0) raw = random();
    return raw;
  }

  std::uint64_t wild() {
    constexpr std::uint64_t kWild[] = {0,
                                       1,
                                       ~std::uint64_t{0},
                                       0x8000'0000'0000'0000,
                                       0x8000'0000'0000,
                                       0xffff'8000'0000'0000,
                                       0x7fff'ffff'f000,
                                       0xfff,
                                       0x1000,
                                       0xffff'ffff,
                                       0x1'0000'0000,
                                       0xffff'ffff'8010'0000};
    return random.below(2) == 0 ? kWild[random.below(12)] : random() >> random.below(64);
  }

  std::uint64_t address() {
    switch (random.below(40)) {
      case 0:
        return wild();
      case 1:
        return reinterpret_cast<std::uint64_t>(area) + (random() & 0x3000);
      case 2:
        return reinterpret_cast<std::uint64_t>(&secondary) & ~core::kPageMask;
      case 3:
        return kPlayground + (random() & 0xffff'ffff);
      default:
        return kPlayground + (random.below(256) << core::kPageShift);
    }
  }

  std::uint64_t soon() {
    std::uint64_t value = 0;
    if (random.below(3) == 0) return 0;
    if (random.below(400) == 0) return EXO_NEVER;
    const std::uint64_t none[6] = {};
    (void)raw_call(EXO_CALL_GET_SYSTEM_TIME, none, 0, value);
    return value + random.below(100'000);
  }

  std::uint64_t argument(char letter) {
    if (random.below(60) == 0) return wild();
    switch (letter) {
      case 'm':
        return random.below(3) == 0 ? random() & EXO_RIGHT_ALL : EXO_RIGHT_ALL & ~EXO_RIGHT_ONCE;
      case 'M':
        return random.below(2) == 0 ? 0x3f'0000 : random() & EXO_CAP_ROOT;
      case 'a':
        return address();
      case 'o':
        return random.below(3) == 0 ? random.below(5000) : 0;
      case 'n':
        return random.below(4) == 0 ? random.below(80) : 1 + random.below(4);
      case 'c':
        return random.below(8);
      case 'f':
        return random.below(4);
      case 'w':
        return random() >> random.below(64);
      case 'b':
      case 's':
        return random.below(66);
      case 't':
        return soon();
      case 'u':
        return random.below(libos::rt::environment().cpus + 1);
      case 'i':
        return random.below(6);
      case 'e':
        return reinterpret_cast<std::uint64_t>(random.below(2) == 0 ? &secondary : &gate_entry);
      case 'q':
        return reinterpret_cast<std::uint64_t>(area) + 0x1000;  // the call ring as a stack
      default:
        return handle(letter);
    }
  }

  const Row& row() {
    if (caller.only_call != kAnyCall) {
      for (const auto& row : kRows) {
        if (row.number == caller.only_call && random.below(4) != 0) return row;
      }
    }
    auto at = static_cast<unsigned>(random.below(kTotalWeight));
    const Row* row = kRows;
    while (at >= row->weight) at -= (row++)->weight;
    return *row;
  }

  void fill_area() {
    auto& t = area->transfer;
    t = {handle('S'), handle('P'),   argument('o'),      handle('S'),
         handle('P'), argument('o'), random.below(9000), random.below(8) == 0};
    if (t.flags != 0)
      t.dst_offset = address(), t.src_offset = address(), t.count = (1 + random.below(3)) << core::kPageShift;
    area->async.word = soon();
    for (unsigned i = 0; i != 4; ++i) {
      area->message.words[i] = random();
      area->message.handles[i] = handle('*');
      area->message.masks[i] = argument('m');
    }
  }

  void fill_ring(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count && i < EXO_RING_ENTRIES; ++i) {
      const Row& r = row();
      auto& entry = ring->entries[i];
      entry.call = random.below(40) == 0 ? static_cast<std::uint32_t>(random.below(100)) : r.number;
      unsigned used = 0;
      for (const char* letter = r.arguments; *letter != '\0'; ++letter)
        entry.args[used++] = argument(*letter);
    }
  }

  void keep(const Row& r, std::uint64_t value) {
    auto type = type_of(r.result);
    if (r.result == '=') {  // the type of what it was derived from
      std::uint64_t description = 0;
      const std::uint64_t arguments[6] = {value};
      if (raw_call(EXO_CALL_CAP_QUERY, arguments, 0, description) != 0) return;
      type = description >> 32 & 0xff;
    }
    if (type != 0 && type < Pool::kTypes) caller.pool.put(type, value, random);
  }

  void one() {
    const Row& r = row();
    std::uint64_t number = r.number;
    std::uint64_t arguments[6] = {random(), random(), random(), random(), random(), random()};
    unsigned used = 0;
    for (const char* letter = r.arguments; *letter != '\0'; ++letter) arguments[used++] = argument(*letter);
    if (random.below(200) == 0) number = random.below(2) == 0 ? random.below(128) : random();
    if (number == EXO_CALL_TRANSFER_DATA || number == EXO_CALL_SUBMIT_ASYNC_OP ||
        number == EXO_CALL_CAP_INVOKE)
      fill_area();
    if (number == EXO_CALL_RING_SUBMIT || number == EXO_CALL_CONTEXT_RUN) fill_ring(6);
    const bool ends =
        number == EXO_CALL_CAP_DROP || number == EXO_CALL_CAP_REVOKE || number == EXO_CALL_FREE_MEM_PAGES;
    // What everything else is made with goes too, but not at once.
    if (ends && caller.pool.given(arguments[0]) && random.below(200) != 0) return;
    const std::uint64_t header = random.below(8) == 0 ? random() : random.below(5) | random.below(3) << 4;
    std::uint64_t value = 0;
    auto& tally = caller.tally;
    tally.last_call.store(number, std::memory_order_relaxed);
    const auto status = raw_call(number, arguments, random.below(4) == 0 ? header : 0, value);
    tally.calls.fetch_add(1, std::memory_order_relaxed);
    // The status of cap_invoke can be what some server replied.
    if (status > 32 && number != EXO_CALL_CAP_INVOKE) {
      tally.unknown.fetch_add(1);
      tally.unknown_call.store(number);
      tally.unknown_status.store(status);
    }
    tally.by_status[status > 32 ? 39 : status].fetch_add(1, std::memory_order_relaxed);
    if (status == 0 && number == r.number) keep(r, value);
    if (status == EXO_E_STALE || status == EXO_E_REVOKED || (ends && status == 0)) {
      for (const auto argument : arguments) caller.pool.forget(argument);
    }
  }
};

/// Contexts that the callers make and start end up here, on whatever stack: they call once more and stop or spin.
void secondary(std::uint64_t argument) {
  std::uint64_t value = 0;
  for (std::uint64_t i = 0;; ++i) {
    const std::uint64_t arguments[6] = {argument, i};
    (void)raw_call(i % 3 == 0 ? EXO_CALL_YIELD : EXO_CALL_CAP_QUERY, arguments, 0, value);
    if (i % 64 == 63) __builtin_trap();
  }
}

/// Servers reply, spin for a while or fault, as the badge says.
void gate_entry(std::uint64_t badge) {
  std::uint64_t value = 0;
  if (badge % 8 == 1) __builtin_trap();
  for (std::uint64_t i = 0; i != (badge % 8 == 2 ? 1'000'000 : 0); ++i) __builtin_ia32_pause();
  const std::uint64_t arguments[6] = {badge & 0xff, 1, 2, 3, 4, 5};
  (void)raw_call(EXO_CALL_GATE_REPLY, arguments, badge % 8 == 3 ? 0x11 : 0, value);
  __builtin_trap();
}

}  // namespace

void Pool::clear() {
  for (auto& type : handles) {
    for (auto& handle : type) handle.store(0);
  }
}

void Pool::forget(std::uint64_t handle) {
  for (auto& type : handles) {
    for (unsigned i = kGiven; i != kEach; ++i) {
      if (type[i].load() == handle) type[i].store(type[i % kGiven].load());
    }
  }
}

bool Pool::given(std::uint64_t handle) const {
  for (const auto& type : handles) {
    for (unsigned i = 0; i != kGiven; ++i) {
      if (handle != 0 && type[i].load() == handle) return true;
    }
  }
  return false;
}

void Tally::clear() {
  for (auto& count : by_status) count.store(0);
  calls.store(0);
  unknown.store(0);
}

std::uint64_t raw_call(std::uint64_t number, const std::uint64_t (&a)[6], std::uint64_t header,
                       std::uint64_t& value) {
  register std::uint64_t r10 asm("r10") = a[3];
  register std::uint64_t r8 asm("r8") = a[4];
  register std::uint64_t r9 asm("r9") = a[5];
  register std::uint64_t r12 asm("r12") = header;
  std::uint64_t rax = number, rdi = a[0], rsi = a[1], rdx = a[2], rbx = a[5];
  asm volatile("syscall"
               : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+r"(r10), "+r"(r8), "+r"(r9),
                 "+r"(r12)
               :
               : "rcx", "r11", "r13", "r14", "r15", "memory", "cc");
  value = rdx;
  return rax;
}

void call_at_random(Start& start) {
  auto& caller = *reinterpret_cast<Caller*>(start.argument);
  Maker maker{caller, start.area, start.ring, Random(caller.seed * 1000 + caller.next_seed.fetch_add(1))};
  for (;;) maker.one();
}

Commons* commons = nullptr;

Commons::Commons()
    : event(need(abi::calls::event_create())),
      pages(need(abi::calls::alloc_mem_pages(core::PageCount(4), abi::PageFlags(abi::PageFlag::Shared)))) {
  commons = this;
}
Commons::~Commons() {
  static_cast<void>(abi::calls::cap_drop(event));
  static_cast<void>(abi::calls::cap_drop(pages));
  commons = nullptr;
}

void equip(Caller& caller, Child& child, std::uint64_t seed) {
  const Rights most = core::cap::kAllRights.without(Right::Once);
  caller.pool.clear();
  caller.seed = seed;
  caller.next_seed.store(0);
  caller.only_call = kAnyCall;
  const auto put = [&](unsigned type, std::uint64_t handle) {
    for (auto& place : caller.pool.handles[type]) place.store(handle);
  };
  put(EXO_TYPE_DOMAIN, child.give(child.domain(), most));
  put(EXO_TYPE_ADDRESS_SPACE, child.give(child.space(), most));
  put(EXO_TYPE_BUDGET, child.give(child.budget(), most));
  if (commons == nullptr) return;
  put(EXO_TYPE_EVENT, child.give(commons->event, most));
  put(EXO_TYPE_PAGES, child.give(commons->pages, most));
}

}  // namespace fb::test
