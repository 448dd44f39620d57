#include "libos/posix/vfs/pages.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {

std::size_t Pages::position(std::uint64_t number) const {
  // Files mostly begin at their beginning and have no holes of this size, and grow at their end.
  if (number < chunks_.size() && chunks_[number]->number == number) return number;
  if (chunks_.empty() || chunks_[chunks_.size() - 1]->number < number) return chunks_.size();
  const auto* const at =
      std::ranges::lower_bound(chunks_, number, {}, [](const auto& chunk) { return chunk->number; });
  return static_cast<std::size_t>(at - chunks_.begin());
}

FrameId Pages::get(std::uint64_t page) const {
  const std::size_t at = position(page / kChunk);
  return present(at, page / kChunk) ? chunks_[at]->frames[page % kChunk] : FrameId(0);
}

void Pages::get_all(std::uint64_t first, std::span<FrameId> into) const {
  while (!into.empty()) {
    const std::size_t at = position(first / kChunk),
                      count = std::min<std::size_t>(into.size(), kChunk - first % kChunk);
    if (present(at, first / kChunk)) {
      __builtin_memcpy(into.data(), &chunks_[at]->frames[first % kChunk], count * sizeof(FrameId));
    } else {
      std::ranges::fill(into.first(count), FrameId(0));
    }
    into = into.subspan(count);
    first += count;
  }
}

Answer<FrameId> Pages::fill(std::uint64_t page) {
  const std::uint64_t number = page / kChunk;
  const std::size_t at = position(number);
  const bool old = present(at, number);
  if (old && chunks_[at]->frames[page % kChunk] != FrameId(0)) return chunks_[at]->frames[page % kChunk];

  const auto frame = frames_.allocate();
  if (!frame) return fail(Errno::NoSpace);
  if (!old) {
    std::unique_ptr<Chunk> chunk(new (std::nothrow) Chunk{.number = number, .held = 0, .frames = {}});
    if (chunk == nullptr || !chunks_.insert(at, std::move(chunk))) {
      frames_.release(*frame);
      return fail(Errno::NoSpace);
    }
  }
  chunks_[at]->frames[page % kChunk] = *frame;
  ++chunks_[at]->held;
  ++held_;
  return *frame;
}

void Pages::drop(std::uint64_t page) {
  const std::size_t at = position(page / kChunk);
  if (!present(at, page / kChunk)) return;
  FrameId& frame = chunks_[at]->frames[page % kChunk];
  if (frame == FrameId(0)) return;
  frames_.release(std::exchange(frame, FrameId(0)));
  --held_;
  if (--chunks_[at]->held == 0) chunks_.erase(at);
}

void Pages::release(Chunk& chunk, std::uint64_t first) {
  for (std::uint64_t i = first; i < kChunk; ++i) {
    if (chunk.frames[i] == FrameId(0)) continue;
    frames_.release(std::exchange(chunk.frames[i], FrameId(0)));
    --chunk.held;
    --held_;
  }
}

void Pages::cut(std::uint64_t page) {
  while (!chunks_.empty() && chunks_.back()->number >= page / kChunk) {
    Chunk& last = *chunks_.back();
    release(last, last.number == page / kChunk ? page % kChunk : 0);
    if (last.held != 0) return;
    chunks_.pop_back();
  }
}

std::uint64_t Pages::next(std::uint64_t page, std::uint64_t limit, bool hole) const {
  while (page < limit) {
    const std::size_t at = position(page / kChunk);
    if (at == chunks_.size()) return hole ? page : limit;
    if (chunks_[at]->number != page / kChunk) {
      if (hole) return page;
      page = chunks_[at]->number * kChunk;
      continue;
    }
    if ((chunks_[at]->frames[page % kChunk] == FrameId(0)) == hole) return page;
    ++page;
  }
  return limit;
}

}  // namespace fb::libos::posix::vfs
