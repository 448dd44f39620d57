// What root decides: who gets which slice slots, and when a dead instance starts again.
#pragma once

#include <algorithm>
#include <array>
#include <bit>

#include "core/result.hpp"
#include "core/types.hpp"
#include "libos/root/config.hpp"
#include "libos/rt/start_info.hpp"

namespace fb::libos::root {

using SlotSets = std::array<std::uint64_t, rt::kMaxCpus>;

/// Which slots of each CPU are still root's to lend. A slot that was lent comes back with give().
class SlotBook {
 public:
  /// The first kOwn slots of CPU 0 are for root itself.
  static constexpr unsigned kOwn = 2;
  explicit SlotBook(std::uint64_t cpus) {
    for (std::size_t cpu = 0; cpu != rt::kMaxCpus && cpu < cpus; ++cpu) free_[cpu] = ~std::uint64_t{0};
    free_[0] &= ~((std::uint64_t{1} << kOwn) - 1);
  }

  /// `count` slots on every CPU of the mask that the machine has. Errors: NoSlices (too few left, or no such CPU);
  /// then nothing was taken.
  core::Result<SlotSets> take(std::uint64_t cpus, std::uint32_t count) {
    SlotSets taken{};
    bool any = false;
    for (std::size_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) {
      if ((cpus >> cpu & 1) == 0 || !exists(cpu)) continue;
      if (static_cast<std::uint32_t>(std::popcount(free_[cpu])) < count)
        return core::fail(core::Error::NoSlices);
      std::uint64_t left = free_[cpu];
      for (std::uint32_t i = 0; i != count; ++i) left &= left - 1;
      taken[cpu] = free_[cpu] & ~left;
      any = true;
    }
    if (!any) return core::fail(core::Error::NoSlices);
    for (std::size_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) free_[cpu] &= ~taken[cpu];
    return taken;
  }
  void give(const SlotSets& slots) {
    for (std::size_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) free_[cpu] |= slots[cpu];
  }
  [[nodiscard]] const SlotSets& free() const { return free_; }
  /// On all CPUs.
  [[nodiscard]] std::uint64_t free_count() const {
    std::uint64_t count = 0;
    for (const std::uint64_t slots : free_) count += static_cast<std::uint64_t>(std::popcount(slots));
    return count;
  }

 private:
  /// A CPU whose slots are all lent still exists, but has none to give: the same to take().
  [[nodiscard]] bool exists(std::size_t cpu) const { return free_[cpu] != 0; }
  SlotSets free_{};
};

/// When a dead instance starts again: after 100 ms, then twice as long each time, up to ten seconds. Having run for
/// half a minute wipes the slate clean.
class RestartPolicy {
 public:
  explicit RestartPolicy(std::uint32_t limit = 0) : limit_(limit) {}
  [[nodiscard]] bool again() const { return limit_ == kAlways || restarts_ < limit_; }
  [[nodiscard]] std::uint32_t restarts() const { return restarts_; }

  /// How long to wait; counts as one restart. Ask again() before.
  core::Nanoseconds next(core::Nanoseconds ran_for) {
    if (ran_for >= kHealthy) delay_ = kFirst;
    const core::Nanoseconds delay = delay_;
    delay_ = std::min(delay_ * 2, kLongest);
    if (restarts_ != kAlways) ++restarts_;
    return delay;
  }

  static constexpr core::Nanoseconds kFirst{100'000'000}, kLongest{10'000'000'000}, kHealthy{30'000'000'000};

 private:
  std::uint32_t limit_;
  std::uint32_t restarts_{};
  core::Nanoseconds delay_{kFirst};
};

}  // namespace fb::libos::root
