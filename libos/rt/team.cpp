#include "libos/rt/team.hpp"

#include <algorithm>
#include <bit>

#include "core/text/buffer.hpp"
#include "libos/rt/protocol.hpp"

namespace fb::libos::rt {
namespace {

constexpr core::PageCount kAreaPages{2}, kOwnStackPages{8};
constexpr abi::Bit kEndBit{1};
constexpr core::Nanoseconds kLookAgain{250'000'000};
constexpr std::uint64_t kFaulted = 6;  // of context_query

/// As far as there is room for it: whoever had the gate when it faulted has it still.
void tell(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), kWordBytes);
    const auto words = request_words(PortCall::Write, pack(text.substr(0, size)), size);
    const auto answer = abi::calls::cap_invoke(environment().console, words);
    if (!answer || answer->w[0] != size) return;
    text.remove_prefix(size);
  }
}

}  // namespace

core::Result<> Team::start() {
  // The members that are there already wait: what they would touch is being changed.
  return fibres_.locked([this] { return add_all(); });
}

core::Result<> Team::add_all() {
  const Environment& e = environment();
  // Fibres know processors by numbers without gaps: those of this program, in order.
  sched::Cpu number = 0;
  for (std::uint32_t cpu = 0; cpu != kMaxCpus; ++cpu) {
    auto slots = e.slots[cpu];
    if (slots == 0) continue;
    if (e.context_cpu == core::CpuId(cpu)) slots &= slots - 1;  // the first one is the caller's
    if (slots != 0) FB_TRY(add(core::CpuId(cpu), slots, number));
    ++number;
  }
  if (size_ == 0) return core::fail(core::Error::NoSlices);
  return {};
}

core::Result<> Team::add(core::CpuId cpu, std::uint64_t slots, sched::Cpu number) {
  const Environment& e = environment();
  Member& member = members_[size_];
  auto& seat = member.seat;
  FB_ASSIGN(seat.area, allocate(kAreaPages));
  FB_ASSIGN(seat.stack, allocate(kOwnStackPages));
  FB_ASSIGN(seat.event, own(abi::calls::event_create()));
  FB_ASSIGN(seat.context, own(abi::calls::alloc_cpu_context(e.domain, e.space, seat.area.pages.get(), {})));
  FB_TRY(abi::calls::context_set_event(seat.context.get(), seat.event.get(), KernelMachine::kKick, kEndBit));
  seat.area_at = seat.area.mapping.as<exo_area>();
  member.fibres = &fibres_;
  member.cpu = number;
  for (; slots != 0; slots &= slots - 1) {
    const abi::Slot slot(static_cast<std::uint32_t>(std::countr_zero(slots)));
    FB_TRY(abi::calls::slice_assign(e.budget, cpu, slot, seat.context.get()));
  }
  // As if it had been called: the return address would lie below a multiple of 16.
  const core::VirtAddr stack = seat.stack.mapping.address() +
                               core::ByteCount(core::bytes_of(kOwnStackPages).raw() - sizeof(std::uint64_t));
  const core::VirtAddr entry(reinterpret_cast<std::uint64_t>(&Team::run));
  FB_TRY(
      abi::calls::context_start(seat.context.get(), entry, stack, reinterpret_cast<std::uint64_t>(&member)));
  fibres_.expect(number);
  ++size_;
  return {};
}

void Team::run(Member* member) {
  Fibres::Carrier carrier(member->seat, member->cpu);
  member->fibres->carry(carrier);
}

void Team::fault_as_members_do() const {
  for (std::size_t i = 0; i != size_; ++i) {
    const auto context = members_[i].seat.context.get();
    const std::uint64_t state = abi::calls::context_query(context, 0).value_or(0);
    if ((state & 0xff) != kFaulted) continue;
    const auto query = [&](std::uint64_t which) {
      return abi::calls::context_query(context, which).value_or(0);
    };
    std::array<char, 128> room;
    const auto line = core::text::format_to(
        room, environment().name, ": processor ", state >> 8 & 0xff, ": vector ", state >> 16 & 0xff, " at ",
        core::text::hex(query(2)), ", address ", core::text::hex(query(3)), "\n");
    tell(line);
    __builtin_trap();
  }
}

void Team::serve(abi::EventBits last) {
  const Environment& e = environment();
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  for (;;) {
    const auto bits = abi::calls::event_wait(e.event, abi::EventBits(kAll), now() + kLookAgain);
    fault_as_members_do();
    if (!bits && bits.error() == core::Error::TimedOut) continue;
    if (!bits) __builtin_trap();  // the event was revoked: there is nothing left to wait for
    if ((bits->raw() & last.raw()) != 0) return;
    fibres_.give(*bits);
  }
}

}  // namespace fb::libos::rt
