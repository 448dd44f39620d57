#include "libos/posix/vfs/notify.hpp"

namespace fb::libos::posix::vfs {
namespace {

/// One name's move. Whoever watches gives the cookie.
void note_one(const Move& move, Inode& moved) {
  InodeWatcher* witness = move.from.watchers().first();
  if (witness == nullptr) witness = move.to.watchers().first();
  const std::uint32_t cookie = witness == nullptr ? 0 : witness->fresh_cookie();
  note_entry(move.from, notice::kMovedFrom, moved, move.name, cookie);
  note_entry(move.to, notice::kMovedTo, moved, move.to_name, cookie);
}

}  // namespace

void note_move(const Move& move, Inode& moved, Inode* over, bool exchanged) {
  if (&moved == over) return;  // two names of one file: nothing was done
  note_one(move, moved);
  if (over != nullptr && !exchanged) note_self(*over, notice::kAttributes);
  note_self(moved, notice::kMoveSelf);
  if (over == nullptr || !exchanged) return;
  note_one({.from = move.to, .name = move.to_name, .to = move.from, .to_name = move.name}, *over);
  note_self(*over, notice::kMoveSelf);
}

}  // namespace fb::libos::posix::vfs
