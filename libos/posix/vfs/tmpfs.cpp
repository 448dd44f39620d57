#include "libos/posix/vfs/tmpfs.hpp"

#include "libos/posix/vfs/tmpfs_nodes.hpp"

namespace fb::libos::posix::vfs {
namespace {

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
          .changed = now,
          .created = now};
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

Answer<ExtendedAttributes*> TmpNode::extended() {
  if (extended_ == nullptr) extended_.reset(new (std::nothrow) ExtendedAttributes);
  if (extended_ == nullptr) return fail(Errno::NoMemory);
  return extended_.get();
}

TmpLink::TmpLink(const Ref<Tmpfs::Store>& store, const NewInode& begin, String target)
    : TmpNode(store, begin), target_(std::move(target)) {
  attributes().size = target_.view().size();
}

Answer<std::string_view> TmpLink::readlink() {
  mark_accessed();
  return target_.view();
}

}  // namespace fb::libos::posix::vfs
