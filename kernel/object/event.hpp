// Events and what signals them by itself: timers, devices, asynchronous operations.
#pragma once

#include "core/async/async_state.hpp"
#include "kernel/object/domain.hpp"

namespace fb::kernel::object {

using WaitSet = core::event::EventSet<Context, &Context::wait>;

/// An asynchronous operation that completes when one of `bits` is pending in an event.
struct Watch {
  core::list::ListLink link;
  Binding binding;
  Signals* on = nullptr;
  std::uint64_t bits = 0;
};

/// Pending bits and who waits for them.
struct Signals {
  arch::RankedLock<arch::Rank::Event> set_lock;
  WaitSet set;                                    ///< guarded by set_lock
  core::list::List<Watch, &Watch::link> watches;  ///< guarded by set_lock
  unsigned waiters = 0;                           ///< in `set` and `watches`; guarded by set_lock
  unsigned most_waiters = 256;                    ///< a signal may look at each, with interrupts off
  Context* carrier = nullptr;                     ///< whose context_run these bits stop; guarded by set_lock
};

struct Event : Object, Signals {
  static constexpr auto kType = ObjectType::Event;
  explicit Event(Budget& budget) : Object(kType, budget) {}
};

/// An unmasked bit is pending: context_run returns EVENT at once.
inline bool Context::has_event() const {
  return event != nullptr && (event->set.pending().raw() & event_mask) != 0;
}

/// A bit of an event that something signals by itself. Hangs on the capability it was made by.
struct Source {
  Binding binding;
  /// Null once that capability is gone, at any moment: read once. An Event that was read is there until this CPU leaves ring 0.
  std::atomic<Event*> event{nullptr};
  std::uint64_t bits = 0;
};

struct Timer : Object {
  static constexpr auto kType = ObjectType::Timer;
  explicit Timer(Budget& budget) : Object(kType, budget) {}
  Source source;
  core::time::DeadlineLink deadline;
  Cpu* armed_on = nullptr;
  core::Ticks period{};
};

struct Device : Object {
  static constexpr auto kType = ObjectType::Device;
  Device(Budget& budget, unsigned n) : Object(kType, budget), number(n) {}
  unsigned number;  ///< in the platform list
  Source source;
  std::atomic<bool> delivered{false};  ///< masked until acknowledged
};

struct AsyncOp : Object {
  static constexpr auto kType = ObjectType::AsyncOp;
  AsyncOp(Budget& budget, abi::AsyncKind k) : Object(kType, budget), what(k) {
    done.most_waiters = kMostWaiters;
  }
  static constexpr unsigned kMostWaiters = 64;  ///< its completion wakes them all
  abi::AsyncKind what;
  core::async::AsyncState outcome;
  Source source;                      ///< signalled on completion, if there is one
  Signals done;                       ///< bit 0: completed; what wait_async_op waits for
  core::time::DeadlineLink deadline;  ///< of a TIMER operation
  Watch watch;                        ///< of an EVENT operation
  Cpu* armed_on = nullptr;
};

struct Gate : Object {
  static constexpr auto kType = ObjectType::Gate;
  Gate(Budget& budget, Domain& into, core::VirtAddr start, std::uint64_t b)
      : Object(kType, budget), domain(into.identity), entry(start), badge(b) {}
  std::uint64_t domain;  ///< identity; the domain itself may be gone
  core::VirtAddr entry;
  std::uint64_t badge;
  arch::RankedLock<arch::Rank::Gate> pool_lock;
  Context* pool = nullptr;                               ///< free server contexts; guarded by pool_lock
  core::list::List<Context, &Context::in_gate> servers;  ///< all of them; guarded by `lock` of this object
};

}  // namespace fb::kernel::object
