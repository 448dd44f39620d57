// Regular files of a Tmpfs.
#include <algorithm>
#include <array>

#include "libos/posix/vfs/tmpfs_nodes.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::array<std::byte, core::kPageSize> kZeros{};

}  // namespace

/// Bytes behind the size may be what a mapping or a failed write has left; they must be zero when the file grows.
void TmpFile::clear_tail() {
  const std::uint64_t size = attributes().size;
  const FrameId frame = pages_.get(size >> core::kPageShift);
  if ((size & core::kPageMask) == 0 || frame == FrameId(0)) return;
  std::ranges::fill(store().frames.bytes(frame).subspan(size & core::kPageMask), std::byte{0});
}

void TmpFile::count_pages() {
  store().pages = store().pages - attributes().pages + pages_.held();
  attributes().pages = pages_.held();
}

Answer<FrameId> TmpFile::fill(std::uint64_t page) {
  const FrameId held = pages_.get(page);
  if (held != FrameId(0)) return held;
  if (store().pages >= store().limits.pages) return fail(Errno::NoSpace);
  auto made = pages_.fill(page);
  count_pages();
  return made;
}

Answer<std::size_t> TmpFile::read(std::uint64_t offset, Output& out, std::size_t count) {
  mark_accessed();
  const std::uint64_t size = attributes().size;
  if (offset >= size) return 0;
  count = std::min<std::uint64_t>(count, size - offset);
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t at = offset + done;
    const std::size_t within = at & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    const FrameId frame = pages_.get(at >> core::kPageShift);
    const std::byte* const bytes = frame == FrameId(0) ? kZeros.data() : store().frames.bytes(frame).data();
    if (const auto put = out.put({bytes + within, piece}); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    done += piece;
  }
  return done;
}

Answer<std::size_t> TmpFile::write(std::uint64_t offset, Input& in, std::size_t count) {
  if (count == 0) return 0;
  if (offset >= kLargestFile) return fail(Errno::FileTooLarge);
  count = std::min<std::uint64_t>(count, kLargestFile - offset);
  if ((seals_ & seal::kNoWrites) != 0) return fail(Errno::Perm);
  if (offset > attributes().size) clear_tail();
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t at = offset + done;
    const std::size_t within = at & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    const bool hole = pages_.get(at >> core::kPageShift) == FrameId(0);
    if ((seals_ & seal::kGrow) != 0 && at + piece > attributes().size) {
      if (done == 0) return fail(Errno::Perm);
      break;
    }
    const auto frame = fill(at >> core::kPageShift);
    Answer<> taken =
        frame ? in.take(store().frames.bytes(*frame).subspan(within, piece)) : Answer<>(fail(frame.error()));
    if (!taken) {
      // Who writes from a mapping of this page may have it by now.
      if (frame && hole && store().frames.count(*frame) == 1) pages_.drop(at >> core::kPageShift);
      count_pages();
      if (done == 0) return fail(taken.error());
      break;
    }
    done += piece;
  }
  attributes().size = std::max(attributes().size, offset + done);
  mark_modified();
  return done;
}

Answer<> TmpFile::truncate(std::uint64_t size) {
  if (size > kLargestFile) return fail(Errno::FileTooLarge);
  const std::uint64_t old = attributes().size;
  if ((seals_ & seal::kShrink) != 0 && size < old) return fail(Errno::Perm);
  if ((seals_ & seal::kGrow) != 0 && size > old) return fail(Errno::Perm);
  if (size > old) clear_tail();
  attributes().size = size;
  const std::uint64_t end = core::pages_for(core::ByteCount(size)).raw();
  if (viewer() != nullptr && size < old) viewer()->leave(end, ~std::uint64_t{0}, true);
  // What has been allocated ahead stays when a file grows.
  if (size <= old) pages_.cut(end);
  clear_tail();
  count_pages();
  mark_modified();
  return {};
}

Answer<FrameId> TmpFile::frame_at(core::PageCount page) {
  if (page >= core::pages_for(core::ByteCount(attributes().size))) return fail(Errno::Fault);
  return fill(page.raw());
}

/// Zeros from `offset` on; pages that are all zero are given back.
void TmpFile::punch(std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t first = core::pages_for(core::ByteCount(offset)).raw(), stop = end >> core::kPageShift;
  const auto clear = [&](std::uint64_t from, std::uint64_t to) {
    const FrameId frame = pages_.get(from >> core::kPageShift);
    if (from >= to || frame == FrameId(0)) return;
    std::ranges::fill(store().frames.bytes(frame).subspan(from & core::kPageMask, to - from), std::byte{0});
  };
  clear(offset, std::min(end, first << core::kPageShift));
  if (stop >= first) clear(stop << core::kPageShift, end);
  if (first >= stop) return;
  if (viewer() != nullptr) viewer()->leave(first, stop, false);
  const std::uint64_t limit = std::min(stop, core::pages_for(core::ByteCount(kLargestFile)).raw());
  for (std::uint64_t page = first; (page = pages_.next(page, limit, false)) != limit; ++page)
    pages_.drop(page);
}

/// All of them or none. Errors: NoSpace.
Answer<> TmpFile::fill_all(std::uint64_t first, std::uint64_t end) {
  const Frames& frames = store().frames;
  const std::uint64_t room = std::min<std::uint64_t>(
      frames.limit() - frames.used(), store().limits.pages - std::min(store().limits.pages, store().pages));
  if (end - first > room + pages_.held()) return fail(Errno::NoSpace);
  std::uint64_t missing = 0;
  for (std::uint64_t page = first; (page = pages_.next(page, end, true)) < end; ++page) ++missing;
  if (missing > room) return fail(Errno::NoSpace);
  for (std::uint64_t page = first; (page = pages_.next(page, end, true)) < end; ++page) FB_TRY(fill(page));
  return {};
}

Answer<> TmpFile::allocate(std::uint32_t mode, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = offset + length;
  if ((mode & allocation::kPunchHole) != 0) {
    if ((seals_ & seal::kNoWrites) != 0) return fail(Errno::Perm);
    punch(offset, end);
    count_pages();
    mark_modified();
    return {};
  }
  if ((seals_ & seal::kGrow) != 0 && end > attributes().size) return fail(Errno::Perm);
  if ((mode & allocation::kZeroRange) != 0 && (seals_ & seal::kNoWrites) != 0) return fail(Errno::Perm);
  if ((mode & allocation::kZeroRange) != 0) punch(offset, end);
  const auto filled = fill_all(offset >> core::kPageShift, core::pages_for(core::ByteCount(end)).raw());
  count_pages();
  FB_TRY(filled);
  if ((mode & allocation::kKeepSize) == 0 && end > attributes().size) {
    clear_tail();
    attributes().size = end;
  }
  mark_modified();
  return {};
}

Answer<std::uint64_t> TmpFile::find(std::uint64_t offset, bool hole) {
  const std::uint64_t size = attributes().size;
  const std::uint64_t limit = core::pages_for(core::ByteCount(size)).raw();
  const std::uint64_t page = pages_.next(offset >> core::kPageShift, limit, hole);
  if (page >= limit) {
    if (!hole) return fail(Errno::NoDeviceOrAddress);
    return size;
  }
  return std::max(offset, page << core::kPageShift);
}

}  // namespace fb::libos::posix::vfs
