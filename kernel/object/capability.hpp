// core/cap bound to this machine.
#pragma once

#include <atomic>

#include "abi/types.hpp"
#include "core/cap/tree.hpp"
#include "kernel/arch/x86_64/layout.hpp"
#include "kernel/arch/x86_64/lock.hpp"

namespace fb::kernel::object {

struct CapMachine {
  using Lock = arch::RankedLock<arch::Rank::Capability>;
  /// An entry's index is its physical address / 64: entries live in frames below kMaxPhysical.
  static core::cap::Entry* entry_at(core::cap::EntryIndex index) {
    return arch::direct<core::cap::Entry>(
        core::PhysAddr(std::uint64_t{index.raw()} * sizeof(core::cap::Entry)));
  }
  static core::cap::EntryIndex index_of(const core::cap::Entry* entry) {
    return core::cap::EntryIndex(
        static_cast<std::uint32_t>(arch::direct_to_physical(entry).raw() / sizeof(core::cap::Entry)));
  }
  /// Notes that the call in progress uses a _ONCE capability (syscall/calls_capability.cpp settles it).
  static void claimed(core::cap::Entry& entry);
  static std::uint64_t next_epoch() { return epochs_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static constinit inline std::atomic<std::uint64_t> epochs_{2};
};

using CapSpace = core::cap::Space<CapMachine>;
using CapTree = core::cap::Tree<CapMachine>;
using abi::ObjectType;
using core::cap::Entry;
using core::cap::Right;
using core::cap::Rights;

constexpr core::cap::TypeNumber type_number(ObjectType type) {
  return core::cap::TypeNumber(static_cast<std::uint8_t>(type));
}

}  // namespace fb::kernel::object
