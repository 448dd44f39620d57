// Upcalls: a handler with a stack of its own (a fibre) for each group of event bits (C2.09).
#pragma once

#include "libos/rt/fibre.hpp"

namespace fb::libos::rt {

/// What a signal calls. `bits` are those that came since the last call.
struct Upcall {
  abi::EventBits mask;
  void (*handler)(void* argument, abi::EventBits bits);
  void* argument;
};

/// Turns waiting into being called. An Upcall is kept by reference and must outlive the loop.
template <FibreMachine M>
class EventLoop {
 public:
  explicit EventLoop(Scheduler<M>& scheduler) : scheduler_(scheduler) {}

  /// From now on `upcall.handler` runs on each signal of its mask, one call at a time; it may wait and yield. Errors:
  /// no memory for its stack.
  core::Result<> add(Upcall& upcall) {
    auto* link = new (std::nothrow) Link{&scheduler_, &upcall};
    if (link == nullptr) return core::fail(core::Error::NoMemory);
    const auto fibre = scheduler_.spawn(&EventLoop::serve, link, true);
    if (fibre) return {};
    delete link;
    return core::fail(fibre.error());
  }

 private:
  struct Link {
    Scheduler<M>* scheduler;
    Upcall* upcall;
  };
  static void serve(void* argument) {
    const Link link = *static_cast<Link*>(argument);
    delete static_cast<Link*>(argument);
    for (;;) {
      const auto bits = link.scheduler->wait(link.upcall->mask);
      if (bits) link.upcall->handler(link.upcall->argument, *bits);
    }
  }

  Scheduler<M>& scheduler_;
};

}  // namespace fb::libos::rt
