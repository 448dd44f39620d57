// Who holds locks of files, and what it waits for: what finds deadlocks.
#pragma once

#include "core/list/list.hpp"

namespace fb::libos::posix::vfs {

class LockOwner;

/// A lock that somebody waits for, and who is in the way.
struct LockWait {
  LockOwner* blocker;
  core::list::ListLink link{};
};

/// A descriptor table is one, for the locks of its process, and an open file description. It lets go of all its locks before
/// it dies (Locks::forget).
class LockOwner {
 public:
  LockOwner() = default;
  LockOwner(const LockOwner&) = delete;
  LockOwner& operator=(const LockOwner&) = delete;

 private:
  friend class Locks;
  core::list::List<LockWait, &LockWait::link> waits_;
};

}  // namespace fb::libos::posix::vfs
