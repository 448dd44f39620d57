// Faults, and the LibOS's own way to a program's memory.
#include <algorithm>

#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

namespace {

/// On this machine whatever can be touched at all can be read.
bool allows(std::uint32_t protection, Touch touch) {
  switch (touch) {
    case Touch::Read:
      return protection != kProtNone;
    case Touch::Write:
      return (protection & kProtWrite) != 0;
    case Touch::Execute:
      return (protection & kProtExecute) != 0;
  }
  return false;
}

}  // namespace

/// Of a page that may be written: it is not copied on write any more when a write touches it.
Access Space::wanted(const Page& page, std::uint32_t protection, Touch touch) const {
  if (allows(page.access, touch)) return page.access;
  if (touch == Touch::Write) return Access::ReadWrite;
  if (touch == Touch::Execute) return Access::ReadExecute;
  return best(page, protection);
}

/// Of an instruction in a page that it writes to: it was fetched, so that the page was not writable, and will be fetched
/// again. One that begins on the page before was fetched from both if this page became executable for it just now.
bool Space::stuck(const Area& area, std::uint64_t address, Touch touch, std::uint64_t instruction) {
  const std::uint64_t number = address >> core::kPageShift, from = instruction >> core::kPageShift;
  if (touch == Touch::Execute) {
    executed_page_ = number;
    executed_at_ = instruction;
  }
  if (touch != Touch::Write || (area.protection & kProtExecute) == 0) return false;
  return from == number || (from + 1 == number && executed_page_ == number && executed_at_ == instruction);
}

Answer<FaultResult> Space::fault(core::VirtAddr address, Touch touch, core::VirtAddr instruction) {
  const std::uint64_t start = page_down(address.raw()), number = start >> core::kPageShift;
  if (start >= kTop) return FaultResult::NotMapped;
  const Area* area = areas_.find(start);
  if (area == nullptr) area = grow_stack(start);
  if (area == nullptr) return FaultResult::NotMapped;
  if (!allows(area->protection, touch)) return FaultResult::NotAllowed;
  if (stuck(*area, start, touch, instruction.raw())) return FaultResult::NotAllowed;
  Page* const page = pages_.find(number);
  if (page == nullptr) return fault_new(*area, number, touch);
  const bool write = touch == Touch::Write && !page->shared;
  if (write && frames_.count(page->frame) > 1) FB_TRY(unshare(number, *page));
  const bool was_read = page->access == Access::Read;
  if (write) pages_.make_own(number);
  FB_TRY(show(number, *page, wanted(*page, area->protection, touch)));
  if (write && was_read) write_around(*area, number);
  return FaultResult::Handled;
}

const Area* Space::grow_stack(std::uint64_t address) {
  const std::size_t at = areas_.above(address);
  if (at == areas_.view().size() || address < kLowest) return nullptr;
  const Area& area = areas_.view()[at];
  if (!area.grows_down || area.range.end - address > limits_.stack.raw()) return nullptr;
  if (!check_size(area.range.start - address, area)) return nullptr;
  if (at != 0) {
    const Area& below = areas_.view()[at - 1];
    const bool guarded = !below.grows_down && below.protection != kProtNone;
    if (guarded && address - below.range.end < kStackGuard) return nullptr;
  }
  areas_.lower(at, address);
  return areas_.find(address);
}

/// A frame that a write may go to, if `touch` is one.
Answer<FrameId> Space::load(const Area& area, std::uint64_t address, Touch touch) {
  if (!area.backing) return frames_.allocate();
  FB_ASSIGN(const FrameId frame, area.backing->frame(area.backing_page(address)));
  if (touch != Touch::Write || area.shared || frames_.count(frame) == 1) return frame;
  const auto copy = frames_.copy(frame);
  frames_.release(frame);
  return copy;
}

/// A copy of its own for a page whose frame others have too.
Answer<> Space::unshare(std::uint64_t number, Page& page) {
  FB_ASSIGN(const FrameId copy, frames_.copy(page.frame));
  if (page.access != Access::None) {
    // Every CPU must read the copy before a write goes to it, and none the frame when it is no longer held.
    page.access = Access::None;
    mapper_.unmap(core::VirtAddr(number << core::kPageShift), core::PageCount(1));
    settle();
  }
  frames_.release(page.frame);
  page.frame = copy;
  return {};
}

