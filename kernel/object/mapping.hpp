// Pages in address spaces, each tied to the capability it was mapped by. Lock order: the Pages object, then the tables.
#pragma once

#include "kernel/object/object.hpp"

namespace fb::kernel::object {

/// Maps page `frame` at `address` on the strength of `entry`, whose object's lock is held, as is the table lock.
inline core::Result<> map_page(AddressSpace& space, mem::TableMachine& machine, Entry& entry,
                               core::VirtAddr address, core::FrameNumber frame,
                               core::mem::Permissions permissions) {
  FB_ASSIGN(const auto leaf,
            space.tables.map(address, core::PhysAddr(frame), permissions, core::mem::MemoryType::WriteBack));
  static_cast<Binding*>(machine.shadow(leaf))->attach(entry, Binding::Kind::Mapping);
  return {};
}

/// Does `act(entry, leaf)` for the mapping at `address` with the locks of its Pages object and of the tables held.
/// Errors: those of PageTables::find. Takes the locks itself.
template <class Act>
core::Result<> with_mapping(AddressSpace& space, mem::TableMachine& machine, core::VirtAddr address,
                            Act&& act) {
  for (;;) {
    Entry* entry = nullptr;
    {
      const core::Guard tables(space.table_lock);
      FB_ASSIGN(const auto found, space.tables.find(address));
      entry = static_cast<const Binding*>(machine.shadow(found.leaf))->holder();
    }
    if (entry == nullptr) continue;  // just being made or undone
    auto* pages = CapTree::object_of(entry);
    if (pages == nullptr) continue;
    const core::Guard object(pages->lock);
    const core::Guard tables(space.table_lock);
    FB_ASSIGN(const auto found, space.tables.find(address));
    auto* binding = static_cast<Binding*>(machine.shadow(found.leaf));
    if (binding->holder() != entry || CapTree::object_of(entry) != pages) continue;
    act(*entry, *binding);
    return {};
  }
}

/// Unmaps one page; the caller shoots down and drains. Errors: NotMapped, BadAddress.
inline core::Result<> unmap_page(AddressSpace& space, mem::TableMachine& machine, core::VirtAddr address,
                                 mem::DetachedTables& detached) {
  return with_mapping(space, machine, address, [&](Entry&, Binding& binding) {
    binding.detach();
    (void)space.tables.unmap(address, detached);
  });
}

/// Takes a binding off whatever it hangs on.
void release(Binding& binding);

}  // namespace fb::kernel::object
