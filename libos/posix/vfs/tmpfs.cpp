#include "libos/posix/vfs/tmpfs.hpp"

#include <algorithm>

#include "libos/posix/vfs/tmpfs_nodes.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::array<std::byte, core::kPageSize> kZeros{};

Attributes attributes_for(Tmpfs::Store& store, const NewInode& begin) {
  const auto now = store.clock.now();
  return {.device = store.device,
          .inode = ++store.last_inode,
          .mode = begin.mode,
          .uid = begin.uid,
          .gid = begin.gid,
          .links = 1,
          .rdev = begin.rdev,
          .accessed = now,
          .modified = now,
          .changed = now};
}

}  // namespace

Answer<Ref<Tmpfs>> Tmpfs::make(Frames& frames, Clock& clock, std::uint64_t device, const NewInode& root,
                               const Limits& limits) {
  FB_ASSIGN(const auto store, make_shared<Store>(frames, clock, device, limits));
  FB_ASSIGN(const auto top, make_shared<TmpDirectory>(store, root, nullptr));
  return make_shared<Tmpfs>(store, top);
}

Tmpfs::Tmpfs(Ref<Store> store, Ref<Inode> root) : store_(std::move(store)), root_(std::move(root)) {}
Tmpfs::~Tmpfs() = default;

Tmpfs::Usage Tmpfs::usage() const {
  return {.pages = store_->pages, .inodes = store_->inodes, .limits = store_->limits};
}

Statistics Tmpfs::statistics() const {
  const auto at_most = [](std::uint64_t limit, std::uint64_t all) { return std::min(limit, all); };
  const Frames& frames = store_->frames;
  const std::uint64_t free = frames.limit() - frames.used();
  const std::uint64_t blocks = at_most(store_->limits.pages, frames.limit());
  const std::uint64_t files = at_most(store_->limits.inodes, frames.limit());
  return {.type = "tmpfs",
          .magic = magic::kTmpfs,
          .blocks = blocks,
          .free_blocks = std::min(blocks - std::min(blocks, store_->pages), free),
          .files = files,
          .free_files = files - std::min(files, store_->inodes)};
}

TmpNode::TmpNode(const Ref<Tmpfs::Store>& store, const NewInode& begin)
    : Inode(attributes_for(*store, begin)), store_(store) {
  ++store_->inodes;
}

void TmpNode::mark_accessed() {
  Attributes& own = attributes();
  if (own.accessed <= own.modified || own.accessed <= own.changed) own.accessed = store_->clock.now();
}

TmpLink::TmpLink(const Ref<Tmpfs::Store>& store, const NewInode& begin, String target)
    : TmpNode(store, begin), target_(std::move(target)) {
  attributes().size = target_.view().size();
}

Answer<std::string_view> TmpLink::readlink() {
  mark_accessed();
  return target_.view();
}

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
  if (offset > attributes().size) clear_tail();
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t at = offset + done;
    const std::size_t within = at & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    const bool hole = pages_.get(at >> core::kPageShift) == FrameId(0);
    const auto frame = fill(at >> core::kPageShift);
    Answer<> taken =
        frame ? in.take(store().frames.bytes(*frame).subspan(within, piece)) : Answer<>(fail(frame.error()));
    if (!taken) {
      if (frame && hole) pages_.drop(at >> core::kPageShift);
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
  if (size > attributes().size) clear_tail();
  attributes().size = size;
  pages_.cut(core::pages_for(core::ByteCount(size)).raw());
  clear_tail();
  count_pages();
  mark_modified();
  return {};
}

Answer<FrameId> TmpFile::frame_at(core::PageCount page) {
  if (page >= core::pages_for(core::ByteCount(attributes().size))) return fail(Errno::Fault);
  return fill(page.raw());
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
