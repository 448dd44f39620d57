#include "libos/posix/vfs/mounts.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {

Answer<> Mounts::set_root(const Ref<FileSystem>& system, MountLabel label) {
  return mounts_.insert(
      0,
      {.point = {}, .root = system->root(), .system = system, .label = std::move(label), .number = ++last_});
}

Answer<> Mounts::mount(const Ref<Inode>& point, const Ref<FileSystem>& system, MountLabel label) {
  if (!point->is_directory()) return fail(Errno::NotDirectory);
  if (mounts_.size() >= kMost) return fail(Errno::NoSpace);
  const Ref<Inode> covered = top(point);
  const Ref<Inode> root = system->root();
  const bool mounted = std::ranges::any_of(mounts_, [&](const Mount& mount) { return mount.root == root; });
  if (covered == root || mounted) return fail(Errno::Busy);
  points_ |= bit_of(*covered);
  return mounts_.push_back(
      {.point = covered, .root = root, .system = system, .label = std::move(label), .number = ++last_});
}

Answer<Ref<FileSystem>> Mounts::unmount(const Inode& root) {
  const auto* const at = std::ranges::find_if(
      mounts_, [&](const Mount& mount) { return mount.point && mount.root.get() == &root; });
  if (at == mounts_.end()) return fail(Errno::Invalid);
  const std::uint64_t device = root.attributes().device;
  for (const Mount& other : mounts_) {
    if (other.point && other.point->attributes().device == device) return fail(Errno::Busy);
  }
  Ref<FileSystem> system = at->system;
  mounts_.erase(static_cast<std::size_t>(at - mounts_.begin()));
  return system;
}

Ref<Inode> Mounts::top(Ref<Inode> directory) const {
  // Whether anything is mounted there is asked first, for it hardly ever is.
  while ((points_ & bit_of(*directory)) != 0) {
    const auto* const at = std::ranges::find_if(
        mounts_, [&](const Mount& mount) { return mount.point && same_file(*mount.point, *directory); });
    if (at == mounts_.end()) break;
    directory = at->root;
  }
  return directory;
}

Ref<Inode> Mounts::below(const Inode& root) const {
  for (const Mount& mount : mounts_) {
    if (same_file(*mount.root, root)) return mount.point;
  }
  return {};
}

bool Mounts::involves(const Inode& directory) const {
  return std::ranges::any_of(mounts_, [&](const Mount& mount) {
    return same_file(*mount.root, directory) || (mount.point && same_file(*mount.point, directory));
  });
}

const Mounts::Mount* Mounts::holder(const Inode& inode) const {
  for (const Mount& mount : mounts_) {
    if (mount.root->attributes().device == inode.attributes().device) return &mount;
  }
  return nullptr;
}

}  // namespace fb::libos::posix::vfs
