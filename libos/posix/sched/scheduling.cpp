#include "libos/posix/sched/scheduling.hpp"

#include <algorithm>

namespace fb::libos::posix::sched {
namespace {

enum Flag : std::uint64_t {
  kForgetOnFork = 1,
  kReclaim = 2,
  kOverrun = 4,
  kKeepPolicy = 8,
  kKeepParameters = 0x10,
  kLeastUse = 0x20,
  kMostUse = 0x40
};

rt::sched::Policy kind_of(std::uint32_t policy) {
  switch (policy) {
    case kFifo:
      return rt::sched::Policy::Fifo;
    case kRoundRobin:
      return rt::sched::Policy::RoundRobin;
    case kBatch:
      return rt::sched::Policy::Batch;
    case kIdle:
      return rt::sched::Policy::Idle;
    default:
      return rt::sched::Policy::Fair;
  }
}

}  // namespace

rt::sched::Terms Scheduling::terms() const {
  return {.policy = kind_of(policy),
          .priority = static_cast<std::uint8_t>(priority),
          .nice = static_cast<std::int8_t>(nice),
          .cpus = affinity};
}

Scheduling Scheduling::of_child() const {
  Scheduling child = *this;
  child.reset_on_fork = false;
  if (!reset_on_fork) return child;
  if (real_time(policy)) {
    child.policy = kOther;
    child.priority = child.nice = 0;
  } else {
    child.nice = std::max(nice, 0);
  }
  return child;
}

Answer<> may_change(const Scheduling& from, const Scheduling& to, const Limits& limits, const Asker& asker) {
  if (!known(to.policy)) return fail(Errno::Invalid);
  if (real_time(to.policy) ? to.priority < 1 || to.priority > kMostPriority : to.priority != 0)
    return fail(Errno::Invalid);
  if (asker.privileged) return {};
  if (!asker.owner) return fail(Errno::Perm);
  if (real_time(to.policy)) {
    if (to.policy != from.policy && limits.priority == 0) return fail(Errno::Perm);
    const auto wanted = static_cast<std::uint64_t>(to.priority);
    if (to.priority > from.priority && wanted > limits.priority) return fail(Errno::Perm);
  } else if (to.nice < from.nice && !may_be_nice(to.nice, limits, asker)) {
    return fail(Errno::Perm);
  }
  if (from.policy == kIdle && to.policy != kIdle && !may_be_nice(from.nice, limits, asker))
    return fail(Errno::Perm);
  if (from.reset_on_fork && !to.reset_on_fork) return fail(Errno::Perm);
  return {};
}

Answer<Scheduling> Attributes::applied_to(const Scheduling& now) const {
  if ((flags & (kLeastUse | kMostUse)) != 0) return fail(Errno::NotSupported);
  if ((flags & ~std::uint64_t{kForgetOnFork | kReclaim | kOverrun | kKeepPolicy | kKeepParameters}) != 0)
    return fail(Errno::Invalid);
  Scheduling wanted = now;
  if ((flags & kKeepPolicy) == 0) {
    wanted.policy = policy;
    wanted.reset_on_fork = (flags & kForgetOnFork) != 0;
  }
  if ((flags & kKeepParameters) != 0) {
    if (!real_time(wanted.policy)) wanted.priority = 0;
    return wanted;
  }
  wanted.priority = static_cast<std::int32_t>(std::min<std::uint32_t>(priority, kMostPriority + 1));
  if (!real_time(wanted.policy)) wanted.nice = std::clamp(nice, kLeastNice, kMostNice);
  return wanted;
}

Attributes Attributes::of(const Scheduling& scheduling) {
  Attributes told{.size = sizeof(Attributes), .policy = scheduling.policy};
  if (scheduling.reset_on_fork) told.flags = kForgetOnFork;
  if (real_time(scheduling.policy)) {
    told.priority = static_cast<std::uint32_t>(scheduling.priority);
  } else {
    told.nice = scheduling.nice;
  }
  return told;
}

}  // namespace fb::libos::posix::sched
