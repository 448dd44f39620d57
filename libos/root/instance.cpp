#include "libos/root/instance.hpp"

#include "libos/rt/environment.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::root {
namespace {

enum ContextState : std::uint64_t { kStopped = 5, kFaulted = 6 };  // of context_query

/// Root's own slots of CPU 0 are assigned to it at boot; only an unassigned slot can be lent.
void unassign(const SlotSets& slots) {
  const auto& e = rt::environment();
  for (std::uint32_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) {
    for (std::uint32_t slot = 0; slot != abi::kSliceSlots; ++slot) {
      if ((slots[cpu] >> slot & 1) == 0) continue;
      static_cast<void>(abi::calls::slice_assign(e.budget, core::CpuId(cpu), abi::Slot(slot)));
    }
  }
}

core::CpuId first_cpu(const SlotSets& slots) {
  std::uint32_t cpu = 0;
  while (cpu != rt::kMaxCpus - 1 && slots[cpu] == 0) ++cpu;
  return core::CpuId(cpu);
}

}  // namespace

core::Result<> Instance::start(std::size_t id, std::span<const std::byte> elf, core::PageCount pages,
                               SlotBook& slots, abi::Cap<abi::ObjectType::Event> event) {
  FB_TRY(port_.open(event, port_bit(id)));
  FB_ASSIGN(lent_, slots.take(config.cpus, config.slots));
  unassign(lent_);
  const bool spoken_to = config.console || config.control;
  auto spawned = rt::Process::spawn({.name = config.name,
                                     .arguments = config.arguments,
                                     .files = config.files,
                                     .elf = elf,
                                     .budget = pages,
                                     .slots = lent_,
                                     .cpu = first_cpu(lent_),
                                     .authorities = config.authorities,
                                     .console = spoken_to ? port_.gate() : abi::Cap<abi::ObjectType::Gate>{},
                                     .event = port_.client_event(),
                                     .archive = config.archive,
                                     .end_event = event,
                                     .end_bit = end_bit(id)});
  if (!spawned) {
    release(slots);
    return core::fail(spawned.error());
  }
  process_ = *std::move(spawned);
  status = rt::InstanceStatus::Running;
  started = rt::now();
  killed_ = false;
  return {};
}

std::uint64_t Instance::query(std::uint64_t which) const {
  return process_.none() ? 0 : abi::calls::context_query(process_.context(), which).value_or(kStopped);
}

bool Instance::has_ended() const {
  const std::uint64_t state = query(0) & 0xff;
  return state == kStopped || state == kFaulted;
}

Ending Instance::ending() const {
  const std::uint64_t state = query(0);
  const bool faulted = (state & 0xff) == kFaulted;
  // Without a word from it: 0. Otherwise what a shell says of a program that a signal ended.
  constexpr int kFaultedStatus = 139, kKilledStatus = 137;
  if (faulted) {
    return {true, false, static_cast<std::uint8_t>(state >> 16), query(2), query(3), kFaultedStatus};
  }
  return {false, killed_, 0, 0, 0, killed_ ? kKilledStatus : port_.exit_status().value_or(0)};
}

void Instance::release(SlotBook& slots) {
  process_.end();
  port_.close();
  slots.give(std::exchange(lent_, {}));
}

void Instance::kill() {
  killed_ = true;
  if (!process_.none()) static_cast<void>(abi::calls::context_stop(process_.context()));
}

core::Result<> Instance::crash() { return process_.take_code(); }

rt::InstanceState Instance::state() const {
  const std::uint64_t state = query(0);
  return {status, static_cast<std::uint8_t>(state), static_cast<std::uint8_t>(state >> 8), policy.restarts()};
}

std::uint64_t Instance::ticks() const { return query(1); }

std::uint64_t Instance::pages() const {
  return process_.none() ? 0 : abi::calls::budget_query(process_.budget()).value_or(0);
}

}  // namespace fb::libos::root
