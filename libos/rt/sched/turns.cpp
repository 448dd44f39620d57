// Who is there to run: queues, and what each may.
#include "libos/rt/sched/turns.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::rt::sched {

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
    if (difference(item.virtual_time, queue.floor) <= 0 || now - item.stopped > turn_) place_sleeper(item);
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