Answer<> Space::show(std::uint64_t number, Page& page, Access access) {
  const core::VirtAddr address(number << core::kPageShift);
  if (page.access != Access::None && page.access != access) {
    page.access = access;
    mapper_.protect(address, core::PageCount(1), access);
    return {};
  }
  // The machine lost it, or another thread's fault came first.
  if (page.access == access) mapper_.unmap(address, core::PageCount(1));
  page.access = access;
  return mapper_.map(address, page.frame, core::PageCount(1), access);
}

Answer<FaultResult> Space::need(std::uint64_t address, Touch touch) {
  const Page* const page = pages_.find(address >> core::kPageShift);
  if (page != nullptr && allows(page->access, touch)) return FaultResult::Handled;
  return fault(core::VirtAddr(address), touch);
}

Answer<FrameId> Space::reach(std::uint64_t address, Touch touch) {
  // What the machine may have is what the area allows, and not to be copied.
  const Page* page = pages_.find(address >> core::kPageShift);
  if (page == nullptr || !allows(page->access, touch)) {
    FB_ASSIGN(const FaultResult result, fault(core::VirtAddr(address), touch));
    if (result != FaultResult::Handled) return fail(Errno::Fault);
    page = pages_.find(address >> core::kPageShift);
  }
  return page->frame;
}

Answer<> Space::read_pieces(core::VirtAddr address, std::span<std::byte> into) {
  if (into.empty()) return {};
  if (!core::user_range(address, core::ByteCount(into.size()))) return fail(Errno::Fault);
  for (std::uint64_t at = address.raw(); !into.empty();) {
    FB_ASSIGN(const FrameId frame, reach(at, Touch::Read));
    const auto offset = at & core::kPageMask;
    const auto part = std::min<std::size_t>(core::kPageSize - offset, into.size());
    __builtin_memcpy(into.data(), frames_.bytes(frame).data() + offset, part);
    into = into.subspan(part);
    at += part;
  }
  return {};
}

Answer<> Space::write_pieces(core::VirtAddr address, std::span<const std::byte> from) {
  if (from.empty()) return {};
  if (!core::user_range(address, core::ByteCount(from.size()))) return fail(Errno::Fault);
  for (std::uint64_t at = address.raw(); !from.empty();) {
    FB_ASSIGN(const FrameId frame, reach(at, Touch::Write));
    const auto offset = at & core::kPageMask;
    const auto part = std::min<std::size_t>(core::kPageSize - offset, from.size());
    __builtin_memcpy(frames_.bytes(frame).data() + offset, from.data(), part);
    from = from.subspan(part);
    at += part;
  }
  return {};
}

Answer<std::uint32_t*> Space::word(core::VirtAddr address, Touch touch) {
  if (address.raw() % sizeof(std::uint32_t) != 0) return fail(Errno::Invalid);
  if (std::byte* const there = at_hand(address, sizeof(std::uint32_t), touch); there != nullptr)
    return reinterpret_cast<std::uint32_t*>(there);
  if (!core::user_range(address, core::ByteCount(sizeof(std::uint32_t)))) return fail(Errno::Fault);
  FB_ASSIGN(const FrameId frame, reach(address.raw(), touch));
  return reinterpret_cast<std::uint32_t*>(frames_.bytes(frame).data() + (address.raw() & core::kPageMask));
}

Answer<Vector<char>> Space::read_string(core::VirtAddr address, core::ByteCount limit) {
  Vector<char> text;
  std::uint64_t at = address.raw();
  for (std::uint64_t left = limit.raw(); left != 0;) {
    if (at >= kTop) return fail(Errno::Fault);
    FB_ASSIGN(const FrameId frame, reach(at, Touch::Read));
    const auto offset = at & core::kPageMask;
    const auto part = std::min(core::kPageSize - offset, left);
    const auto bytes = frames_.bytes(frame).subspan(offset, part);
    const auto* const end = static_cast<const std::byte*>(__builtin_memchr(bytes.data(), 0, part));
    const std::size_t size = end == nullptr ? part : static_cast<std::size_t>(end - bytes.data());
    FB_TRY(text.append({reinterpret_cast<const char*>(bytes.data()), size}));
    if (end != nullptr) return text;
    at += part;
    left -= part;
  }
  return fail(Errno::NameTooLong);
}

}  // namespace fb::libos::posix::mm
