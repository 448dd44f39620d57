// The queueing spin lock of the seed (C5.03): its state is two positions on the Hurwitz units, packed in one word.
#pragma once

#include <algorithm>

#include "core/sync/hurwitz.hpp"
#include "core/sync/processor.hpp"

namespace fb::core::sync {

/// Where long waiters wait: a cache line for each unit, for any number of locks of one domain.
template <class P = Processor>
class WaitingRoom {
 public:
  using Cell = typename P::template Atomic<std::uint32_t>;
  Cell& cell(HurwitzUnit place) { return lines_[place.code()].turns; }

 private:
  struct alignas(64) Line {
    Cell turns{0};  ///< counts up when somebody who waits here shall look at its lock
  };
  std::array<Line, kUnits> lines_{};
};

/// The state. A position is a unit and how often the walk through all 24 has been round, coded 24 * lap + code; so turning
/// to the next one is an addition, and entering the queue one locked instruction. (The last lap before a position wraps
/// has 16 units; two that then share a place wake each other needlessly, and no more.)
///
///   bits 63..32  tail: the position of who comes next. On top, where its carry leaves the word.
///   bits 31..0   head: the position of who holds the lock, or would. Equal to the tail: unlocked.
class QuaternionState {
 public:
  using Word = std::uint64_t;
  using Position = std::uint32_t;
  static constexpr Word kUnlocked = 0;  ///< QUAT_UNLOCKED: both are 1; with both equal it is unlocked as well
  static constexpr Word kEnter = Word{1} << 32;
  static constexpr Position tail(Word word) { return static_cast<Position>(word >> 32); }
  static constexpr Position head(Word word) { return static_cast<Position>(word); }
  /// What to add for the next one to hold it. The head's carry must not reach the tail.
  static constexpr Word leave(Word word) { return head(word) == ~Position{0} ? 1 - kEnter : 1; }
  static constexpr HurwitzUnit unit(Position position) { return HurwitzUnit(position); }
};
static_assert(sizeof(QuaternionState::Word) == 8);
static_assert(QuaternionState::head(~QuaternionState::Word{0} +
                                    QuaternionState::leave(~QuaternionState::Word{0})) == 0);
static_assert(QuaternionState::tail(~QuaternionState::Word{0} + QuaternionState::leave(~QuaternionState::Word{
                                                                    0})) == ~QuaternionState::Position{0});

/// Bounded waiting: who has entered the queue is overtaken by nobody, so that with n threads (n < 2^32) at most n - 1 come
/// before it; entering is one instruction that does not retry. The next in line looks at the lock; those behind it look
/// at the waiting room, each at another line while there are 24 at most, and are called from there one at a time.
template <class P = Processor>
class QuaternionLock {
 public:
  /// rotation: turns this lock's waiters away from those of other locks (the group's table is a Latin square: one position
  /// is in as many places as there are rotations, and one rotation has all places).
  constexpr explicit QuaternionLock(WaitingRoom<P>& room, HurwitzUnit rotation = HurwitzUnit())
      : room_(room), rotation_(rotation) {}

  void lock() {
    // acquire: what the last holder wrote, when the lock is free; else the wait does it.
    const Word before = state_.fetch_add(State::kEnter, std::memory_order_acquire);
    if (State::head(before) != State::tail(before)) [[unlikely]]
      wait_for(State::tail(before));
  }
  [[nodiscard]] bool try_lock() {
    Word word = state_.load(std::memory_order_relaxed);
    // acquire: as in lock; relaxed: on failure nothing was learnt.
    return State::head(word) == State::tail(word) &&
           state_.compare_exchange_strong(word, word + State::kEnter, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    // relaxed: only the holder moves the head.
    const Word add = State::leave(state_.load(std::memory_order_relaxed));
    // Once it is the next one's, the lock may end any time.
    auto& room = room_;
    const auto rotation = rotation_;
    // release: what was written under the lock comes first. The addition also tells who waits: whoever enters later sees
    // the new head.
    const Word before = state_.fetch_add(add, std::memory_order_release);
    const Position next = State::head(before) + 1;
    if (State::tail(before) - next > 1) [[unlikely]]
      call(room.cell(rotation * State::unit(next + 1)));
  }

 private:
  using State = QuaternionState;
  using Word = State::Word;
  using Position = State::Position;
  using Cell = typename WaitingRoom<P>::Cell;
  static constexpr Position kMostPauses = 16;

  /// hyperbolic_pause of the seed: a waiter looks at a rate of 1/distance, so that n of them look O(log n) times as often
  /// as one. (The seed takes the norm of a turned quaternion, which turning does not change.)
  static unsigned hyperbolic_pauses(Position distance) { return std::min(distance, kMostPauses); }

  [[gnu::noinline, gnu::cold]] void wait_for(Position mine) const {
    auto& place = room_.cell(rotation_ * State::unit(mine));
    for (;;) {
      // acquire: pairs with the release in call; who sees the call sees the head that it tells of. So a head that is
      // still too far away means that the call is yet to come, and it is not missed.
      const auto seen = place.load(std::memory_order_acquire);
      const Position distance = mine - State::head(state_.load(std::memory_order_relaxed));
      if (distance <= 1) break;
      P::await(place, std::memory_order_acquire, hyperbolic_pauses(distance),
               [=](std::uint32_t now) { return now != seen; });
    }
    // acquire: what the last holder wrote is visible.
    P::await(state_, std::memory_order_acquire, 1, [=](Word now) { return State::head(now) == mine; });
  }
  /// Calls whoever waits there to the lock.
  [[gnu::noinline, gnu::cold]] static void call(Cell& place) {
    // release: see wait_for.
    place.fetch_add(1, std::memory_order_release);
  }

  typename P::template Atomic<Word> state_{State::kUnlocked};
  WaitingRoom<P>& room_;
  HurwitzUnit rotation_;
};

}  // namespace fb::core::sync
