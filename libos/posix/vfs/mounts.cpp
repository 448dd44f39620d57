#include "libos/posix/vfs/mounts.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {

Answer<> Mounts::mount(const Ref<Inode>& point, const Ref<FileSystem>& system) {
  if (!point->is_directory()) return fail(Errno::NotDirectory);
  const Ref<Inode> covered = top(point);
  const Ref<Inode> root = system->root();
  if (covered == root || below(*root)) return fail(Errno::Busy);
  return mounts_.push_back({.point = covered, .root = root, .system = system});
}

Answer<Ref<FileSystem>> Mounts::unmount(const Inode& root) {
  const auto* const at = std::ranges::find(mounts_, &root, [](const Mount& m) { return m.root.get(); });
  if (at == mounts_.end()) return fail(Errno::Invalid);
  const std::uint64_t device = root.attributes().device;
  for (const Mount& other : mounts_) {
    if (other.point->attributes().device == device) return fail(Errno::Busy);
  }
  Ref<FileSystem> system = at->system;
  mounts_.erase(static_cast<std::size_t>(at - mounts_.begin()));
  return system;
}

Ref<Inode> Mounts::top(Ref<Inode> directory) const {
  for (bool again = true; again;) {
    again = false;
    for (const Mount& mount : mounts_) {
      if (mount.point != directory) continue;
      directory = mount.root;
      again = true;
    }
  }
  return directory;
}

Ref<Inode> Mounts::below(const Inode& root) const {
  for (const Mount& mount : mounts_) {
    if (mount.root.get() == &root) return mount.point;
  }
  return {};
}

bool Mounts::involves(const Inode& directory) const {
  return std::ranges::any_of(mounts_, [&](const Mount& mount) {
    return mount.point.get() == &directory || mount.root.get() == &directory;
  });
}

}  // namespace fb::libos::posix::vfs
