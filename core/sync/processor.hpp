// What the locks of this folder ask of memory and processor. A test binds another one, whose every step it decides.
#pragma once

#include <atomic>
#include <concepts>

namespace fb::core::sync {

/// The real thing. Locks touch shared memory only through Atomic and spin only in await, so that a model can take each
/// step apart and knows what a waiter waits for.
struct Processor {
  template <class T>
  using Atomic = std::atomic<T>;

  static void pause() { __builtin_ia32_pause(); }

  /// Spins until `ready(value)`, and gives that value. `pauses`: how many between two looks.
  template <class T, class Ready>
  static T await(const Atomic<T>& cell, std::memory_order order, unsigned pauses, Ready ready) {
    for (;;) {
      const T value = cell.load(order);
      if (ready(value)) return value;
      for (unsigned i = 0; i != pauses; ++i) pause();
    }
  }
};

}  // namespace fb::core::sync
