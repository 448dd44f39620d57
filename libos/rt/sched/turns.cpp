#include "libos/rt/sched/turns.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::rt::sched {
namespace {

/// The later of two virtual times.
constexpr std::uint64_t later(std::uint64_t a, std::uint64_t b) { return difference(a, b) > 0 ? a : b; }
constexpr std::uint64_t earlier(std::uint64_t a, std::uint64_t b) { return difference(a, b) < 0 ? a : b; }

Runnable* first_of(Runnable* a, Runnable* b) {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  return before(*a, *b) ? a : b;
}

}  // namespace

// Time.

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
[[gnu::noinline]] void Turns::place_sleeper(Runnable& item, core::Ticks /*now*/) const {
  Queue& queue = *item.home;
  const std::uint64_t credit = item.terms.policy == Policy::Idle ? 0 : turn_.raw() * kCredit;
  const std::uint64_t target = queue.floor - credit;
  if (difference(item.virtual_time, queue.floor) <= 0) {
    item.virtual_time = later(item.virtual_time, target);
  } else if (item.terms.policy == Policy::Fair && item.stopped != core::Ticks{}) {
    const auto lead = static_cast<std::uint64_t>(difference(item.virtual_time, target));
    const std::uint64_t off =
        std::min(lead / kUnit * item.weight, queue.favour);
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

// Queues.

/// Of a restricted one: where nobody runs, where the lowest class does, where the least weight is.
Cpu Turns::processor_for(const Runnable& item) const {
  Cpu found = kMaxCpus;
  const auto rank = [&](Cpu cpu) {
    const Processor& at = processors_[cpu];
    const int runs = at.running == nullptr ? -1 : at.running->rank;
    const Runnable* const waits = at.own.urgent.top();
    return std::max(runs, waits == nullptr ? -1 : int{waits->rank});
  };
  for (std::uint64_t rest = item.terms.cpus & cpus_; rest != 0; rest &= rest - 1) {
    const auto cpu = static_cast<Cpu>(std::countr_zero(rest));
    if (found != kMaxCpus && rank(cpu) > rank(found)) continue;
    if (found != kMaxCpus && rank(cpu) == rank(found) &&
        processors_[cpu].own.weight >= processors_[found].own.weight)
      continue;
    found = cpu;
  }
  return found;
}

Queue& Turns::queue_for(const Runnable& item) {
  return free_to_run(item) ? shared_ : processors_[processor_for(item)].own;
}

/// As far ahead or behind there as here.
void Turns::move(Runnable& item, Queue& to) {
  if (item.home == &to) return;
  if (item.rank == 0) {
    if (item.home != nullptr) item.virtual_time -= item.home->floor;
    item.virtual_time += to.floor;
    if (item.state != Runnable::State::Waiting && item.home != nullptr) {
      item.home->weight -= item.weight;
      to.weight += item.weight;
    }
  }
  item.home = &to;
}

void Turns::enqueue(Runnable& item) {
  Queue& queue = *item.home;
  item.state = Runnable::State::Ready;
  heap_of(item).push(item);
  ++queue.ready;
  ++ready_;
  if (&queue != &shared_) ++restricted_;
}

void Turns::dequeue(Runnable& item) {
  Queue& queue = *item.home;
  heap_of(item).remove(item);
  --queue.ready;
  --ready_;
  if (&queue != &shared_) --restricted_;
}

/// It is not asked how long that has run since it was charged: its turn will end soon.
bool Turns::may_come_first(const Runnable& item) const {
  if ((cpus_ & (cpus_ - 1)) != 0) return true;
  const Runnable* const runs = processors_[only_].running;
  if (runs == nullptr || item.rank != runs->rank) return runs != nullptr && item.rank > runs->rank;
  if (item.rank != 0) return false;
  return runs->terms.policy == Policy::Idle ||
         difference(runs->virtual_time, item.virtual_time) > static_cast<std::int64_t>(turn_.raw());
}

void Turns::add(Runnable& item, core::Ticks now) {
  if (item.home != &shared_ || !free_to_run(item)) move(item, queue_for(item));
  if (item.rank == 0) {
    Queue& queue = *item.home;
    if (difference(item.virtual_time, queue.floor) <= 0 || now - item.stopped > turn_)
      place_sleeper(item, now);
    queue.weight += item.weight;
  }
  item.order = ++last_;
  enqueue(item);
  if (!fresh_) fresh_ = may_come_first(item);
}

void Turns::adopt(Cpu cpu, Runnable& item) {
  item.state = Runnable::State::Running;
  item.home = &shared_;
  item.cpu = cpu;
  processors_[cpu].running = &item;
}

void Turns::stop(Cpu cpu, core::Ticks now) {
  charge(cpu, now);
  Runnable& item = *std::exchange(processors_[cpu].running, nullptr);
  item.state = Runnable::State::Waiting;
  item.stopped = now;
  if (item.rank == 0) item.home->weight -= item.weight;
}

void Turns::put_back(Cpu cpu, core::Ticks now, bool yields) {
  charge(cpu, now);
  Runnable& item = *std::exchange(processors_[cpu].running, nullptr);
  const bool over = item.terms.policy == Policy::RoundRobin && item.used >= quantum();
  if (over) item.used = {};
  // A real-time one that had to make way goes on as the first of its priority.
  item.order = item.rank == 0 || yields || over ? ++last_ : --first_;
  if (!allowed(item, cpu)) fresh_ = true;  // another processor has not seen it
  if (item.rank == 0 && yields)
    item.virtual_time = later(item.virtual_time, item.home->floor + virtual_ticks(item, turn_.raw()));
  move(item, queue_for(item));
  enqueue(item);
}

// Choosing.

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

// Terms.

void Turns::reweigh(Runnable& item, const Terms& terms) {
  const std::uint32_t old = item.weight;
  item.weight = terms.weight();
  item.inverse = (std::uint64_t{kUnit} << 32) / item.weight;
  constexpr std::int64_t kMost = std::int64_t{1} << 44;  // no product of it and a weight is too large
  const auto lag = std::clamp(difference(item.virtual_time, item.home->floor), -kMost, kMost);
  item.virtual_time = item.home->floor + static_cast<std::uint64_t>(lag * old / item.weight);
}

bool Turns::set(Runnable& item, const Terms& terms, core::Ticks now, const Runnable* parent) {
  if (item.terms == terms) return false;
  using State = Runnable::State;
  const bool ready = item.state == State::Ready, runs = item.state == State::Running;
  if (runs) charge(item.cpu, now);
  if (item.home == nullptr) item.home = &shared_;
  if (ready) dequeue(item);
  if ((ready || runs) && item.rank == 0) item.home->weight -= item.weight;
  const std::uint8_t was = std::exchange(item.rank, terms.rank());
  if (item.rank != 0) {
    item.virtual_time = 0;
  } else if (was == 0) {
    reweigh(item, terms);
  } else {
    item.virtual_time = item.home->floor;
    reweigh(item, terms);
    if (parent != nullptr && parent->rank == 0 && parent->home != nullptr)
      item.virtual_time += static_cast<std::uint64_t>(
          std::max(difference(parent->virtual_time, parent->home->floor), std::int64_t{0}));
    // Else new ones without end would leave those that are there without a turn.
    if (was == kSystemRank) item.virtual_time += virtual_ticks(item, turn_.raw() / 8);
  }
  item.terms = terms;
  if ((ready || runs) && item.rank == 0) item.home->weight += item.weight;
  if (ready) {
    if (item.rank != was) item.order = item.rank > was || was == kSystemRank ? ++last_ : --first_;
    move(item, queue_for(item));
    enqueue(item);
  }
  fresh_ = true;
  return runs;
}

}  // namespace fb::libos::rt::sched
