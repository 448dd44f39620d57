#include <algorithm>

#include "kernel/object/mapping.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {
namespace {

using core::FrameNumber;
using core::mem::FrameState;
using core::mem::Permissions;
using object::AddressSpace;
using object::Entry;
using object::Pages;

constexpr PageCount kZeroAtOnce{8};

Result<> check_range(VirtAddr address, PageCount count) {
  if (count == PageCount(0)) return core::fail(Error::BadArgument);
  if (count > kPagesAtOnce) return core::fail(Error::Limit);
  if (!core::user_range(address, core::bytes_of(count))) return core::fail(Error::BadAddress);
  return {};
}

constexpr VirtAddr page(VirtAddr start, std::uint64_t index) {
  return VirtAddr(start.raw() + index * core::kPageSize);
}

}  // namespace

Result<Handle> Calls::alloc_mem_pages(PageCount count, abi::PageFlags flags) {
  if (count == PageCount(0)) return core::fail(Error::BadArgument);
  if (count > mem::Frames::kLargestRun) return core::fail(Error::Limit);
  FB_ASSIGN(const auto made, object::prepare<Pages>(*kernel, domain(), FrameNumber(0), count, true));
  auto& pages = *made.object;
  const auto first =
      domain().budget->account.take_raw_frames(kernel->memory, count, FrameState::Pages, &pages);
  if (!first) {
    object::discard(*kernel, domain(), made);
    return core::fail(first.error());
  }
  pages.first = *first;
  pages.creating = object::creating_rights(ObjectType::Pages);
  if (!flags.has(abi::PageFlag::Shared)) pages.creating = pages.creating.without(core::cap::Right::Grant);
  const auto handle = made.handle();
  if (count <= kZeroAtOnce) {
    for (std::uint64_t i = 0; i < count.raw(); ++i) mem::zero_frame(*first + FrameNumber(i));
    object::publish(made, pages.creating);
    return Handle(handle.raw());
  }
  if (in_batch) {  // the batch goes on with the pages: it cannot come back later
    free_unpublished(made);
    return core::fail(Error::Limit);
  }
  current()->cleanup.fresh = &pages;
  current()->cleanup.fresh_entry = made.entry;
  leave(0, handle.raw());
}

void Calls::free_unpublished(const object::Created<Pages>& made) {
  domain().budget->account.give_frames(kernel->memory, made.object->first, made.object->count);
  object::discard(*kernel, domain(), made);
}

Result<> Calls::free_mem_pages(Ref<Pages> pages) {
  if (pages->root != pages.entry) return core::fail(Error::NotOwner);
  return end(pages.entry);
}

Result<Handle> Calls::address_space_create() {
  auto& account = domain().budget->account;
  FB_ASSIGN(const auto root, account.take_frames(kernel->memory, PageCount(1), FrameState::Table, nullptr));
  const auto made =
      object::prepare<AddressSpace>(*kernel, domain(), account, kernel->table_machine, core::PhysAddr(root));
  if (!made) {
    account.give_frames(kernel->memory, root, PageCount(1));
    return core::fail(made.error());
  }
  kernel->tables->share(core::PhysAddr(root));
  return Handle(object::publish(*made, object::creating_rights(ObjectType::AddressSpace)).raw());
}

Result<> Calls::map_pages(Ref<AddressSpace> space, Ref<Pages> pages, VirtAddr address, PageCount offset,
                          PageCount count, abi::Access access) {
  FB_TRY(check_range(address, count));
  if (offset > pages->count || count > pages->count - offset) return core::fail(Error::BadRange);
  FB_ASSIGN(const auto permissions, Permissions::from_bits(access.raw()));
  if (!pages.entry->rights().has(Rights(access.raw()))) return core::fail(Error::Denied);
  if (count == PageCount(1)) {  // the most frequent case has nothing to undo
    const core::Guard object(pages->lock);
    if (!object::CapTree::upholds(pages.entry, *pages)) [[unlikely]]
      return core::fail(Error::Revoked);
    const core::Guard tables(space->table_lock);
    return object::map_page(*space, kernel->table_machine, *pages.entry, address,
                            pages->first + FrameNumber(offset.raw()), permissions);
  }

  mem::DetachedTables detached(kernel->table_machine);
  Result<> result{};
  {
    const core::Guard object(pages->lock);
    if (!object::CapTree::upholds(pages.entry, *pages)) return core::fail(Error::Revoked);
    const core::Guard tables(space->table_lock);
    std::uint64_t done = 0;
    while (done < count.raw() && result) {
      done +=
          map_in_table(*space, *pages.entry, page(address, done),
                       pages->first + FrameNumber(offset.raw() + done), count - PageCount(done), permissions);
      if (done == count.raw()) break;
      // Where there is no table yet, or something in the way: the ordinary way makes the one and names the other.
      result = object::map_page(*space, kernel->table_machine, *pages.entry, page(address, done),
                                pages->first + FrameNumber(offset.raw() + done), permissions);
      if (result) done += 1;
    }
    if (result) return {};
    for (; done > 0; --done) {  // the one that failed is not mapped
      const auto at = page(address, done - 1);
      if (const auto found = space->tables.find(at))
        static_cast<object::Binding*>(kernel->table_machine.shadow(found->leaf))->detach();
      (void)space->tables.unmap(at, detached);
    }
  }
  sched::shoot_down(*this, *space);
  detached.drain();
  return result;
}

