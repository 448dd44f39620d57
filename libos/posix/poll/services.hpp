// What all files of events of an instance share.
#pragma once

#include "libos/posix/poll/alarms.hpp"
#include "libos/posix/poll/quota.hpp"
#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::poll {

/// Made once; outlives every file.
struct Services {
  Alarms& alarms;
  vfs::Clock& clock;  ///< of time since 1970
  Quota epoll_watches{1 << 17};
  Quota inotify_instances{128};  ///< /proc/sys/fs/inotify/max_user_instances
  Quota inotify_watches{1 << 15};
  Quota inotify_events{1 << 16};  ///< that wait in all instances together
  std::uint64_t epoll_visit = 0;  ///< the number of the last walk through epolls that watch epolls
  std::uint32_t inotify_cookie = 0;
};

}  // namespace fb::libos::posix::poll
