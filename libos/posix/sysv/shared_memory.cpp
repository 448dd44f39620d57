#include "libos/posix/sysv/shared_memory.hpp"

namespace fb::libos::posix::sysv {

using namespace shared_memory;

namespace {

/// Where a program asks for it: 0 for anywhere. Errors: Invalid.
Answer<core::VirtAddr> place(core::VirtAddr address, std::uint32_t flags) {
  if (address == core::VirtAddr(0)) {
    if ((flags & kRemap) != 0) return fail(Errno::Invalid);
    return address;
  }
  if (address.page_aligned()) return address;
  if ((flags & kRound) == 0) return fail(Errno::Invalid);
  const core::VirtAddr rounded(mm::page_down(address.raw()));
  if (rounded == core::VirtAddr(0) && (flags & kRemap) != 0) return fail(Errno::Invalid);
  return rounded;
}

}  // namespace

Answer<Ref<Segment>> Segments::find(Id id) const {
  FB_ASSIGN(auto segment, table_.find(id));
  if (segment->gone()) return fail(Errno::Invalid);
  return segment;
}

Ref<Segment> Segments::with(const mm::Backing& memory) const {
  for (std::uint32_t at = 0; at <= table_.highest(); ++at) {
    const auto id = table_.id_at(at);
    if (!id) continue;
    if (const auto segment = table_.find(*id); segment && (*segment)->memory == &memory) return *segment;
  }
  return {};
}

/// Nobody is told when the last of those goes that have a removed segment.
void Segments::sweep() {
  for (std::uint32_t at = 0; at <= table_.highest(); ++at) {
    const auto id = table_.id_at(at);
    if (id && (*table_.find(*id))->gone()) table_.remove(*id);
  }
}

Answer<Id> Segments::get(Frames& frames, const Caller& caller, std::int32_t key, std::uint64_t size,
                         std::uint32_t flags) {
  const auto make = [&] -> Answer<Ref<Segment>> {
    if (size == 0 || size > kLargest || (flags & kHugeTlb) != 0) return fail(Errno::Invalid);
    FB_ASSIGN(auto segment, make_shared<Segment>(size, caller.pid, caller.now));
    FB_TRY(segment->open(frames));
    return segment;
  };
  const auto fits = [&](const Segment& segment) {
    return size > segment.size ? Answer<>(fail(Errno::Invalid)) : Answer<>();
  };
  sweep();
  return table_.get(key, flags, caller.who, make, fits);
}

Answer<core::VirtAddr> Segments::attach(mm::Space& space, const Caller& caller, Id id, core::VirtAddr address,
                                        std::uint32_t flags) {
  FB_ASSIGN(const core::VirtAddr start, place(address, flags));
  FB_ASSIGN(const auto segment, find(id));
  const bool writes = (flags & kReadOnly) == 0, executes = (flags & kExecute) != 0;
  FB_TRY(segment->check(caller.who, 4U | (writes ? 2U : 0U) | (executes ? 1U : 0U)));
  const std::uint32_t fixed = (flags & kRemap) != 0 ? mm::kMapFixed : mm::kMapFixedNoReplace;
  auto mapped = space.mmap(
      {.address = start,
       .length = core::ByteCount(segment->size),
       .protection = mm::kProtRead | (writes ? mm::kProtWrite : 0) | (executes ? mm::kProtExecute : 0),
       .flags = mm::kMapShared | (start == core::VirtAddr(0) ? 0 : fixed),
       .backing = Ref<mm::Backing>(*segment->memory),
       .most = writes ? mm::kProtAll : mm::kProtAll & ~mm::kProtWrite});
  if (!mapped) return fail(mapped.error() == Errno::Exists ? Errno::Invalid : mapped.error());
  segment->attached = caller.now;
  segment->last = caller.pid;
  return mapped;
}

Answer<> Segments::detach(mm::Space& space, const Caller& caller, core::VirtAddr address) {
  if (!address.page_aligned()) return fail(Errno::Invalid);
  const mm::Area* const first = space.area(address);
  if (first == nullptr || !first->backing || first->first_page != 0 || first->range.start != address.raw()) {
    return fail(Errno::Invalid);
  }
  const mm::Backing* const backing = first->backing.get();
  const Ref<Segment> segment = with(*backing);
  if (!segment) return fail(Errno::Invalid);
  segment->detached = caller.now;
  segment->last = caller.pid;
  // All of it, also where holes have been cut into it.
  for (bool found = true; found;) {
    found = false;
    for (const mm::Area& area : space.areas()) {
      if (area.backing.get() != backing || area.range.start < address.raw()) continue;
      if (area.range.start - address.raw() != area.first_page << core::kPageShift) continue;
      FB_TRY(space.munmap(core::VirtAddr(area.range.start), core::ByteCount(area.range.size())));
      found = true;
      break;
    }
  }
  return {};
}

Answer<SegmentStat> Segments::stat(const Caller& caller, Id id) const {
  FB_ASSIGN(const auto segment, find(id));
  FB_TRY(segment->check(caller.who, 4));
  SegmentStat stat{.permissions = segment->permissions,
                   .size = segment->size,
                   .attached = segment->attached,
                   .detached = segment->detached,
                   .changed = segment->changed,
                   .creator = segment->creator,
                   .last = segment->last,
                   .attaches = segment->memory->areas(),
                   .reserved = {}};
  if (segment->locked) stat.permissions.mode |= kLocked;
  if (!segment->held) stat.permissions.mode |= kDestroyed;
  return stat;
}

Answer<> Segments::set(const Caller& caller, Id id, const Permissions& to) {
  FB_ASSIGN(const auto segment, find(id));
  FB_TRY(segment->check_owner(caller.who));
  segment->set(to);
  segment->changed = caller.now;
  return {};
}

Answer<> Segments::remove(const Caller& caller, Id id) {
  FB_ASSIGN(const auto segment, find(id));
  FB_TRY(segment->check_owner(caller.who));
  segment->permissions.key = kPrivate;
  segment->held.reset();
  sweep();
  return {};
}

Answer<> Segments::lock(const Caller& caller, Id id, bool locked) {
  FB_ASSIGN(const auto segment, find(id));
  FB_TRY(segment->check_owner(caller.who));
  segment->locked = locked;
  return {};
}

}  // namespace fb::libos::posix::sysv
