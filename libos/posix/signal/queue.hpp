// Signals that were sent and not delivered yet.
#pragma once

#include "libos/posix/base/vector.hpp"
#include "libos/posix/signal/abi.hpp"

namespace fb::libos::posix::signal {

/// Of one thread, or of one process. A standard signal is pending once however often it came; real-time signals queue, in
/// order, with what was sent along (signal(7), "Queueing and delivery semantics"). Not for concurrent use.
class Queue {
 public:
  static constexpr std::size_t kMost = 1024;

  /// Errors: TryAgain, when a real-time signal has no place any more. One that comes from ring 0 or kill() is pending all
  /// the same then, without what came along.
  Answer<> add(const Info& info);
  /// The next that is in `wanted`: synchronous ones first, then by number.
  std::optional<Info> take(Set wanted);
  [[nodiscard]] Set pending() const { return pending_; }
  /// How many wait with what was sent along.
  [[nodiscard]] std::size_t size() const { return infos_.size(); }
  /// As if they had not been sent.
  void drop(Set signals);

 private:
  Set pending_;
  Vector<Info> infos_;  ///< in the order they came
};

}  // namespace fb::libos::posix::signal
