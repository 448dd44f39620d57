#include <algorithm>

#include "kernel/arch/x86_64/symbols.hpp"
#include "kernel/sched/turn.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

using core::Ticks;
using core::event::EventBits;
using object::Binding;

namespace {
constexpr Nanoseconds kShortestPeriod{50'000};
}

Result<Handle> Calls::event_create() {
  FB_ASSIGN(const auto made, object::prepare<object::Event>(*kernel, domain()));
  return Handle(object::publish(made, object::creating_rights(ObjectType::Event)).raw());
}

Result<> Calls::event_deliver(Ref<object::Event> event, abi::EventBits bits) {
  sched::signal(*this, *event, EventBits(bits.raw()));
  let_others_first();
  return {};
}

void Calls::give_way() {
  if (claims == 0) [[likely]] {
    sched::leave_after_wait(*this);
  } else {
    settle(true);
  }
  dispatch(*this);
}

Result<abi::EventBits> Calls::event_wait(Ref<object::Event> event, abi::EventBits mask,
                                         Nanoseconds deadline) {
  if (mask.raw() == 0) return core::fail(Error::BadArgument);
  FB_TRY(hang_wait(event));
  FB_ASSIGN(const auto waited,
            sched::wait(*this, *current(), *event, EventBits(mask.raw()), ticks(deadline)));
  if (waited.waiting) give_way();
  return abi::EventBits(waited.bits.raw());
}

Result<Handle> Calls::timer_create(Ref<object::Event> event, abi::Bit bit) {
  FB_ASSIGN(const auto made, object::prepare<object::Timer>(*kernel, domain()));
  auto& source = made.object->source;
  if (const auto bound = hang(source.binding, event, Binding::Kind::Source); !bound) {
    object::discard(*kernel, domain(), made);
    return core::fail(bound.error());
  }
  source.event = event.object;
  source.bits = std::uint64_t{1} << bit.raw();
  return Handle(object::publish(made, object::creating_rights(ObjectType::Timer)).raw());
}

Result<> Calls::timer_arm(Ref<object::Timer> timer, Nanoseconds deadline, Nanoseconds period) {
  const auto every = period == Nanoseconds(0) ? period : std::max(period, kShortestPeriod);
  const auto gap = kernel->to_ticks(every) - kernel->boot_start;
  sched::arm_timer(*this, *timer, ticks(deadline), every == Nanoseconds(0) ? Ticks(0) : gap);
  return {};
}

Result<Word> Calls::get_system_time(abi::Clock clock) {
  const auto monotonic = kernel->to_nanoseconds(Ticks(arch::read_tsc()));
  return clock == abi::Clock::Monotonic ? monotonic.raw() : (kernel->realtime_at_zero + monotonic).raw();
}

Result<Word> Calls::machine_info(abi::Info which) {
  switch (which) {
    case abi::Info::Cpus:
      return cpu_count();
    case abi::Info::TotalPages:
      return kernel->memory.frames.total_pages().raw();
    case abi::Info::FreePages:
      return kernel->memory.frames.free_pages().raw();
    case abi::Info::BootTicks:
      return kernel->boot_ticks.raw();
    case abi::Info::TicksPerSecond:
      return kernel->ticks_per_second;
    case abi::Info::SliceNanoseconds:
      return object::kSlice.raw();
    case abi::Info::KernelLines:
      return arch::ring0_lines();
    case abi::Info::VectorBytes:
      return kernel->features.vector_bytes().raw();
    case abi::Info::CpuFeatures:
      return kernel->features.raw();
    case abi::Info::InterruptsOffTicks:
      return std::exchange(late_most, Ticks(0)).raw();
    case abi::Info::RevokeTicks:
      return revoke_ticks.raw();
    case abi::Info::CurrentCpu:
      return id.raw();
  }
  return core::fail(Error::BadArgument);
}

}  // namespace fb::kernel::syscall
