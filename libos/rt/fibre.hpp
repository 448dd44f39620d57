// Fibres: many threads of control of one context, which change only where one waits, yields or ends.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "abi/types.hpp"
#include "core/list/list.hpp"
#include "core/result.hpp"

extern "C" {
void rt_switch(void** save, void* load);
void rt_fibre_entry();
}

namespace fb::libos::rt {

/// Memory of a stack, page-aligned, with an unmapped page below it.
struct Stack {
  std::byte* base{};
  std::size_t bytes{};
};

/// What the scheduler needs beneath it. wait() returns the bits it took, none when the deadline passed.
template <class M>
concept FibreMachine = requires(M& machine, abi::EventBits mask, core::Nanoseconds deadline, Stack stack) {
  { machine.now() } -> std::same_as<core::Nanoseconds>;
  { machine.wait(mask, deadline) } -> std::same_as<abi::EventBits>;
  { machine.allocate_stack() } -> std::same_as<core::Result<Stack>>;
  machine.free_stack(stack);
};

using FibreFunction = void (*)(void* argument);

/// One thread of control. Made by Scheduler::spawn, whose business its members are; lives at the top of its own stack.
struct Fibre {
  core::list::ListLink link;  ///< of whichever list its state says

  enum class State : std::uint8_t { Ready, Running, Waiting, Blocked, Joining, Done };
  void* saved{};
  Stack stack;
  FibreFunction entry{};
  void* argument{};
  void* scheduler{};
  Fibre* joiner{};
  abi::EventBits mask;   ///< Waiting: for which bits
  abi::EventBits woken;  ///< with which bits; none: the deadline passed
  core::Nanoseconds deadline;
  State state{State::Ready};
  bool detached{};
  bool permit{};  ///< an unblock() that came before the block()
};

/// Round robin, cooperative, one context. The caller of the constructor is the first fibre; when every fibre waits, the
/// one that waited last waits in the machine, for all, until the earliest deadline (C2.09: what an upcall is built
/// from). Bits that nobody waits for stay in the event. Not for concurrent use.
template <FibreMachine M>
class Scheduler {
 public:
  explicit Scheduler(M& machine) : machine_(machine) { first_.state = Fibre::State::Running; }
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
    ready_.push_back(*fibre);
    return fibre;
  }

  /// Whether yield() would let another one run.
  [[nodiscard]] bool others_ready() const { return !ready_.empty(); }
  /// How often the running fibre has changed.
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  /// When the first of those that wait gives up.
  [[nodiscard]] core::Nanoseconds earliest_deadline() {
    core::Nanoseconds least = abi::kNever;
    for (const Fibre& fibre : waiting_) least = fibre.deadline < least ? fibre.deadline : least;
    return least;
  }

  /// Takes what events are there and lets the others run.
  void look_around() {
    poll(core::Nanoseconds(0));
    make_ready(*current_);
    switch_away();
  }
  /// Lets the others run that are ready, and takes what events are there every few times.
  void yield() {
    if (++yields_ % kPollEvery == 0) return look_around();
    make_ready(*current_);
    switch_away();
  }

  /// Until a bit of `mask` is signalled. Each signal wakes the longest-waiting fibre that asked for it, once. Errors:
  /// TimedOut.
  core::Result<abi::EventBits> wait(abi::EventBits mask, core::Nanoseconds deadline = abi::kNever) {
    Fibre& self = *current_;
    self.mask = mask;
    self.woken = {};
    self.deadline = deadline;
    self.state = Fibre::State::Waiting;
    waiting_.push_back(self);
    switch_away();
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
      if (deadline != abi::kNever) waiting_.push_back(self);
      switch_away();
    }
    return std::exchange(self.permit, false);
  }
  void unblock(Fibre& fibre) {
    fibre.permit = true;
    if (fibre.state != Fibre::State::Blocked) return;
    waiting_.remove(fibre);
    make_ready(fibre);
  }

  /// Waits for the fibre's end and frees it. Once per fibre, and not for a detached one.
  void join(Fibre& fibre) {
    if (fibre.state != Fibre::State::Done) {
      fibre.joiner = current_;
      current_->state = Fibre::State::Joining;
      switch_away();
    }
    machine_.free_stack(fibre.stack);
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
    scheduler->switch_away();
    __builtin_unreachable();
  }

  void reap() {
    if (dead_ != nullptr) machine_.free_stack(std::exchange(dead_, nullptr)->stack);
  }
  void make_ready(Fibre& fibre) {
    fibre.state = Fibre::State::Ready;
    ready_.push_back(fibre);
  }

  void switch_away() {
    Fibre* next = ready_.pop_front();
    while (next == nullptr) {
      poll(earliest_deadline());
      next = ready_.pop_front();
    }
    next->state = Fibre::State::Running;
    Fibre* self = std::exchange(current_, next);
    if (self == next) return;
    ++turns_;
    rt_switch(&self->saved, next->saved);
    reap();
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
      fibre.woken = abi::EventBits(taken);
      waiting_.remove(fibre);
      make_ready(fibre);
    }
  }

  M& machine_;
  Fibre first_;
  Fibre* current_{&first_};
  Fibre* dead_{};
  unsigned yields_{};
  std::uint64_t turns_{};
  Queue ready_;
  Queue waiting_;
};

}  // namespace fb::libos::rt
