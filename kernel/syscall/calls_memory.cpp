#include "kernel/object/mapping.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {
namespace {

using core::FrameNumber;
using core::mem::FrameState;
using core::mem::Permissions;
using object::AddressSpace;
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
    for (; done < count.raw() && result; ++done) {
      result = object::map_page(*space, kernel->table_machine, *pages.entry, page(address, done),
                                pages->first + FrameNumber(offset.raw() + done), permissions);
    }
    if (result) return {};
    for (done -= 1; done > 0; --done) {  // the one that failed is not mapped
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

Word Calls::unmap_some(AddressSpace& space, VirtAddr address, PageCount count,
                       mem::DetachedTables& detached) {
  Word unmapped = 0;
  for (std::uint64_t i = 0; i < count.raw(); ++i) {
    if (object::unmap_page(space, kernel->table_machine, page(address, i), detached)) unmapped += 1;
  }
  return unmapped;
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
  for (std::uint64_t i = 0; i < count.raw() && result; ++i) {
    bool allowed = false;
    result = object::with_mapping(*space, kernel->table_machine, page(address, i),
                                  [&](Entry& entry, object::Binding&) {
                                    allowed = entry.rights().has(Rights(access.raw()));
                                    if (!allowed) return;
                                    const auto needed = space->tables.protect(page(address, i), permissions);
                                    flush = flush || (needed && *needed);
                                  });
    if (result && !allowed) result = core::fail(Error::Denied);
    if (result) changed += 1;
  }
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
