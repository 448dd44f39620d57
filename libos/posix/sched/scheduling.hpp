// What programs ask of the scheduler, and who may ask for it (sched(7), sched_setattr(2), setpriority(2)).
#pragma once

#include "libos/posix/base/errno.hpp"
#include "libos/rt/sched/terms.hpp"

namespace fb::libos::posix::sched {

enum Policy : std::uint32_t {
  kOther = 0,
  kFifo = 1,
  kRoundRobin = 2,
  kBatch = 3,
  kIdle = 5,
  kResetOnFork = 0x4000'0000  ///< a flag of sched_setscheduler's policy
};
inline constexpr std::int32_t kMostPriority = rt::sched::kMostPriority;
inline constexpr std::int32_t kLeastNice = rt::sched::kLeastNice, kMostNice = rt::sched::kMostNice;

constexpr bool known(std::uint32_t policy) { return policy <= kBatch || policy == kIdle; }
constexpr bool real_time(std::uint32_t policy) { return policy == kFifo || policy == kRoundRobin; }

/// A thread's.
struct Scheduling {
  std::uint32_t policy = kOther;
  std::int32_t priority = 0, nice = 0;
  bool reset_on_fork = false;
  std::uint64_t affinity = ~std::uint64_t{0};  ///< CPUs by bit

  [[nodiscard]] rt::sched::Terms terms() const;
  /// What a thread that it makes begins with.
  [[nodiscard]] Scheduling of_child() const;
  /// As /proc has it: 20 and the nice value, or below 0 and more so for higher ones.
  [[nodiscard]] std::int32_t shown_priority() const { return real_time(policy) ? -1 - priority : 20 + nice; }
};

/// Of the process whose thread is to change.
struct Limits {
  std::uint64_t nice = 0;      ///< RLIMIT_NICE: 20 minus the least nice value
  std::uint64_t priority = 0;  ///< RLIMIT_RTPRIO
};

/// Whoever asks: root, or of the same user.
struct Asker {
  bool privileged = false, owner = false;
};

/// Whether nice may become that.
constexpr bool may_be_nice(std::int32_t nice, const Limits& limits, const Asker& asker) {
  return asker.privileged || static_cast<std::uint64_t>(kMostNice + 1 - nice) <= limits.nice;
}

/// sched_setattr's change of `from` into `to`, affinity apart. Errors: Invalid (no such policy, or not that priority), Perm.
Answer<> may_change(const Scheduling& from, const Scheduling& to, const Limits& limits, const Asker& asker);

/// struct sched_attr.
struct Attributes {
  std::uint32_t size = 0, policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
  std::uint32_t least_use = 0, most_use = 0;

  static constexpr std::size_t kFirstSize = 48;
  /// Of `now`. Errors: Invalid, NotSupported.
  [[nodiscard]] Answer<Scheduling> applied_to(const Scheduling& now) const;
  static Attributes of(const Scheduling& scheduling);
};
static_assert(sizeof(Attributes) == 56);

}  // namespace fb::libos::posix::sched
