// How long each has run, and what that makes of its place.
#include <algorithm>
#include <bit>

#include "libos/rt/sched/turns.hpp"

namespace fb::libos::rt::sched {
namespace {

constexpr std::uint64_t earlier(std::uint64_t a, std::uint64_t b) { return difference(a, b) < 0 ? a : b; }

}  // namespace

void Turns::charge(Cpu cpu, core::Ticks now) {
  Processor& at = processors_[cpu];
  if (at.running == nullptr) return;
  Runnable& item = *at.running;
  const core::Ticks ran = now - at.since;
  at.since = now;
  item.used += ran;
  if (item.rank == 0) {
    item.virtual_time += virtual_ticks(item, ran.raw());
    Queue& queue = *item.home;
    queue.behind += ran.raw();
    // Not for each short stay: two that wake each other in turn would pay for it.
    if (queue.behind * 16 > turn_.raw() || at.own.weight != 0) raise_floor(at, item, ran);
  } else if (item.rank != kSystemRank) {
    charge_urgent(at, ran, now);
  }
}

/// The floor follows the one that has run least, but not faster than time passes for all together: else a gap that a light one
/// fills would make its long debt due at once.
[[gnu::noinline]] void Turns::raise_floor(Processor& at, Runnable& item, core::Ticks ran) {
  Queue& queue = *item.home;
  const std::uint64_t behind = std::exchange(queue.behind, 0);
  const std::uint64_t clock = queue.floor + behind * kUnit / queue.weight;
  const Runnable* const top = queue.fair.top();
  const std::uint64_t least =
      top == nullptr ? item.virtual_time : earlier(item.virtual_time, top->virtual_time);
  const std::uint64_t limit = least - turn_.raw() * kMostAhead;
  queue.floor = later(queue.floor, later(earlier(clock, least), limit));
  // Whoever could not have its share, for it weighs more than a processor, or is alone on one, has lost it.
  item.virtual_time = later(item.virtual_time, queue.floor - turn_.raw() * kMostLag);
  queue.favour = std::min(queue.favour + behind / 2, turn_.raw() * kMostFavour);
  if (at.own.weight != 0) share_out(at, item, ran);
}

/// What slept comes soon, but has not saved up more than a little. Where very many are ready, a turn is many times one's share: who
/// slept long is not made to wait for all of them to have had theirs, too, so long as that costs them less than half of the time.
[[gnu::noinline]] void Turns::place_sleeper(Runnable& item) const {
  Queue& queue = *item.home;
  const std::uint64_t credit = item.terms.policy == Policy::Idle ? 0 : turn_.raw() * kCredit;
  const std::uint64_t target = queue.floor - credit;
  if (difference(item.virtual_time, queue.floor) <= 0) {
    item.virtual_time = later(item.virtual_time, target);
  } else if (item.terms.policy == Policy::Fair && item.stopped != core::Ticks{}) {
    const auto lead = static_cast<std::uint64_t>(difference(item.virtual_time, target));
    const std::uint64_t off = std::min(lead / kUnit * item.weight, queue.favour);
    queue.favour -= off;
    item.virtual_time -= virtual_ticks(item, off);
  }
}

void Turns::charge_urgent(Processor& at, core::Ticks ran, core::Ticks now) {
  if (now - at.period >= turn_ * kPeriod) {
    at.period = now;
    at.urgent_used = {};
  } else {
    at.urgent_used += ran;
  }
}

/// Between a processor's own fair ones and its part of those that run anywhere, by weight.
void Turns::share_out(Processor& at, const Runnable& item, core::Ticks ran) {
  const auto count = static_cast<std::uint64_t>(std::max(std::popcount(cpus_), 1));
  const std::uint64_t others = shared_.weight / count, own = at.own.weight;
  const auto part = [&](std::uint64_t weight) {
    return static_cast<std::int64_t>(std::min(ran, turn_ * kQuantum).raw() * weight / (own + others));
  };
  at.balance += item.home == &at.own ? part(others) : -part(own);
  const auto most = static_cast<std::int64_t>(turn_.raw() * kMostLag);
  at.balance = std::clamp(at.balance, -most, most);
}

}  // namespace fb::libos::rt::sched
