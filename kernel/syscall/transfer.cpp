// exo_transfer_data (C2.15, C6.04): a bounded copy between runs of pages, or pages that change address space.
#include <algorithm>

#include "kernel/object/mapping.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {
namespace {

using core::ByteCount;
using core::FrameNumber;
using core::PhysAddr;
using core::cap::Right;
using object::AddressSpace;
using object::Pages;

/// Done by one call; the result says how much, and the caller goes on from there. Bounds the time with interrupts off.
constexpr std::uint64_t kCopyAtOnce = 32 * 1024;
constexpr std::uint64_t kMoveAtOnce = 24;

Result<> check_window(const Pages& pages, std::uint64_t offset, std::uint64_t count) {
  const auto size = core::bytes_of(pages.count).raw();
  if (offset > size || count > size - offset) return core::fail(Error::BadRange);
  return {};
}

char* at(const Pages& pages, std::uint64_t offset) {
  return arch::direct<char>(PhysAddr(pages.first)) + offset;
}

/// One page leaves `from` and appears in `to`, on the strength of `target`, which names the same run. It appears first:
/// when it cannot, it stays where it was.
Result<> move_page(mem::TableMachine& machine, AddressSpace& from, VirtAddr source, AddressSpace& to,
                   VirtAddr destination, const Ref<Pages>& target, core::mem::Permissions permissions,
                   mem::DetachedTables& detached) {
  FrameNumber frame{};
  bool same = false;
  FB_TRY(object::with_mapping(from, machine, source, [&](Entry& entry, object::Binding&) {
    same = object::CapTree::object_of(&entry) == target.object;
    frame = from.tables.find(source)->frame.frame();
  }));
  if (!same) return core::fail(Error::BadArgument);
  {
    const core::Guard object(target->lock);
    const core::Guard tables(to.table_lock);
    FB_TRY(object::map_page(to, machine, *target.entry, destination, frame, permissions));
  }
  // If it has been unmapped there meanwhile, so much the better; another page that came in its place stays.
  (void)object::with_mapping(from, machine, source, [&](Entry&, object::Binding& binding) {
    if (from.tables.find(source)->frame.frame() != frame) return;
    binding.detach();
    (void)from.tables.unmap(source, detached);
  });
  return {};
}

}  // namespace

Result<ByteCount> Calls::transfer_data() {
  if (current()->area == nullptr) return core::fail(Error::NotReady);
  exo_transfer t;
  __builtin_memcpy(&t, &current()->area->transfer, sizeof t);
  asm volatile("" : "+m"(t));  // fetched once: what is checked is what is used
  return transfer(t);
}

Result<ByteCount> Calls::transfer(const exo_transfer& t) {
  const abi::TransferFlags flags(t.flags);
  if (!abi::valid(flags)) return core::fail(Error::BadArgument);
  if (flags.has(abi::TransferFlag::Move)) return move_pages(t);

  FB_ASSIGN(const auto target, lookup<ObjectType::Pages>(Handle(t.dst_pages), Right::Write));
  FB_ASSIGN(const auto source, lookup<ObjectType::Pages>(Handle(t.src_pages), Right::Read));
  FB_TRY(check_window(*target, t.dst_offset, t.count));
  FB_TRY(check_window(*source, t.src_offset, t.count));
  const auto count = std::min(t.count, kCopyAtOnce);
  __builtin_memmove(at(*target, t.dst_offset), at(*source, t.src_offset), count);
  return ByteCount(count);
}

Result<ByteCount> Calls::move_pages(const exo_transfer& t) {
  FB_ASSIGN(const auto to, lookup<ObjectType::AddressSpace>(Handle(t.dst_space), Right::Map));
  FB_ASSIGN(const auto from, lookup<ObjectType::AddressSpace>(Handle(t.src_space), Right::Map));
  FB_ASSIGN(const auto target, lookup<ObjectType::Pages>(Handle(t.dst_pages), Right::Map));
  FB_ASSIGN(const auto source, lookup<ObjectType::Pages>(Handle(t.src_pages), Right::Map));
  const VirtAddr destination(t.dst_offset), origin(t.src_offset);
  const bool aligned =
      destination.page_aligned() && origin.page_aligned() && (t.count & core::kPageMask) == 0;
  if (!aligned || !core::user_range(destination, ByteCount(t.count)) ||
      !core::user_range(origin, ByteCount(t.count))) {
    return core::fail(Error::BadAddress);
  }
  if (source.object != target.object) return core::fail(Error::BadArgument);
  const auto access = target.entry->rights().meet(Right::Read | Right::Write);
  FB_ASSIGN(const auto permissions, core::mem::Permissions::from_bits(access.raw()));
  const auto pages = std::min(t.count >> core::kPageShift, kMoveAtOnce);
  mem::DetachedTables detached(kernel->table_machine);
  Result<> moved{};
  std::uint64_t done = 0;
  for (; done < pages && moved; ++done) {
    const ByteCount step(done * core::kPageSize);
    moved = move_page(kernel->table_machine, *from, origin + step, *to, destination + step, target,
                      permissions, detached);
  }
  sched::shoot_down(*this, *from);
  detached.drain();
  if (!moved && done <= 1) return core::fail(moved.error());
  return ByteCount((moved ? done : done - 1) * core::kPageSize);
}

}  // namespace fb::kernel::syscall
