#include "kernel/mem/account.hpp"

#include <algorithm>
#include <bit>

#include "kernel/arch/x86_64/panic.hpp"

namespace fb::kernel::mem {

using core::FrameNumber;
using core::PageCount;
using core::Result;
using core::mem::kNoFrame;

namespace {

/// A free slot of a slab page; Frame::aux holds the address of the first and, in the low bits, the size class.
struct FreeSlot {
  FreeSlot* next;
};
constexpr std::uint64_t kClassMask = 7;

FreeSlot* first_free(const Frame& frame) { return reinterpret_cast<FreeSlot*>(frame.aux & ~kClassMask); }
void set_first_free(Frame& frame, FreeSlot* slot) {
  frame.aux = reinterpret_cast<std::uint64_t>(slot) | (frame.aux & kClassMask);
}

}  // namespace

Result<FrameNumber> Account::take_raw_frames(Memory& memory, PageCount count, FrameState use, void* owner) {
  FB_TRY(books.charge(count));
  const auto first = memory.frames.allocate(count);
  if (!first) {
    (void)books.refund(count);
    return core::fail(first.error());
  }
  auto& frame = memory.frame(*first);
  frame.state = use;
  frame.owner = owner;
  return *first;
}

Result<FrameNumber> Account::take_frames(Memory& memory, PageCount count, FrameState use, void* owner) {
  FB_ASSIGN(const auto first, take_raw_frames(memory, count, use, owner));
  for (std::uint64_t i = 0; i < count.raw(); ++i) zero_frame(first + FrameNumber(i));
  return first;
}

void Account::give_frames(Memory& memory, FrameNumber first, PageCount count) {
  arch::require(memory.frames.free(first, count).has_value(), "a frame was freed twice");
  arch::require(books.refund(count).has_value(), "a budget was refunded more than it paid");
}

Result<void*> Account::allocate(Memory& memory, core::ByteCount bytes) {
  const auto size = std::max(std::bit_ceil(bytes.raw()), std::uint64_t{1} << kSmallestShift);
  const auto size_class = static_cast<unsigned>(std::countr_zero(size)) - kSmallestShift;
  arch::require(size_class < partial_.size(), "an object larger than a slab");
  const core::Guard guard(lock_);
  if (partial_[size_class] == kNoFrame) FB_TRY(add_page(memory, size_class));
  const auto number = partial_[size_class];
  auto& frame = memory.frame(FrameNumber(number));
  auto* slot = first_free(frame);
  set_first_free(frame, slot->next);
  frame.live += 1;
  if (first_free(frame) == nullptr) unlink(memory, number, size_class);
  __builtin_memset(slot, 0, size);
  return slot;
}

void Account::free(Memory& memory, void* object) {
  const auto number = static_cast<std::uint32_t>(arch::direct_to_physical(object).frame().raw());
  auto& frame = memory.frame(FrameNumber(number));
  const auto size_class = static_cast<unsigned>(frame.aux & kClassMask);
  const core::Guard guard(lock_);
  if (first_free(frame) == nullptr) link(memory, number, size_class);
  // An object may begin with another base than the one it is known by here.
  const auto size = std::uint64_t{1} << (size_class + kSmallestShift);
  auto* slot = reinterpret_cast<FreeSlot*>(reinterpret_cast<std::uint64_t>(object) & ~(size - 1));
  slot->next = first_free(frame);
  set_first_free(frame, slot);
  frame.live -= 1;
  if (frame.live != 0) return;
  unlink(memory, number, size_class);
  give_frames(memory, FrameNumber(number), PageCount(1));
}

Result<> Account::add_page(Memory& memory, unsigned size_class) {
  FB_ASSIGN(const auto first, take_raw_frames(memory, PageCount(1), FrameState::Slab, this));
  auto& frame = memory.frame(first);
  const auto size = std::uint64_t{1} << (size_class + kSmallestShift);
  const auto base = reinterpret_cast<std::uint64_t>(arch::direct(core::PhysAddr(first)));
  FreeSlot* next = nullptr;
  for (auto at = base + core::kPageSize; at > base; at -= size) {
    auto* slot = reinterpret_cast<FreeSlot*>(at - size);
    slot->next = next;
    next = slot;
  }
  frame.live = 0;
  frame.aux = reinterpret_cast<std::uint64_t>(next) | size_class;
  link(memory, static_cast<std::uint32_t>(first.raw()), size_class);
  return {};
}

void Account::link(Memory& memory, std::uint32_t number, unsigned size_class) {
  auto& frame = memory.frame(FrameNumber(number));
  frame.prev = kNoFrame;
  frame.next = partial_[size_class];
  if (frame.next != kNoFrame) memory.frame(FrameNumber(frame.next)).prev = number;
  partial_[size_class] = number;
}

void Account::unlink(Memory& memory, std::uint32_t number, unsigned size_class) {
  const auto& frame = memory.frame(FrameNumber(number));
  if (frame.next != kNoFrame) memory.frame(FrameNumber(frame.next)).prev = frame.prev;
  if (frame.prev != kNoFrame) {
    memory.frame(FrameNumber(frame.prev)).next = frame.next;
  } else {
    partial_[size_class] = frame.next;
  }
}

}  // namespace fb::kernel::mem
