// Fibres: many threads of control, which change only where one waits, yields or ends.
#pragma once

#include <new>
#include <utility>

#include "libos/rt/fibre_state.hpp"

extern "C" {
void rt_switch(void** save, void* load);
void rt_fibre_entry();
}

namespace fb::libos::rt {

/// A context that runs fibres, one of several (Scheduler::carry). Lives on that context's stack.
template <class Seat>
struct Carrier {
  Carrier(Seat& its, sched::Cpu on) : seat(its), cpu(on) {}
  Fibre idle;  ///< what runs when no fibre is ready: on the context's own stack
  Seat& seat;
  const sched::Cpu cpu;
};

/// Cooperative; who is next is the matter of Turns, and round robin for fibres that nobody gave other terms. The caller of the
/// constructor is the first fibre; when every fibre waits, the one that waited last waits in the machine, for all, until the
/// earliest deadline (C2.09: what an upcall is built from). Bits that nobody waits for stay in the event.
///
/// One context, or several: carriers, of which one at a time runs fibres while the others are outside(). Who touches the
/// scheduler, or what fibres share, is a fibre, or holds the machine's lock.
template <FibreMachine M>
class Scheduler {
 public:
  using Carrier = rt::Carrier<typename M::Seat>;

  explicit Scheduler(M& machine) : machine_(machine), turns_(machine.millisecond()) {
    first_.state = Fibre::State::Running;
    turns_.adopt(cpu_, first_.turn);
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  [[nodiscard]] Fibre* current() const { return current_; }

  /// A new fibre, ready to run. A detached one frees itself when its function returns; any other must be joined.
  /// Errors: those of allocate_stack.
  core::Result<Fibre*> spawn(FibreFunction entry, void* argument, bool detached = false) {
    FB_ASSIGN(const Stack stack, machine_.allocate_stack());
    auto* top = stack.base + stack.bytes;
    auto* fibre = new (top - (sizeof(Fibre) + 63) / 64 * 64) Fibre;
    fibre->stack = stack;
    fibre->entry = entry;
    fibre->argument = argument;
    fibre->scheduler = this;
    fibre->detached = detached;
    // What rt_switch pops: r15, r14, r13, r12, rbx, rbp, return address. The entry makes a call, so the stack must be
    // 16-byte aligned above that address.
    auto* frame = reinterpret_cast<void**>(fibre) - 9;
    for (int i = 0; i != 9; ++i) frame[i] = nullptr;
    frame[2] = reinterpret_cast<void*>(&Scheduler::run);
    frame[3] = fibre;
    frame[6] = reinterpret_cast<void*>(&rt_fibre_entry);
    fibre->saved = frame;
    turns_.add(fibre->turn, machine_.ticks());
    return fibre;
  }

  [[nodiscard]] const sched::Turns& turns() const { return turns_; }
  /// From now on; a fibre that calls for itself may come back on another processor.
  void set_terms(Fibre& fibre, const sched::Terms& terms) {
    const bool looks = turns_.set(fibre.turn, terms, machine_.ticks(), &current_->turn);
    if (&fibre == current_) {
      give_way(machine_.ticks());
    } else if (looks && carriers_[fibre.turn.cpu] != nullptr) {
      kick(*carriers_[fibre.turn.cpu]);
    }
  }
  /// When the first of those that wait gives up. Asked for before each run of a program: it is looked for when it has changed.
  [[nodiscard]] core::Nanoseconds earliest_deadline() {
    if (!std::exchange(stale_, false)) return earliest_;
    earliest_ = abi::kNever;
    for (const Fibre& fibre : waiting_) earliest_ = fibre.deadline < earliest_ ? fibre.deadline : earliest_;
    return earliest_;
  }

  /// Takes what events are there and lets those run that come before this one.
  void look_around() {
    turns_.charge(cpu_, machine_.ticks());
    take_events();
    give_way(machine_.ticks());
  }
  /// Lets others of its kind run that are ready, and looks around every few times.
  void yield() {
    if (++yields_ % kPollEvery == 0) take_events();
    leave(machine_.ticks(), true);
  }
  /// Before it goes outside(): whoever is ready and comes before another one that runs gets a processor, maybe this one. Until
  /// when it may stay there.
  core::Nanoseconds begin_turn() {
    if (!turns_.any_ready()) return earliest_deadline();
    const core::Ticks now = machine_.ticks();
    if (!turns_.settled(cpu_, now)) share_time(now);
    return turn_ends_[cpu_] < earliest_deadline() ? turn_ends_[cpu_] : earliest_;
  }

  /// Until a bit of `mask` is signalled. Each signal wakes the longest-waiting fibre that asked for it, once. Errors:
  /// TimedOut.
  core::Result<abi::EventBits> wait(abi::EventBits mask, core::Nanoseconds deadline = abi::kNever) {
    if (const std::uint64_t there = given_ & mask.raw(); there != 0) {
      given_ &= ~there;
      return abi::EventBits(there);
    }
    Fibre& self = *current_;
    self.mask = mask;
    self.woken = {};
    self.deadline = deadline;
    self.state = Fibre::State::Waiting;
    add_waiting(self);
    stop();
    if (self.woken.raw() == 0) return core::fail(core::Error::TimedOut);
    return self.woken;
  }
  void sleep_until(core::Nanoseconds deadline) {
    [[maybe_unused]] const auto timed_out = wait(abi::EventBits(0), deadline);
  }
  void sleep_for(core::Nanoseconds time) { sleep_until(machine_.now() + time); }

  /// Until unblock() names this fibre; at once when it did already. False: the deadline passed.
  bool block(core::Nanoseconds deadline = abi::kNever) {
    Fibre& self = *current_;
    if (!self.permit) {
      self.state = Fibre::State::Blocked;
      self.mask = abi::EventBits(0);
      self.deadline = deadline;
      if (deadline != abi::kNever) add_waiting(self);
      stop();
    }
    return std::exchange(self.permit, false);
  }
  void unblock(Fibre& fibre) {
    fibre.permit = true;
    if (fibre.state != Fibre::State::Blocked) return;
    remove_waiting(fibre);
    make_ready(fibre);
  }

  /// Waits for the fibre's end and frees it. Once per fibre, and not for a detached one.
  void join(Fibre& fibre) {
    if (fibre.state != Fibre::State::Done) {
      fibre.joiner = current_;
      current_->state = Fibre::State::Joining;
      stop();
    }
    machine_.free_stack(fibre.stack);
  }

  // Several contexts.

  /// The calling context runs fibres from now on. The first fibre is none of them any more: it holds no lock, and may call give().
  [[noreturn]] void carry(Carrier& carrier) {
    carrier.idle.state = Fibre::State::Running;
    enter(carrier, carrier.idle);
    carriers_[carrier.cpu] = &carrier;
    for (;;) {
      if (sched::Runnable* const next = turns_.pick(cpu_, machine_.ticks()); next != nullptr) {
        switch_to(core::list::owner_of(*next, &Fibre::turn));
        continue;
      }
      call_others(cpu_, machine_.ticks());
      const core::Nanoseconds deadline = earliest_deadline();
      turns_.sleeps(cpu_, true);
      machine_.settle();
      machine_.unlock();
      machine_.sleep(carrier.seat, deadline);
      enter(carrier, carrier.idle);
      turns_.sleeps(cpu_, false);
      expire();
    }
  }
  /// A context will carry() on that processor. With the lock.
  void expect(sched::Cpu cpu) { turns_.open(cpu); }
  /// Who carries the running fibre; null with one context.
  [[nodiscard]] Carrier* carrier() const { return carrier_; }
  /// `work` is done while others may run fibres: it touches nothing of theirs. Afterwards this fibre goes on. It has left
  /// nothing that the machine would have to settle.
  template <class Work>
  auto outside(Work work) {
    Carrier* const carrier = carrier_;
    if (carrier == nullptr) return work();
    Fibre* const self = current_;
    machine_.unlock();
    auto result = work();
    enter(*carrier, *self);
    return result;
  }
  /// Ends its sleep, or what it does outside.
  void kick(Carrier& carrier) { machine_.kick(carrier.seat); }
  /// From a context that runs no fibres: `work` is done while no other one does.
  template <class Work>
  auto locked(Work work) {
    machine_.lock();
    auto result = work();
    machine_.unlock();
    return result;
  }
  /// From a context that runs no fibres and holds no lock: these bits have been signalled.
  void give(abi::EventBits bits) {
    machine_.lock();
    given_ |= bits.raw();
    for (Fibre& fibre : waiting_) {
      const std::uint64_t taken = given_ & fibre.mask.raw();
      if (taken == 0) continue;
      given_ &= ~taken;
      wake(fibre, taken);
    }
    call_others(sched::Turns::kAlone, machine_.ticks());
    machine_.unlock();
  }

 private:
  using Queue = core::list::List<Fibre, &Fibre::link>;
  static constexpr unsigned kPollEvery = 16;

  static void run(Fibre* self) {
    auto* scheduler = static_cast<Scheduler*>(self->scheduler);
    scheduler->reap();
    self->entry(self->argument);
    self->state = Fibre::State::Done;
    if (self->joiner != nullptr) scheduler->make_ready(*self->joiner);
    // Its own stack can only be freed by whoever runs next.
    if (self->detached) scheduler->dead_ = self;
    scheduler->stop();
    __builtin_unreachable();
  }

  void reap() {
    if (dead_ != nullptr) machine_.free_stack(std::exchange(dead_, nullptr)->stack);
  }
  void make_ready(Fibre& fibre) {
    fibre.state = Fibre::State::Ready;
    turns_.add(fibre.turn, machine_.ticks());
  }
  void wake(Fibre& fibre, std::uint64_t bits) {
    fibre.woken = abi::EventBits(bits);
    remove_waiting(fibre);
    make_ready(fibre);
  }
  void add_waiting(Fibre& fibre) {
    waiting_.push_back(fibre);
    if (fibre.deadline < earliest_) earliest_ = fibre.deadline;
  }
  void remove_waiting(Fibre& fibre) {
    const bool waited = waiting_.remove(fibre);
    if (waited && fibre.deadline == earliest_ && earliest_ != abi::kNever) stale_ = true;
  }

  /// The current fibre waits, or is done.
  void stop() {
    const core::Ticks now = machine_.ticks();
    turns_.stop(cpu_, now);
    switch_away(now);
  }
  /// The current fibre is ready, and others run.
  void leave(core::Ticks now, bool yields) {
    current_->state = Fibre::State::Ready;
    turns_.put_back(cpu_, now, yields);
    switch_away(now);
  }
  void give_way(core::Ticks now) {
    if (!turns_.goes_on(cpu_, now)) leave(now, false);
  }
  void share_time(core::Ticks now) {
    if (!turns_.goes_on(cpu_, now)) leave(now, false);
    now = machine_.ticks();
    turns_.settle(cpu_, now);
    turn_ends_[cpu_] = machine_.time_at(now + turns_.turn());
    call_others(cpu_, now);
  }
  /// Tells one of the other processors that there is something for it; that one tells the next.
  void call_others(sched::Cpu self, core::Ticks now) {
    const auto whom = turns_.whom_to_call(self, now);
    if (whom && carriers_[*whom] != nullptr) kick(*carriers_[*whom]);
  }
  void switch_away(core::Ticks now) {
    sched::Runnable* next = turns_.pick(cpu_, now);
    if (next == nullptr && carrier_ != nullptr) return switch_to(carrier_->idle);
    while (next == nullptr) {
      poll(earliest_deadline());
      next = turns_.pick(cpu_, machine_.ticks());
    }
    switch_to(core::list::owner_of(*next, &Fibre::turn));
  }
  void switch_to(Fibre& next) {
    next.state = Fibre::State::Running;
    Fibre* self = std::exchange(current_, &next);
    if (self == &next) return;
    rt_switch(&self->saved, next.saved);
    reap();
  }

  /// With the lock, from outside.
  void enter(Carrier& carrier, Fibre& self) {
    machine_.lock(carrier.seat);
    carrier_ = &carrier;
    current_ = &self;
    cpu_ = carrier.cpu;
  }
  void take_events() { carrier_ == nullptr ? poll(core::Nanoseconds(0)) : expire(); }
  /// Makes ready whose deadline has passed.
  void expire() {
    if (earliest_deadline() == abi::kNever) return;
    const core::Nanoseconds now = machine_.now();
    for (Fibre& fibre : waiting_) {
      if (fibre.deadline <= now) wake(fibre, 0);
    }
  }
  /// Asks the machine until `deadline` and makes ready whom that woke.
  void poll(core::Nanoseconds deadline) {
    std::uint64_t mask = 0;
    for (const Fibre& fibre : waiting_) mask |= fibre.mask.raw();
    std::uint64_t bits = machine_.wait(abi::EventBits(mask), deadline).raw();
    const core::Nanoseconds now = machine_.now();
    for (Fibre& fibre : waiting_) {
      const std::uint64_t taken = bits & fibre.mask.raw();
      if (taken == 0 && fibre.deadline > now) continue;
      bits &= ~taken;
      wake(fibre, taken);
    }
  }

  M& machine_;
  Fibre first_;
  Fibre* current_{&first_};
  Fibre* dead_{};
  unsigned yields_{};
  std::uint64_t given_{};  ///< bits that nobody has waited for yet; with several contexts
  sched::Turns turns_;
  Queue waiting_;
  core::Nanoseconds earliest_ = abi::kNever;  ///< deadline of those in it, or before that while it is stale
  bool stale_{};
  Carrier* carrier_{};  ///< of the fibre that runs
  sched::Cpu cpu_ = sched::Turns::kAlone;
  Carrier* carriers_[sched::kMaxCpus]{};
  core::Nanoseconds turn_ends_[sched::kMaxCpus + 1]{};
};

}  // namespace fb::libos::rt
