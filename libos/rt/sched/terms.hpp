// On what terms something runs: class, priority, weight, and the processors that it may have (sched(7)).
#pragma once

#include <array>
#include <cstdint>

namespace fb::libos::rt::sched {

/// Higher ones first. System is the LibOS's own: it waits for no program.
enum class Policy : std::uint8_t { Idle, Batch, Fair, Fifo, RoundRobin, System };

using Cpu = std::uint32_t;
inline constexpr Cpu kMaxCpus = 16;
inline constexpr int kLeastNice = -20, kMostNice = 19;
inline constexpr std::uint8_t kMostPriority = 99, kSystemRank = 100;
inline constexpr std::uint32_t kUnit = 1024;  ///< the weight of nice 0

/// A quarter more for each step, so that one step is a tenth of a processor between two. Those of Idle weigh 3.
consteval std::array<std::uint32_t, kMostNice - kLeastNice + 1> weights() {
  std::array<std::uint32_t, kMostNice - kLeastNice + 1> all{};
  std::uint64_t more = 1, less = 1;  // powers of 5 and of 4
  for (int n = 0; n <= -kLeastNice; ++n, more *= 5, less *= 4) {
    all[static_cast<unsigned>(-kLeastNice - n)] =
        static_cast<std::uint32_t>((kUnit * more + less / 2) / less);
    if (n <= kMostNice)
      all[static_cast<unsigned>(-kLeastNice + n)] =
          static_cast<std::uint32_t>((kUnit * less + more / 2) / more);
  }
  return all;
}
inline constexpr auto kWeights = weights();

struct Terms {
  Policy policy = Policy::System;
  std::uint8_t priority = 0;  ///< of Fifo and RoundRobin, 1 to 99
  std::int8_t nice = 0;       ///< of Fair and Batch
  std::uint64_t cpus = ~std::uint64_t{0};

  [[nodiscard]] constexpr std::uint8_t rank() const {
    if (policy == Policy::System) return kSystemRank;
    return policy >= Policy::Fifo ? priority : std::uint8_t{0};
  }
  [[nodiscard]] constexpr std::uint32_t weight() const {
    return policy == Policy::Idle ? 3 : kWeights[static_cast<unsigned>(nice - kLeastNice)];
  }
  constexpr bool operator==(const Terms&) const = default;
};

}  // namespace fb::libos::rt::sched
