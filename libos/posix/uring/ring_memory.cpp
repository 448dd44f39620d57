#include "libos/posix/uring/ring_memory.hpp"

#include <algorithm>
#include <cstring>

namespace fb::libos::posix::uring {
namespace {

enum Offset : std::uint32_t {
  kSqHead = 0,
  kSqTail = 4,
  kCqHead = 8,
  kCqTail = 12,
  kSqMask = 16,
  kCqMask = 20,
  kSqEntries = 24,
  kCqEntries = 28,
  kSqDropped = 32,
  kSqFlags = 36,
  kCqFlags = 40,
  kCqOverflow = 44,
  kCqes = 64
};
constexpr std::uint32_t kLine = 64;

core::PageCount pages_of(std::uint64_t bytes) { return core::pages_for(core::ByteCount(bytes)); }

}  // namespace

Answer<RingMemory::Pages> RingMemory::reach(Frames& frames, mm::Backing& region, core::PageCount pages) {
  Pages reached;
  FB_TRY(reached.reserve(pages.raw()));
  for (std::uint64_t page = 0; page < pages.raw(); ++page) {
    FB_ASSIGN(const auto frame, region.frame(page));
    frames.release(frame);  // the region keeps it
    FB_TRY(reached.push_back(frames.bytes(frame).data()));
  }
  return reached;
}

Answer<RingMemory> RingMemory::make(Frames& frames, std::uint32_t sq_entries, std::uint32_t cq_entries,
                                    bool has_array) {
  RingMemory made;
  made.sq_entries_ = sq_entries;
  made.cq_entries_ = cq_entries;
  made.has_array_ = has_array;
  const auto end = static_cast<std::uint32_t>(kCqes + cq_entries * sizeof(Cqe));
  made.array_ = (end + kLine - 1) / kLine * kLine;
  const auto words = pages_of(made.array_ + (has_array ? sq_entries * sizeof(std::uint32_t) : 0)),
             sqes = pages_of(sq_entries * sizeof(Sqe));
  FB_ASSIGN(made.rings_, make_shared<Region>(frames, words));
  FB_ASSIGN(made.submissions_, make_shared<Region>(frames, sqes));
  FB_ASSIGN(made.words_, reach(frames, *made.rings_, words));
  FB_ASSIGN(made.sqes_, reach(frames, *made.submissions_, sqes));
  made.store(kSqMask, sq_entries - 1);
  made.store(kCqMask, cq_entries - 1);
  made.store(kSqEntries, sq_entries);
  made.store(kCqEntries, cq_entries);
  return made;
}

void RingMemory::describe(Params& params) const {
  params.sq_entries = sq_entries_;
  params.cq_entries = cq_entries_;
  params.sq = {.head = kSqHead,
               .tail = kSqTail,
               .mask = kSqMask,
               .entries = kSqEntries,
               .flags = kSqFlags,
               .dropped = kSqDropped,
               .array = has_array_ ? array_ : 0,
               .reserved = 0,
               .user_address = 0};
  params.cq = {.head = kCqHead,
               .tail = kCqTail,
               .mask = kCqMask,
               .entries = kCqEntries,
               .overflow = kCqOverflow,
               .cqes = kCqes,
               .flags = kCqFlags,
               .reserved = 0,
               .user_address = 0};
}

Ref<mm::Backing> RingMemory::at(std::uint64_t offset, std::uint64_t bytes) const {
  const bool rings = offset == kMapSq || offset == kMapCq;
  if (!rings && offset != kMapSqes) return {};
  const std::uint64_t room = (rings ? words_ : sqes_).size() << core::kPageShift;
  if (bytes > room) return {};
  return rings ? Ref<mm::Backing>(rings_) : Ref<mm::Backing>(submissions_);
}

std::uint32_t* RingMemory::word(std::uint32_t offset) const {
  return reinterpret_cast<std::uint32_t*>(words_[offset >> core::kPageShift] + (offset & core::kPageMask));
}

std::uint32_t RingMemory::submissions() { return std::min(load(kSqTail) - sq_head_, sq_entries_); }

bool RingMemory::take(Sqe& into) {
  std::uint32_t index = sq_head_++ & (sq_entries_ - 1);
  if (has_array_) index = load(array_ + index * static_cast<std::uint32_t>(sizeof(index)));
  if (index >= sq_entries_) {
    store(kSqDropped, ++dropped_);
    return false;
  }
  const std::size_t at = index * sizeof(Sqe);
  std::memcpy(&into, sqes_[at >> core::kPageShift] + (at & core::kPageMask), sizeof(into));
  // Whatever is decided is decided about this copy.
  __asm__ volatile("" : : "r"(&into) : "memory");
  return true;
}

void RingMemory::commit() { store(kSqHead, sq_head_); }

std::uint32_t RingMemory::completions() { return std::min(cq_tail_ - load(kCqHead), cq_entries_); }

bool RingMemory::put(const Cqe& completion) {
  if (completions() == cq_entries_) return false;
  const std::size_t at = kCqes + (cq_tail_ & (cq_entries_ - 1)) * sizeof(Cqe);
  std::memcpy(words_[at >> core::kPageShift] + (at & core::kPageMask), &completion, sizeof(completion));
  store(kCqTail, ++cq_tail_);
  return true;
}

void RingMemory::set_overflowing(bool overflowing) {
  if (overflowing)
    __atomic_fetch_or(word(kSqFlags), kOverflowing, __ATOMIC_RELEASE);
  else
    __atomic_fetch_and(word(kSqFlags), ~kOverflowing, __ATOMIC_RELEASE);
}

bool RingMemory::events_off() { return (load(kCqFlags) & kEventsOff) != 0; }

}  // namespace fb::libos::posix::uring
