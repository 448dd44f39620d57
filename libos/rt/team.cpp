#include "libos/rt/team.hpp"

#include <bit>

namespace fb::libos::rt {
namespace {

constexpr core::PageCount kAreaPages{2}, kOwnStackPages{8};
constexpr abi::Bit kEndBit{1};

}  // namespace

core::Result<> Team::start() {
  // The members that are there already wait: what they would touch is being changed.
  return fibres_.locked([this] { return add_all(); });
}

core::Result<> Team::add_all() {
  const Environment& e = environment();
  for (std::uint32_t cpu = 0; cpu != kMaxCpus; ++cpu) {
    auto slots = e.slots[cpu];
    if (e.context_cpu == core::CpuId(cpu)) slots &= slots - 1;  // the first one is the caller's
    if (slots != 0) FB_TRY(add(core::CpuId(cpu), slots));
  }
  if (size_ == 0) return core::fail(core::Error::NoSlices);
  return {};
}

core::Result<> Team::add(core::CpuId cpu, std::uint64_t slots) {
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
  ++size_;
  return {};
}

void Team::run(Member* member) {
  Fibres::Carrier carrier(member->seat);
  member->fibres->carry(carrier);
}

void Team::serve(abi::EventBits last) {
  const Environment& e = environment();
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  for (;;) {
    const auto bits = abi::calls::event_wait(e.event, abi::EventBits(kAll), abi::kNever);
    if (!bits) __builtin_trap();  // the event was revoked: there is nothing left to wait for
    if ((bits->raw() & last.raw()) != 0) return;
    fibres_.give(*bits);
  }
}

}  // namespace fb::libos::rt
