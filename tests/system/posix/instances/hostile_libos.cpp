// A LibOS that means harm to the ones beside it: takes every slice and all memory that its budget has, as objects of every
// kind, tells its console more than that can show, and then burns time, or faults if it is told to.
#include <bit>

#include "core/text/write.hpp"
#include "libos/rt/console.hpp"
#include "libos/rt/memory.hpp"

namespace {

using namespace fb;
using libos::rt::Environment;

[[noreturn]] void burn() {
  for (volatile std::uint64_t turns = 0;; turns = turns + 1) {
  }
}

struct Burner {
  libos::rt::Region area, stack;
  abi::Cap<abi::ObjectType::Context> context;
};
std::array<Burner, libos::rt::kMaxCpus> burners;

/// One context on each processor, with all slots but that which this one runs in.
core::Result<> take_processor(const Environment& e, std::uint32_t cpu, std::uint64_t slots) {
  auto& burner = burners[cpu];
  FB_ASSIGN(burner.area, libos::rt::allocate(core::PageCount(2)));
  FB_ASSIGN(burner.stack, libos::rt::allocate(core::PageCount(1)));
  FB_ASSIGN(burner.context, abi::calls::alloc_cpu_context(e.domain, e.space, burner.area.pages.get(), {}));
  for (; slots != 0; slots &= slots - 1) {
    const abi::Slot slot(static_cast<std::uint32_t>(std::countr_zero(slots)));
    FB_TRY(abi::calls::slice_assign(e.budget, core::CpuId(cpu), slot, burner.context));
  }
  const auto top = burner.stack.mapping.address() + core::ByteCount(core::kPageSize - sizeof(std::uint64_t));
  return abi::calls::context_start(burner.context, core::VirtAddr(reinterpret_cast<std::uint64_t>(&burn)),
                                   top, 0);
}

void take_processors(const Environment& e) {
  for (std::uint32_t cpu = 0; cpu != libos::rt::kMaxCpus; ++cpu) {
    auto slots = e.slots[cpu];
    if (e.context_cpu == core::CpuId(cpu)) slots &= slots - 1;
    if (slots != 0) static_cast<void>(take_processor(e, cpu, slots));
  }
}

/// Until there is no more; how many there were.
template <class Make>
unsigned take_all(Make make) {
  unsigned count = 0;
  while (make().has_value()) ++count;
  return count;
}

}  // namespace

int fb_main(const Environment& e) {
  auto& console = libos::rt::console();
  const auto say = [&](std::string_view what, unsigned count) {
    core::text::print(console, count, " more ", what, '\n');
  };
  take_processors(e);
  say("runs of pages", take_all([] { return abi::calls::alloc_mem_pages(core::PageCount(16), {}); }));
  say("pages", take_all([] { return abi::calls::alloc_mem_pages(core::PageCount(1), {}); }));
  say("events", take_all([] { return abi::calls::event_create(); }));
  say("timers", take_all([&] { return abi::calls::timer_create(e.event, abi::Bit(20)); }));
  say("spaces", take_all([] { return abi::calls::address_space_create(); }));
  say("domains", take_all([&] { return abi::calls::domain_create(e.budget, e.authorities); }));
  say("budgets", take_all([&] { return abi::calls::budget_create(e.budget, core::PageCount(1)); }));
  for (unsigned line = 0; line != 300; ++line) say("lines of no use to anybody, one behind the other", line);
  say("things to take", 0);
  if (e.arguments == "fault") __builtin_trap();
  burn();
}
