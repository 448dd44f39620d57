#include "libos/rt/machine.hpp"

#include <new>

#include "libos/rt/environment.hpp"

namespace fb::libos::rt {
namespace {

/// The owner of a stack, at its lowest bytes: a stack that runs over it is about to hit the guard anyway.
struct StackOwner {
  Region region;
};

}  // namespace

core::Nanoseconds now() {
  const auto time = abi::calls::get_system_time(abi::Clock::Monotonic);
  return core::Nanoseconds(time.value_or(0));
}

KernelMachine::KernelMachine(abi::Cap<abi::ObjectType::Event> event)
    : event_(event), start_ticks_(ticks()), start_(rt::now()) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto told = abi::calls::machine_info(abi::Info::TicksPerSecond).value_or(0);
  const auto rate = told == 0 ? kSecond : told;
  millisecond_ = core::Ticks(rate / 1000);
  multiplier_ = (kSecond / rate << 32) + (kSecond % rate << 32) / rate;
}

core::Nanoseconds KernelMachine::now() { return rt::now(); }

abi::EventBits KernelMachine::wait(abi::EventBits mask, core::Nanoseconds deadline) {
  // The kernel refuses an empty mask; a fibre that only sleeps waits for a bit that nobody signals.
  constexpr std::uint64_t kNobodys = std::uint64_t{1} << 63;
  const auto bits = abi::calls::event_wait(event_, abi::EventBits(mask.raw() | kNobodys), deadline);
  // An event that was revoked would make the idle step spin: there is nothing left to wait for.
  if (!bits && bits.error() != core::Error::TimedOut) __builtin_trap();
  return bits.value_or(abi::EventBits(0));
}

core::Result<Stack> KernelMachine::allocate_stack() {
  if (spares_ != 0) return spare_stacks_[--spares_];
  FB_ASSIGN(Region region, allocate(kStackPages));
  auto* base = region.mapping.as<std::byte>();
  new (base) StackOwner{std::move(region)};
  return Stack{base, core::bytes_of(kStackPages).raw()};
}

void KernelMachine::free_stack(Stack stack) {
  if (spares_ != kSpareStacks) {
    spare_stacks_[spares_++] = stack;
    return;
  }
  // Out of the stack first: destroying it in place would unmap the object under its own destructor.
  const Region region = std::move(reinterpret_cast<StackOwner*>(stack.base)->region);
}

/// Longer than the lock is mostly held, and short enough for nobody to mind: a processor that spins is one that nobody has.
void KernelMachine::give_way() {
  constexpr core::Nanoseconds kPause{20'000};
  constexpr abi::EventBits kNobodys{std::uint64_t{1} << 62};
  static_cast<void>(abi::calls::event_wait(environment().event, kNobodys, rt::now() + kPause));
}

void KernelMachine::sleep(const Seat& seat, core::Nanoseconds deadline) {
  const auto bits = abi::calls::event_wait(seat.event.get(), kKick, deadline);
  if (!bits && bits.error() != core::Error::TimedOut) __builtin_trap();
}

}  // namespace fb::libos::rt
