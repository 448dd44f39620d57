// Epolls that watch epolls: no rings, and chains of at most five.
#include <algorithm>

#include "libos/posix/poll/epoll.hpp"

namespace fb::libos::posix::poll {

std::uint32_t Epoll::depth_below(const Epoll& target, std::uint64_t visit, std::uint32_t at) {
  if (this == &target || at > kNestMost) return kNestMost + 1;
  if (std::exchange(below_visit_, visit) == visit) return below_;
  below_ = 0;
  for (EpollItem& item : nested_) {
    auto& child = static_cast<Epoll&>(*item.key.file);
    below_ = std::max(below_, child.depth_below(target, visit, at + 1) + 1);
    if (below_ > kNestMost) break;
  }
  return below_;
}

/// How many are along the longest chain above this. What exists has no rings and is no longer than it may be. Nobody but
/// epolls watches the ends of files.
std::uint32_t Epoll::depth_above(std::uint64_t visit) {
  if (std::exchange(above_visit_, visit) == visit) return above_;
  above_ = 0;
  for (vfs::FileWatcher* at = watchers().first(); at != nullptr; at = watchers().next(*at)) {
    above_ = std::max(above_, static_cast<EpollItem*>(at)->epoll.depth_above(visit) + 1);
  }
  return above_;
}

/// Errors: Loop when this watches `watched`.
Answer<> Epoll::check_nesting(Epoll& watched) {
  const std::uint64_t visit = ++services_.epoll_visit;
  const std::uint32_t below = watched.depth_below(*this, visit, 0);
  if (below > kNestMost || below + 1 + depth_above(visit) > kNestMost) return fail(Errno::Loop);
  return {};
}

}  // namespace fb::libos::posix::poll
