// Being woken at a time, without a fibre for each: what files of events need, as nobody may be waiting in them.
#pragma once

#include "core/time/deadline_queue.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::poll {

/// Rings once. Is cancelled before it ends.
class Alarm {
 public:
  Alarm() = default;
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  /// May set itself, or another one, again.
  virtual void ring() = 0;
  core::time::DeadlineLink link;

 protected:
  ~Alarm() = default;
};

/// Sees to it that ring_due() is called at a time: a fibre that sleeps, in an instance.
class Pacemaker {
 public:
  /// Not before `earliest` need it be; that is new, and nearer than what was said before.
  virtual void pace(core::Nanoseconds earliest) = 0;
  [[nodiscard]] virtual core::Nanoseconds now() const = 0;

 protected:
  ~Pacemaker() = default;
};

/// All alarms of an instance; times are monotonic. Nothing allocates or fails; each step is O(log n). Not for concurrent use.
class Alarms {
 public:
  explicit Alarms(Pacemaker& pacemaker) : pacemaker_(pacemaker) {}

  [[nodiscard]] core::Nanoseconds now() const { return pacemaker_.now(); }
  /// Anew, if it was set before.
  void set(Alarm& alarm, core::Nanoseconds time) {
    queue_.insert(alarm, core::Ticks(time.raw()));
    if (queue_.first() == &alarm && !ringing_) pacemaker_.pace(time);
  }
  void cancel(Alarm& alarm) { queue_.remove(alarm); }
  /// Those whose time has come at `now`. What they set anew for a time that has passed waits for the next call.
  void ring_due(core::Nanoseconds now) {
    ringing_ = true;
    for (std::uint32_t i = 0; i < kTurn; ++i) {
      Alarm* const due = queue_.pop_expired(core::Ticks(now.raw()));
      if (due == nullptr) break;
      due->ring();
    }
    ringing_ = false;
  }
  /// When the next one rings; kForever when none is set.
  [[nodiscard]] core::Nanoseconds earliest() const {
    const Alarm* const first = queue_.first();
    return first == nullptr ? vfs::kForever : core::Nanoseconds(first->link.deadline().raw());
  }

 private:
  static constexpr std::uint32_t kTurn = 64;  ///< so that others get their turn, whatever programs set

  core::time::DeadlineQueue<Alarm, &Alarm::link> queue_;
  Pacemaker& pacemaker_;
  bool ringing_ = false;  ///< whoever called asks for earliest() afterwards
};

}  // namespace fb::libos::posix::poll
