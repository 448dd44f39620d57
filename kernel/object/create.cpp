#include "kernel/object/create.hpp"

namespace fb::kernel::object {

using core::PageCount;
using core::mem::FrameState;

void CapMachine::claimed(Entry& entry) {
  Cpu& cpu = this_cpu();
  if (cpu.claims < cpu.claimed.size()) cpu.claimed[cpu.claims++] = &entry;
}

Result<Entry*> reserve_slot_slowly(Kernel& kernel, Domain& domain) {
  for (;;) {
    auto entry = domain.space.reserve();
    if (entry || entry.error() != core::Error::NoSlots) return entry;
    auto& account = domain.budget->account;
    FB_ASSIGN(const auto frame, account.take_frames(kernel.memory, PageCount(1), FrameState::Slots, &domain));
    const auto added = domain.space.add_chunk(arch::direct<Entry>(core::PhysAddr(frame)));
    if (!added) {
      account.give_frames(kernel.memory, frame, PageCount(1));
      return core::fail(added.error());
    }
  }
}

Result<> furnish(Kernel& kernel, Domain& domain) {
  FB_ASSIGN(const auto frame,
            domain.budget->account.take_frames(kernel.memory, PageCount(1), FrameState::Slots, &domain));
  domain.space.set_directory(arch::direct<Entry*>(core::PhysAddr(frame)));
  return {};
}

}  // namespace fb::kernel::object
