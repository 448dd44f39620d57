#include "libos/posix/uring/request.hpp"

#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {

void Request::Joined::woken() { request_.owner->woken(request_); }

void Request::ring() {
  const Ref<Ring> keep(*owner);
  keep->expired(*this);
}

void Request::join(const vfs::PollState& from) {
  constexpr std::uint32_t kOutput = vfs::poll::kOut | vfs::poll::kWriteNormal | poll::event::kWriteBand;
  const std::array<bool, 2> wants{(wanted() & ~kOutput) != 0, (wanted() & kOutput) != 0};
  for (std::size_t i = 0; i < joined_.size(); ++i) {
    if (from.queues[i] == nullptr) continue;
    // Errors come by either queue.
    if (operation.kind == Kind::Poll || !from.split || wants[i]) joined_[i].join(*from.queues[i]);
  }
}

void Request::leave() {
  for (auto& joined : joined_) joined.leave();
}

bool Request::breaks_chain(std::int32_t outcome) const {
  if (operation.kind == Kind::Timeout && (sqe.how & timeout::kTimeSuccess) != 0 &&
      outcome == -static_cast<std::int32_t>(Errno::TimerExpired)) {
    return false;
  }
  return outcome < 0 || (operation.transfers && static_cast<std::uint64_t>(outcome) != size);
}

}  // namespace fb::libos::posix::uring