/// Maps `count` neighbouring frames as far as the leaf table of `address` goes, if there is one, and nothing is in the way.
/// How many. The locks of the object and of the tables are held.
std::uint64_t Calls::map_in_table(AddressSpace& space, Entry& entry, VirtAddr address, FrameNumber frame,
                                  PageCount count, Permissions permissions) {
  const auto table = space.tables.leaf_table(address);
  if (!table) return 0;
  mem::OpenTable open(kernel->table_machine, *table);
  auto* const bindings =
      static_cast<object::Binding*>(kernel->table_machine.shadow({*table, core::mem::TableIndex(0)}));
  const std::uint32_t first = core::mem::index(address, 1).raw();
  const auto end =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(first + count.raw(), core::mem::kTableEntries));
  std::uint32_t at = first;
  while (at < end && open.map(core::mem::TableIndex(at), core::PhysAddr(frame + FrameNumber(at - first)),
                              permissions, core::mem::MemoryType::WriteBack))
    ++at;
  object::Binding::attach_all(bindings + first, at - first, entry, object::Binding::Kind::Mapping);
  return at - first;
}

/// Unmaps pages of one leaf table, as far as it goes. An object's lock is kept as long as its pages follow each other; it
/// ranks below that of the tables, and is only tried.
Calls::Unmapped Calls::unmap_in_table(AddressSpace& space, VirtAddr address, std::uint64_t count,
                                      mem::DetachedTables& detached) {
  auto& machine = kernel->table_machine;
  const core::Guard tables(space.table_lock);
  const std::uint64_t first = core::mem::index(address, 1).raw();
  const std::uint64_t end = std::min<std::uint64_t>(first + count, core::mem::kTableEntries);
  const auto table = space.tables.leaf_table(address);
  if (!table) return {end - first, 0};
  auto* const bindings = static_cast<object::Binding*>(machine.shadow({*table, core::mem::TableIndex(0)}));
  object::Object* held = nullptr;
  std::uint64_t at = first;
  std::uint32_t unmapped = 0;
  for (; at < end; ++at) {
    const core::mem::TableIndex index(static_cast<std::uint32_t>(at));
    if (!machine.load(*table, index).present()) continue;
    auto* const object = static_cast<object::Object*>(object::CapTree::object_of(bindings[at].holder()));
    if (object != held) {
      if (held != nullptr) held->lock.unlock();
      held = object != nullptr && object->lock.try_lock() ? object : nullptr;
      if (held == nullptr) break;
    }
    bindings[at].detach();
    machine.store(*table, index, core::mem::Pte());
    unmapped += 1;
  }
  if (held != nullptr) held->lock.unlock();
  space.tables.unmapped(address, *table, unmapped, detached);
  return {at - first, unmapped};
}

Word Calls::unmap_some(AddressSpace& space, VirtAddr address, PageCount count,
                       mem::DetachedTables& detached) {
  Word sum = 0;
  for (std::uint64_t i = 0; i < count.raw();) {
    const auto [seen, unmapped] = unmap_in_table(space, page(address, i), count.raw() - i, detached);
    sum += unmapped;
    i += seen;
    if (seen != 0) continue;
    // Somebody else is at that object: the other way round then.
    if (object::unmap_page(space, kernel->table_machine, page(address, i), detached)) sum += 1;
    i += 1;
  }
  return sum;
}

Result<Word> Calls::unmap_pages(Ref<AddressSpace> space, VirtAddr address, PageCount count) {
  FB_TRY(check_range(address, count));
  mem::DetachedTables detached(kernel->table_machine);
  const Word unmapped = unmap_some(*space, address, count, detached);
  if (unmapped != 0) sched::shoot_down(*this, *space);
  detached.drain();
  return unmapped;
}

Result<Word> Calls::protect_pages(Ref<AddressSpace> space, VirtAddr address, PageCount count,
                                  abi::Access access) {
  FB_TRY(check_range(address, count));
  FB_ASSIGN(const auto permissions, Permissions::from_bits(access.raw()));
  bool flush = false;
  Word changed = 0;
  Result<> result{};
  object::with_mappings(*space, kernel->table_machine, address, count.raw(),
                        [&](VirtAddr at, Entry* entry, object::Binding*) {
                          const bool allowed = entry != nullptr && entry->rights().has(Rights(access.raw()));
                          if (!allowed) {
                            result = core::fail(entry == nullptr ? Error::NotMapped : Error::Denied);
                            return false;
                          }
                          const auto needed = space->tables.protect(at, permissions);
                          flush = flush || (needed && *needed);
                          changed += 1;
                          return true;
                        });
  if (flush) sched::shoot_down(*this, *space);
  if (!result && changed == 0) return core::fail(result.error());
  return changed;
}

Result<Word> Calls::query_pages(Ref<AddressSpace> space, VirtAddr address, PageCount count) {
  FB_TRY(check_range(address, count));
  if (count > PageCount(32)) return core::fail(Error::BadArgument);
  Word bits = 0;
  bool flush = false;
  {
    const core::Guard tables(space->table_lock);
    for (std::uint64_t i = 0; i < count.raw(); ++i) {
      const auto access = space->tables.query_clear(page(address, i));
      if (!access) continue;
      bits |= Word{access->accessed} << i | Word{access->dirty} << (32 + i);
      flush = flush || access->accessed;
    }
  }
  if (flush) sched::shoot_down(*this, *space);
  return bits;
}

}  // namespace fb::kernel::syscall
