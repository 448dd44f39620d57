// Who is next, and for whom somebody makes way.
#include <algorithm>
#include <bit>

#include "libos/rt/sched/turns.hpp"

namespace fb::libos::rt::sched {
namespace {

Runnable* first_of(Runnable* a, Runnable* b) {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  return before(*a, *b) ? a : b;
}

}  // namespace

/// One that may run here and waits for another processor: a higher one, or any when there is nobody else.
Runnable* Turns::from_elsewhere(Cpu cpu, Runnable* best) const {
  for (std::uint64_t rest = cpus_ & ~bit(cpu); rest != 0; rest &= rest - 1) {
    const Queue& queue = processors_[std::countr_zero(rest)].own;
    if (queue.ready == 0) continue;
    Runnable* const top = queue.urgent.top();
    if (top != nullptr && allowed(*top, cpu) && (best == nullptr || top->rank > best->rank)) best = top;
    for (const Heap* const heap : {&queue.urgent, &queue.fair}) {
      Runnable* item = best == nullptr ? heap->top() : nullptr;
      while (item != nullptr && !allowed(*item, cpu)) item = Heap::after(item);
      if (item != nullptr) best = item;
    }
  }
  return best;
}

Runnable* Turns::best_of_all(Cpu cpu, core::Ticks now) const {
  const Processor& at = processors_[cpu];
  Runnable* const urgent = first_of(shared_.urgent.top(), at.own.urgent.top());
  if (urgent != nullptr && urgent->rank == kSystemRank) return urgent;
  Runnable* const own = at.own.fair.top();
  Runnable* fair = shared_.fair.top();
  if (fair == nullptr || (own != nullptr && at.balance <= 0)) fair = own;
  if (throttled(at, now) && fair != nullptr) return fair;
  return from_elsewhere(cpu, urgent != nullptr ? urgent : fair);
}

Runnable* Turns::pick(Cpu cpu, core::Ticks now) {
  called_ &= ~bit(cpu);
  if (ready_ == 0) return nullptr;
  Runnable* const item = best(cpu, now);
  if (item == nullptr) return nullptr;
  Processor& at = processors_[cpu];
  dequeue(*item);
  if (item->home != &shared_ && item->home != &at.own) move(*item, at.own);
  if (item->rank == 0) item->used = {};
  item->state = Runnable::State::Running;
  item->cpu = cpu;
  at.running = item;
  at.since = now;
  return item;
}

bool Turns::makes_way(const Processor& at, const Runnable& running, const Runnable& other,
                      core::Ticks now) const {
  if (other.rank != running.rank)
    return other.rank > running.rank || (running.rank != kSystemRank && throttled(at, now));
  const core::Ticks ran = now - at.since, used = running.used + ran;
  if (running.rank != 0) return running.terms.policy == Policy::RoundRobin && used >= quantum();
  const bool idle = running.terms.policy == Policy::Idle, other_idle = other.terms.policy == Policy::Idle;
  if (idle && !other_idle) return true;
  const std::uint64_t is_at = running.virtual_time + virtual_ticks(running, ran.raw());
  const auto lead = difference(is_at - running.home->floor, other.virtual_time - other.home->floor);
  if (used >= half_turn()) {
    if (running.home == other.home) return lead > 0;
    return running.home == &at.own ? at.balance > 0 : at.balance <= 0;
  }
  return other.terms.policy == Policy::Fair && lead > static_cast<std::int64_t>(turn_.raw());
}

// Going on.

bool Turns::goes_on(Cpu cpu, core::Ticks now) {
  charge(cpu, now);
  called_ &= ~bit(cpu);
  const Processor& at = processors_[cpu];
  Runnable& item = *at.running;
  if (!allowed(item, cpu)) return false;
  const Runnable* const other = ready_ == 0 ? nullptr : best(cpu, now);
  if (other != nullptr && makes_way(at, item, *other, now)) return false;
  if (item.used >= (item.rank == 0 ? half_turn() : quantum())) item.used = {};
  return true;
}

std::optional<Cpu> Turns::whom_to_call(Cpu self, core::Ticks now) {
  if (ready_ == 0) return std::nullopt;
  for (std::uint64_t rest = idle_; rest != 0; rest &= rest - 1) {
    const auto cpu = static_cast<Cpu>(std::countr_zero(rest));
    if (shared_.ready == 0 && best(cpu, now) == nullptr) continue;
    idle_ &= ~bit(cpu);
    return cpu;
  }
  if (!fresh_) return std::nullopt;
  const std::uint64_t others = cpus_ & ~(self == kAlone ? 0 : bit(self));
  const Runnable* lowest = nullptr;
  for (std::uint64_t rest = others & ~called_; rest != 0; rest &= rest - 1) {
    const auto cpu = static_cast<Cpu>(std::countr_zero(rest));
    const Processor& at = processors_[cpu];
    if (at.running == nullptr || (lowest != nullptr && !before(*lowest, *at.running))) continue;
    const Runnable* const other = best(cpu, now);
    if (other != nullptr && makes_way(at, *at.running, *other, now)) lowest = at.running;
  }
  if (lowest != nullptr) {
    called_ |= bit(lowest->cpu);
    return lowest->cpu;
  }
  // Where nobody was ready when a program began to run, it runs on without an end: a turn begins there now.
  for (std::uint64_t rest = others; rest != 0; rest &= rest - 1) {
    const auto cpu = static_cast<Cpu>(std::countr_zero(rest));
    Processor& at = processors_[cpu];
    if (at.running == nullptr || now - at.looked < turn_ * 2 || best(cpu, now) == nullptr) continue;
    at.looked = now - half_turn();  // it is called once, and looks
    return cpu;
  }
  fresh_ = false;
  return std::nullopt;
}

}  // namespace fb::libos::rt::sched
