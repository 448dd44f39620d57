// From inodes back to paths.
#include <algorithm>

#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::vfs {
namespace {

/// The entry of `directory` that is `child`.
Answer<std::string_view> name_in(Inode& directory, const Inode& child) {
  for (std::uint64_t cookie = 0;;) {
    FB_ASSIGN(const auto entry, directory.entry_after(cookie));
    if (!entry) return fail(Errno::NoEntry);
    if (entry->inode == child.attributes().inode) return entry->name;
    cookie = entry->cookie;
  }
}

}  // namespace

Answer<std::string_view> path_of(const Place& place, const Ref<Inode>& directory, std::span<char> room) {
  if (directory->attributes().links == 0) return fail(Errno::NoEntry);
  std::size_t first = room.size();
  for (Ref<Inode> at = directory; !same_file(*at, *place.root);) {
    while (const Ref<Inode> covered = place.mounts.below(*at)) at = covered;
    FB_ASSIGN(const Ref<Inode> above, at->parent());
    if (same_file(*above, *at)) return fail(Errno::NoEntry);
    FB_ASSIGN(const std::string_view name, name_in(*above, *at));
    if (name.size() + 1 > first) return fail(Errno::Range);
    first -= name.size();
    std::ranges::copy(name, room.data() + first);
    room[--first] = '/';
    at = place.mounts.top(above);
  }
  if (first == room.size()) {
    if (room.empty()) return fail(Errno::Range);
    room[--first] = '/';
  }
  return std::string_view(room.data() + first, room.size() - first);
}

Answer<std::string_view> path_of(const Place& place, const Target& target, std::span<char> room) {
  if (target.inode->is_directory()) return path_of(place, target.inode, room);
  if (!target.origin) return fail(Errno::NoEntry);
  constexpr std::string_view kDeleted = " (deleted)";
  Inode& directory = *target.origin->directory();
  const auto there = directory.lookup(target.origin->name());
  std::string_view name = target.origin->name();
  bool gone = false;
  if (!there || !same_file(**there, *target.inode)) {
    const auto renamed = name_in(directory, *target.inode);
    name = renamed.value_or(name);
    gone = !renamed && target.inode->attributes().links == 0;
  }
  const std::size_t behind = 1 + name.size() + (gone ? kDeleted.size() : 0);
  if (behind > room.size()) return fail(Errno::Range);
  const auto front = path_of(place, target.origin->directory(), {room.data(), room.size() - behind});
  if (!front && front.error() != Errno::NoEntry) return fail(front.error());
  // Of a directory that has been removed nobody knows where it was.
  std::size_t size = front && front->size() > 1 ? front->size() : 0;
  char* const first = room.data() + (room.size() - behind - size);
  char* end = room.data() + (room.size() - behind);
  *end++ = '/';
  end = std::ranges::copy(name, end).out;
  if (gone) end = std::ranges::copy(kDeleted, end).out;
  return std::string_view(first, static_cast<std::size_t>(end - first));
}

}  // namespace fb::libos::posix::vfs
