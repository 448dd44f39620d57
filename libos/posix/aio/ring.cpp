#include "libos/posix/aio/ring.hpp"

#include <algorithm>
#include <cstring>

namespace fb::libos::posix::aio {
namespace {

/// Nobody punches holes into what both sides use.
class Region final : public mm::SharedMemory {
 public:
  using SharedMemory::SharedMemory;
  Answer<> punch(std::uint64_t /*first*/, std::uint64_t /*end*/) override {
    return fail(Errno::NotSupported);
  }
};

constexpr std::uint32_t kLeast = 16;  // events, whatever is asked for

static_assert(core::kPageSize % sizeof(Event) == 0 && sizeof(RingHead) == sizeof(Event),
              "no event lies on two pages");

}  // namespace

Answer<Ring> Ring::make(Frames& frames, std::uint32_t events) {
  const std::uint64_t wanted = 2 * std::uint64_t{std::max(events, kLeast)} + 2;
  const auto pages = core::pages_for(core::ByteCount(sizeof(RingHead) + wanted * sizeof(Event)));
  Ring made;
  FB_ASSIGN(const auto region, make_shared<Region>(frames, pages));
  made.memory_ = region;
  FB_TRY(made.pages_.reserve(pages.raw()));
  for (std::uint64_t page = 0; page < pages.raw(); ++page) {
    FB_ASSIGN(const auto frame, region->frame(page));
    frames.release(frame);  // the region keeps it
    FB_TRY(made.pages_.push_back(frames.bytes(frame).data()));
  }
  made.events_ = static_cast<std::uint32_t>((core::bytes_of(pages).raw() - sizeof(RingHead)) / sizeof(Event));
  made.top() = {.id = 0,
                .events = made.events_,
                .head = 0,
                .tail = 0,
                .magic = kMagic,
                .compatible = 1,
                .incompatible = 0,
                .size = sizeof(RingHead)};
  return made;
}

// acquire: the program has done with the events that it took.
std::uint32_t Ring::head() const { return __atomic_load_n(&top().head, __ATOMIC_ACQUIRE) % events_; }

std::uint32_t Ring::count() const { return (tail_ + events_ - head()) % events_; }

std::byte* Ring::place(std::uint32_t index) const {
  const std::size_t at = sizeof(RingHead) + index * sizeof(Event);
  return pages_[at >> core::kPageShift] + (at & core::kPageMask);
}

void Ring::put(const Event& event) {
  std::memcpy(place(tail_), &event, sizeof(event));
  tail_ = (tail_ + 1) % events_;
  // release: who sees the tail sees the event.
  __atomic_store_n(&top().tail, tail_, __ATOMIC_RELEASE);
}

Event Ring::peek(std::uint32_t n) const {
  Event event;
  std::memcpy(&event, place((head() + n) % events_), sizeof(event));
  return event;
}

void Ring::take(std::uint32_t count) {
  __atomic_store_n(&top().head, (head() + count) % events_, __ATOMIC_RELEASE);
}

}  // namespace fb::libos::posix::aio
