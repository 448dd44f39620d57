#include "core/async/async_state.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

namespace fb::core::async {
namespace {

TEST(AsyncState, an_operation_begins_in_progress_C2_17) {
  const AsyncState state;
  ASSERT_FALSE(state.poll());
  EXPECT_EQ(state.poll().error(), Error::InProgress);
}

TEST(AsyncState, success_carries_the_whole_result_word_C2_17) {
  AsyncState state;
  constexpr AsyncValue kValue{std::numeric_limits<std::uint64_t>::max()};
  ASSERT_TRUE(state.complete(kValue));
  ASSERT_TRUE(state.poll());
  EXPECT_EQ(state.poll()->phase, AsyncPhase::Completed);
  EXPECT_EQ(state.poll()->outcome(), Result<AsyncValue>(kValue));
}

TEST(AsyncState, failure_carries_its_error_C2_17) {
  AsyncState state;
  ASSERT_TRUE(state.fail(Error::Faulted));
  ASSERT_TRUE(state.poll());
  EXPECT_EQ(state.poll()->phase, AsyncPhase::Failed);
  EXPECT_EQ(state.poll()->outcome(), Result<AsyncValue>(core::fail(Error::Faulted)));
}

TEST(AsyncState, cancelling_ends_an_operation_that_is_in_progress_C2_19) {
  AsyncState state;
  ASSERT_TRUE(state.cancel());
  ASSERT_TRUE(state.poll());
  EXPECT_EQ(state.poll()->phase, AsyncPhase::Cancelled);
  EXPECT_EQ(state.poll()->outcome(), Result<AsyncValue>(core::fail(Error::Cancelled)));
}

TEST(AsyncState, cancelling_a_completed_operation_is_too_late_C2_19) {
  AsyncState state;
  ASSERT_TRUE(state.complete(AsyncValue(1)));
  EXPECT_EQ(state.cancel(), Result<>(core::fail(Error::TooLate)));
  EXPECT_EQ(state.poll()->outcome(), Result<AsyncValue>(AsyncValue(1)));
}

RC_GTEST_PROP(AsyncState, the_first_outcome_is_the_only_one_C2_19,
              (const std::vector<std::tuple<std::uint8_t, std::uint64_t>>& attempts)) {
  AsyncState state;
  std::optional<Result<AsyncValue>> model;
  for (const auto& [kind, word] : attempts) {
    const auto error = static_cast<Error>(word & 0xff);
    const Result<> attempt = kind % 3 == 0   ? state.complete(AsyncValue(word))
                             : kind % 3 == 1 ? state.fail(error)
                                             : state.cancel();
    RC_ASSERT((attempt == (model ? Result<>(core::fail(Error::TooLate)) : Result<>())));
    if (!model) {
      model = kind % 3 == 0   ? Result<AsyncValue>(AsyncValue(word))
              : kind % 3 == 1 ? Result<AsyncValue>(core::fail(error))
                              : Result<AsyncValue>(core::fail(Error::Cancelled));
    }
    RC_ASSERT(state.poll().has_value());
    RC_ASSERT((state.poll()->outcome() == *model));
  }
}

/// Many outcomes with a reader at their heels: it must never see one without its result.
TEST(AsyncState, an_outcome_is_never_seen_before_its_result_C2_17) {
  constexpr std::size_t kStates = 100'000;
  std::vector<AsyncState> states(kStates);
  const std::jthread completer([&] {
    for (std::size_t i = 0; i < kStates; ++i) EXPECT_TRUE(states[i].complete(AsyncValue(i + 1)));
  });
  for (std::size_t i = 0; i < kStates; ++i) {
    Result<AsyncStatus> seen = states[i].poll();
    while (!seen) seen = states[i].poll();
    EXPECT_EQ(seen->value, AsyncValue(i + 1));
  }
}

/// Each racer writes plain memory before it tries; only the winner's is looked at, by a reader that merely
/// polls.
TEST(AsyncState, of_racing_completers_and_cancellers_exactly_one_wins_C2_19) {
  constexpr std::size_t kRacers = 3;
  constexpr std::size_t kRounds = 1'000;
  std::vector<AsyncState> states(kRounds);
  std::vector<std::array<std::uint64_t, kRacers>> payloads(kRounds);
  std::vector<std::atomic<unsigned>> wins(kRounds);
  std::barrier start(kRacers + 1);
  const auto race = [&](std::size_t racer) {
    for (std::size_t round = 0; round < kRounds; ++round) {
      start.arrive_and_wait();
      payloads[round][racer] = round + racer;
      const Result<> attempt = racer == 0   ? states[round].complete(AsyncValue(round))
                               : racer == 1 ? states[round].fail(Error::Faulted)
                                            : states[round].cancel();
      if (attempt) wins[round].fetch_add(1, std::memory_order_relaxed);
      if (!attempt) EXPECT_EQ(attempt.error(), Error::TooLate);
    }
  };
  {
    std::array<std::jthread, kRacers> racers;
    for (std::size_t racer = 0; racer < kRacers; ++racer) racers[racer] = std::jthread(race, racer);
    for (std::size_t round = 0; round < kRounds; ++round) {
      start.arrive_and_wait();
      Result<AsyncStatus> seen = states[round].poll();
      for (; !seen; seen = states[round].poll()) std::this_thread::yield();
      const std::size_t winner = seen->phase == AsyncPhase::Completed ? 0
                                 : seen->phase == AsyncPhase::Failed  ? 1
                                                                      : 2;
      EXPECT_EQ(payloads[round][winner], round + winner);
      if (winner == 0) EXPECT_EQ(seen->value, AsyncValue(round));
      if (winner == 1) EXPECT_EQ(seen->error, Error::Faulted);
      if (winner == 2) EXPECT_EQ(seen->error, Error::Cancelled);
    }
  }
  for (const auto& count : wins) EXPECT_EQ(count.load(), 1u);
}

}  // namespace
}  // namespace fb::core::async
