#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix {

Answer<> Frames::grow() {
  const auto first = static_cast<std::uint32_t>(entries_.size());
  FB_TRY(runs_.reserve(runs_.size() + 1));
  FB_TRY(entries_.reserve(first + FrameSource::kRunPages));
  FB_ASSIGN(std::byte* const run, source_.grow());
  FB_TRY(runs_.push_back(run));
  for (std::uint32_t i = 0; i < FrameSource::kRunPages; ++i) {
    const bool last = i + 1 == FrameSource::kRunPages;
    FB_TRY(entries_.push_back({.count = 0, .next_free = last ? free_ : FrameId(first + i + 2)}));
  }
  free_ = FrameId(first + 1);
  return {};
}

Answer<FrameId> Frames::allocate() {
  if (used_ == limit_) return fail(Errno::NoMemory);
  if (free_ == FrameId(0)) FB_TRY(grow());
  const FrameId frame = free_;
  free_ = entry(frame).next_free;
  entry(frame).count = 1;
  ++used_;
  __builtin_memset(bytes(frame).data(), 0, core::kPageSize);
  return frame;
}

Answer<FrameId> Frames::copy(FrameId frame) {
  FB_ASSIGN(const FrameId made, allocate());
  __builtin_memcpy(bytes(made).data(), bytes(frame).data(), core::kPageSize);
  return made;
}

void Frames::release(FrameId frame) {
  Entry& left = entry(frame);
  if (--left.count != 0) return;
  left.next_free = free_;
  free_ = frame;
  --used_;
}

}  // namespace fb::libos::posix
