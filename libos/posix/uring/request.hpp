// One submission on its way from the ring to its completion.
#pragma once

#include <array>

#include "libos/posix/poll/alarms.hpp"
#include "libos/posix/poll/joined_queue.hpp"
#include "libos/posix/uring/operation.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::uring {

class Ring;
class Submitter;

/// A struct iovec, read when it was submitted.
struct Extent {
  std::uint64_t address, size;
};

/// Its ring owns it; a worker does when the ring is gone. After its completion it may stay until that has found room.
class Request final : public poll::Alarm {
 public:
  enum class State : std::uint8_t {
    Linked,    ///< behind another of its chain
    Deferred,  ///< the first of a chain that others have to come before
    Runnable,  ///< to be begun
    Running,   ///< just now
    Waiting,   ///< for its file or its time
    Ready,     ///< its file has changed: to be tried again
    Queued,    ///< for a worker
    Working,   ///< a worker waits in it
    Done       ///< its completion finds no room
  };

  Request(Ring& its_ring, Submitter& its_submitter, const Sqe& submission)
      : sqe(submission), owner(&its_ring), submitter(&its_submitter) {}
  ~Request() = default;

  /// Joins what its operation waits for; leaves it.
  void join(const vfs::PollState& from);
  void leave();
  [[nodiscard]] bool is(std::uint8_t flag) const { return (sqe.flags & flag) != 0; }
  /// A result that the rest of a chain does not survive.
  [[nodiscard]] bool breaks_chain(std::int32_t result) const;
  [[nodiscard]] std::uint32_t wanted() const {
    return operation.kind == Kind::Poll ? sqe.how : operation.waits_for;
  }

  const Sqe sqe;
  Ring* owner;  ///< null when that is gone, and a worker still at it
  Submitter* submitter;
  Operation operation;
  State state = State::Linked;
  bool admitted = false;  ///< it is among those that a drain waits for
  bool drains = false;    ///< those behind it wait for it
  Ref<vfs::File> file;
  Vector<Extent> pieces;
  std::uint64_t size = 0;      ///< bytes of a transfer
  Request* next = nullptr;     ///< of its chain
  Request* partner = nullptr;  ///< a link timeout and what it is for, while it runs
  core::Nanoseconds time{};    ///< a timeout's, as a moment of the monotonic clock or a duration
  std::uint32_t target = 0;    ///< a timeout's count of completions
  vfs::Patience patience;      ///< a worker's
  std::int32_t result = 0;
  core::list::ListLink of_ring, of_submitter, in_queue;

 private:
  class Joined final : public poll::JoinedQueue {
   public:
    explicit Joined(Request& request) : request_(request) {}

   private:
    void woken() override;
    Request& request_;
  };
  /// Its time has come.
  void ring() override;

  std::array<Joined, 2> joined_{Joined(*this), Joined(*this)};
};

}  // namespace fb::libos::posix::uring
