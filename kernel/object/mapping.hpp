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

/// The same for `count` pages: act(address, entry, binding), with nulls where nothing is mapped, until it says false. The
/// tables' lock is kept throughout, and an object's as long as its pages follow each other: of two locks that are taken
/// the wrong way round the second is only tried.
template <class Act>
void with_mappings(AddressSpace& space, mem::TableMachine& machine, core::VirtAddr start, std::uint64_t count,
                   Act&& act) {
  for (std::uint64_t i = 0; i < count; ++i) {
    {
      const core::Guard tables(space.table_lock);
      Object* held = nullptr;
      bool more = true;
      for (; i < count && more; ++i) {
        const core::VirtAddr at(start.raw() + i * core::kPageSize);
        const auto table = space.tables.leaf_table(at);
        const bool mapped = table && machine.load(*table, core::mem::index(at, 1)).present();
        if (!mapped) {
          more = act(at, static_cast<Entry*>(nullptr), static_cast<Binding*>(nullptr));
          continue;
        }
        auto* const binding = static_cast<Binding*>(machine.shadow({*table, core::mem::index(at, 1)}));
        auto* const pages = static_cast<Object*>(CapTree::object_of(binding->holder()));
        if (pages != held) {
          if (held != nullptr) held->lock.unlock();
          held = pages != nullptr && pages->lock.try_lock() ? pages : nullptr;
          if (held == nullptr) break;
        }
        more = act(at, binding->holder(), binding);
      }
      if (held != nullptr) held->lock.unlock();
      if (!more || i == count) return;
    }
    const core::VirtAddr at(start.raw() + i * core::kPageSize);
    bool more = false;
    const auto done = with_mapping(space, machine, at,
                                   [&](Entry& entry, Binding& binding) { more = act(at, &entry, &binding); });
    if (!done) more = act(at, static_cast<Entry*>(nullptr), static_cast<Binding*>(nullptr));
    if (!more) return;
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
