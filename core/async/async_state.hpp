// The life of one asynchronous operation: in progress, then exactly one outcome, decided without a lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::async {

enum class AsyncPhase : std::uint32_t { InProgress, Settling, Completed, Failed, Cancelled };

/// The result word of a completed operation; its meaning belongs to the operation.
using AsyncValue = Strong<struct AsyncValueTag>;

/// How an operation ended.
struct AsyncStatus {
  AsyncPhase phase;  ///< Completed, Failed or Cancelled
  AsyncValue value;  ///< of Completed; else 0
  Error error;       ///< of Failed; Error::Cancelled of Cancelled; meaningless when Completed

  [[nodiscard]] Result<AsyncValue> outcome() const {
    if (phase == AsyncPhase::Completed) return value;
    return core::fail(error);
  }
};

/// State of an asynchronous operation (C2.16-C2.19). Any number of CPUs may call anything at any time; of all
/// `complete`, `fail` and `cancel` exactly one succeeds, and the rest get Error::TooLate. Every call is
/// wait-free.
class AsyncState {
 public:
  Result<> complete(AsyncValue value) { return settle(AsyncPhase::Completed, value.raw()); }
  Result<> fail(Error error) { return settle(AsyncPhase::Failed, static_cast<std::uint64_t>(error)); }
  /// TooLate: the operation has an outcome, or is just getting one that `poll` will show in a moment.
  Result<> cancel() { return settle(AsyncPhase::Cancelled, static_cast<std::uint64_t>(Error::Cancelled)); }

  /// The outcome, final once seen; Error::InProgress before there is one.
  [[nodiscard]] Result<AsyncStatus> poll() const {
    // acquire: pairs with the release in settle, so the word below is the winner's, and what the operation
    // wrote for its caller is visible too.
    const AsyncPhase phase = phase_.load(std::memory_order_acquire);
    if (phase < AsyncPhase::Completed) return core::fail(Error::InProgress);
    if (phase == AsyncPhase::Completed) return AsyncStatus{phase, AsyncValue(word_), {}};
    return AsyncStatus{phase, {}, static_cast<Error>(word_)};
  }

 private:
  Result<> settle(AsyncPhase phase, std::uint64_t word) {
    AsyncPhase expected = AsyncPhase::InProgress;
    // relaxed: the claim orders nothing; the winner alone writes, and publishes below.
    if (!phase_.compare_exchange_strong(expected, AsyncPhase::Settling, std::memory_order_relaxed)) {
      return core::fail(Error::TooLate);
    }
    word_ = word;
    // release: the outcome word, and all the winner did before, come before the outcome.
    phase_.store(phase, std::memory_order_release);
    return {};
  }

  std::atomic<AsyncPhase> phase_{AsyncPhase::InProgress};
  std::uint64_t word_{};  ///< written once, by the winner, between claim and publication
};

}  // namespace fb::core::async
