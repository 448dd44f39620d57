#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix {

Answer<> Frames::grow() {
  std::uint32_t number = 0;
  while (number < runs_.size() && runs_[number].bytes != nullptr) ++number;
  if (number == runs_.size()) {
    constexpr std::size_t kPages = FrameSource::kRunPages;
    FB_TRY(entries_.reserve(entries_.size() + kPages));
    FB_TRY(runs_.push_back({}));
    for (std::size_t i = 0; i < kPages; ++i) FB_TRY(entries_.push_back({}));
  }
  FB_ASSIGN(std::byte* const bytes, source_.grow(number));
  runs_[number] = {.bytes = bytes};
  first_ = number;
  ++there_;
  ++empty_;
  return {};
}

Answer<Frames::Run*> Frames::find_room() {
  if (used_ == limit_) return fail(Errno::NoMemory);
  while (first_ < runs_.size() && !runs_[first_].room()) ++first_;
  if (first_ == runs_.size()) FB_TRY(grow());
  return &runs_[first_];
}

/// One that is zero, with `fresh`, if there is one.
FrameId Frames::take(Run& run, bool fresh) {
  if (run.used++ == 0) --empty_;
  ++used_;
  FrameId frame = run.free;
  if (frame == FrameId(0) || (fresh && run.touched != FrameSource::kRunPages)) {
    frame = FrameId(first_ * FrameSource::kRunPages + ++run.touched);
  } else {
    run.free = entry(frame).next_free;
  }
  entry(frame).count = 1;
  return frame;
}

Answer<FrameId> Frames::allocate() {
  FB_ASSIGN(Run* const run, find_room());
  const bool zero = run->touched != FrameSource::kRunPages;
  const FrameId frame = take(*run, true);
  if (!zero) __builtin_memset(bytes(frame).data(), 0, core::kPageSize);
  return frame;
}

Answer<FrameId> Frames::allocate_raw() {
  FB_ASSIGN(Run* const run, find_room());
  return take(*run, false);
}

Answer<FrameId> Frames::copy(FrameId frame) {
  FB_ASSIGN(const FrameId made, allocate_raw());
  __builtin_memcpy(bytes(made).data(), bytes(frame).data(), core::kPageSize);
  return made;
}

void Frames::take_back(FrameId frame) {
  const auto number = place_of(frame).run;
  Run& run = runs_[number];
  entry(frame).next_free = run.free;
  run.free = frame;
  --used_;
  if (number < first_) first_ = number;
  if (--run.used != 0 || ++empty_ <= kSpareRuns) return;
  run = {};
  source_.give_back(number);
  --there_;
  --empty_;
}

}  // namespace fb::libos::posix
