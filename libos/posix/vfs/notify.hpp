// Telling those who watch (inotify(7)). Nothing is done where nobody does.
#pragma once

#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::vfs {

/// Something happened to the inode, whatever its name.
inline void note_self(Inode& inode, std::uint32_t what) {
  if (inode.watchers().empty()) return;
  inode.watchers().tell(what | (inode.is_directory() ? notice::kDirectory : 0));
}

/// `name` is no longer in `directory`.
inline void note_gone(Inode& directory, std::string_view name, bool was_directory) {
  if (directory.watchers().empty()) return;
  directory.watchers().tell(notice::kDelete | (was_directory ? notice::kDirectory : 0), name);
}

/// `which` came into `directory` as `name`, or left it.
inline void note_entry(Inode& directory, std::uint32_t what, const Inode& which, std::string_view name,
                       std::uint32_t cookie = 0) {
  if (directory.watchers().empty()) return;
  directory.watchers().tell(what | (which.is_directory() ? notice::kDirectory : 0), name, cookie);
}

struct Move {
  Inode& from;
  std::string_view name;
  Inode& to;
  std::string_view to_name;
};
/// `moved` has moved, over `over` if that is there, or in exchange for it.
void note_move(const Move& move, Inode& moved, Inode* over, bool exchanged);

}  // namespace fb::libos::posix::vfs
