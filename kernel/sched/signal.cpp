#include "kernel/sched/signal.hpp"

#include <algorithm>
#include <utility>

#include "kernel/sched/kick.hpp"

namespace fb::kernel::sched {
namespace {

constexpr core::event::VisitLimit kVisits{256};
constexpr unsigned kExpiriesAtOnce = 8;
constexpr core::Nanoseconds kBreath{
    20'000};  // ring 3 has between two times so many: timers do not take a CPU
constexpr EventBits kCompleted{1};

/// The wait is over, one way or the other: the context is in no queue of deadlines any more.
void forget_deadline(Context& context) {
  Cpu* on = context.deadline_cpu;
  if (on == nullptr) return;
  const core::Guard guard(on->timer_lock);
  on->waits.remove(context);
  context.deadline_cpu = nullptr;
}

/// The outcome of an operation as the result of the call that waited for it.
void report(Context& context, const object::AsyncOp& op) {
  const auto status = op.outcome.poll();
  const auto value = status ? status->outcome() : core::fail(status.error());
  value ? context.set_result(0, value->raw()) : context.set_result(value.error());
}

/// Completes the operations that wait for what is pending now; the bits stay pending.
void complete_watches(Cpu& cpu, Signals& event) {
  for (;;) {
    object::AsyncOp* op = nullptr;
    std::uint64_t bits = 0;
    {
      const core::Guard guard(event.set_lock);
      for (auto& watch : event.watches) {
        bits = watch.bits & event.set.pending().raw();
        if (bits == 0) continue;
        event.watches.remove(watch);
        event.waiters -= 1;
        watch.on = nullptr;
        op = &core::list::owner_of(watch, &object::AsyncOp::watch);
        break;
      }
    }
    if (op == nullptr) return;
    if (op->outcome.complete(core::async::AsyncValue(bits))) completed(cpu, *op);
  }
}

}  // namespace

void wake(Cpu& cpu, Context& context, EventBits bits) {
  forget_deadline(context);
  context.waiting_on = nullptr;
  const auto* op = std::exchange(context.awaits, nullptr);
  op == nullptr ? context.set_result(0, bits.raw()) : report(context, *op);
  make_ready(cpu, context.base());
}

void signal(Cpu& cpu, Signals& event, EventBits bits) {
  signal_and_look(cpu, event, bits);
  if (!cpu.has_slice || cpu.slices.should_preempt(cpu.slot))
    cpu.recheck.store(true, std::memory_order_relaxed);
}

void signal_slowly(Cpu& cpu, Signals& event, EventBits bits) {
  const auto wake_up = [&](Context& context, EventBits taken) {
    event.waiters -= 1;
    wake(cpu, context, taken);
  };
  bool more = false;
  bool watched = false;
  Context* carrier = nullptr;
  {
    const core::Guard guard(event.set_lock);
    more = event.set.signal(bits, wake_up, kVisits);
    carrier = event.carrier;
    watched = !event.watches.empty();
  }
  while (more) {
    const core::Guard guard(event.set_lock);
    more = event.set.resume(wake_up, kVisits);
  }
  if (watched) complete_watches(cpu, event);
  if (carrier == nullptr || (event.set.pending().raw() & carrier->event_mask) == 0) return;
  // seq_cst: the carrier sees that before it runs something, or we see that it does; see syscall/run.cpp. If it has been
  // told before and has not looked since, it need not be told again: a stream of signals is no stream of interrupts.
  if ((carrier->attention.fetch_or(object::kEventPending, std::memory_order_seq_cst) &
       object::kEventPending) != 0)
    return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Cpu& home = *cpu.kernel->cpus[carrier->home.raw()];
  if (&home == &cpu) {
    cpu.recheck.store(true, std::memory_order_relaxed);
  } else if (home.top.load(std::memory_order_relaxed) != home.levels.data()) {
    kick(home);
  }
}

bool set_time_out(Cpu& cpu, Context& context, Ticks deadline) {
  if (deadline <= Ticks(arch::read_tsc())) return false;
  const core::Guard timers(cpu.timer_lock);
  context.deadline_cpu = &cpu;
  cpu.waits.insert(context, deadline);
  cpu.next_due = std::min(cpu.next_due, deadline);
  return true;
}

namespace {

/// Ends the wait with `error` if `still(context)` says, under the event's lock, that it is the one that was meant.
template <class Still>
bool end_wait(Cpu& cpu, Context& context, core::Error error, Still still) {
  Signals* event = context.waiting_on;
  if (event == nullptr) return false;
  const core::Guard guard(event->set_lock);
  if (context.waiting_on != event || !still() || !event->set.cancel(context)) return false;
  event->waiters -= 1;
  forget_deadline(context);
  context.waiting_on = nullptr;
  context.awaits = nullptr;
  context.set_result(error);
  make_ready(cpu, context.base());
  return true;
}

}  // namespace

bool cancel_wait(Cpu& cpu, Context& context, core::Error error) {
  return end_wait(cpu, context, error, [] { return true; });
}

bool time_out(Cpu& cpu, Context& context, std::uint64_t wait_number) {
  return end_wait(cpu, context, core::Error::TimedOut, [&] { return context.wait_number == wait_number; });
}

void arm_timer(Cpu& cpu, object::Timer& timer, Ticks deadline, Ticks period) {
  const core::Guard one_at_a_time(timer.lock);  // two CPUs that arm it would put it into two queues
  if (Cpu* on = timer.armed_on; on != nullptr) {
    const core::Guard guard(on->timer_lock);
    on->timers.remove(timer);
    timer.armed_on = nullptr;
  }
  if (deadline == Cpu::kIdleDeadline) return;
  const core::Guard guard(cpu.timer_lock);
  timer.period = period;
  timer.armed_on = &cpu;
  cpu.timers.insert(timer, deadline);
  cpu.next_due = std::min(cpu.next_due, deadline);
  arm_by(cpu, deadline);
}

void arm_completion(Cpu& cpu, object::AsyncOp& op, Ticks deadline) {
  const core::Guard guard(cpu.timer_lock);
  op.armed_on = &cpu;
  cpu.completions.insert(op, deadline);
  cpu.next_due = std::min(cpu.next_due, deadline);
  arm_by(cpu, deadline);
}

core::Result<> begin_watch(Cpu& cpu, object::AsyncOp& op, Signals& event, EventBits bits) {
  {
    const core::Guard guard(event.set_lock);
    if (event.waiters == event.most_waiters) return core::fail(core::Error::Limit);
    event.waiters += 1;
    op.watch.on = &event;
    op.watch.bits = bits.raw();
    event.watches.push_back(op.watch);
  }
  complete_watches(cpu, event);
  return {};
}

void end_watch(Cpu& cpu, object::AsyncOp& op, core::Error error) {
  Signals* event = op.watch.on;
  if (event == nullptr) return;
  {
    const core::Guard guard(event->set_lock);
    if (!event->watches.remove(op.watch)) return;
    event->waiters -= 1;
    op.watch.on = nullptr;
  }
  if (op.outcome.fail(error)) completed(cpu, op);
}

void announce(Cpu& cpu, object::AsyncOp& op) {
  // Whoever is woken has taken the bit. When it stays, nobody is left, and it is there for those who come later.
  do {
    signal(cpu, op.done, kCompleted);
  } while (op.done.set.pending().empty());
}

void completed(Cpu& cpu, object::AsyncOp& op) {
  if (Cpu* on = op.armed_on; on != nullptr) {
    const core::Guard guard(on->timer_lock);
    on->completions.remove(op);
    op.armed_on = nullptr;
  }
  announce(cpu, op);
  if (object::Event* event = op.source.event.load(std::memory_order_acquire))
    signal(cpu, *event, EventBits(op.source.bits));
}

namespace {

void note_next_due(Cpu& cpu) {
  cpu.next_due = Cpu::kIdleDeadline;
  if (const auto* wait = cpu.waits.first()) cpu.next_due = wait->deadline.deadline();
  if (const auto* timer = cpu.timers.first())
    cpu.next_due = std::min(cpu.next_due, timer->deadline.deadline());
  if (const auto* op = cpu.completions.first())
    cpu.next_due = std::min(cpu.next_due, op->deadline.deadline());
}

/// One of each kind that is due, taken out of its queue.
struct Due {
  Context* waiter;
  object::Timer* timer;
  object::AsyncOp* op;
  std::uint64_t wait_number;
};
Due take_due(Cpu& cpu, Ticks now) {
  const core::Guard guard(cpu.timer_lock);
  Due due{cpu.waits.pop_expired(now), cpu.timers.pop_expired(now), cpu.completions.pop_expired(now), 0};
  if (due.waiter != nullptr) {
    due.wait_number = due.waiter->wait_number;  // before a waker is told that nothing is queued here
    due.waiter->deadline_cpu = nullptr;
  }
  if (due.op != nullptr) due.op->armed_on = nullptr;
  if (object::Timer* timer = due.timer; timer != nullptr) {
    if (timer->period == Ticks(0)) {
      timer->armed_on = nullptr;
    } else {
      // Expiries that were missed coalesce: a late timer does not catch up by interrupting again and again.
      const auto next = timer->deadline.deadline() + timer->period;
      cpu.timers.insert(*timer, next <= now ? now + timer->period : next);
    }
  }
  note_next_due(cpu);
  return due;
}

}  // namespace

void expire(Cpu& cpu) {
  cpu.timer_fired.store(false, std::memory_order_relaxed);
  const auto now = Ticks(arch::read_tsc());
  for (unsigned i = 0; i < kExpiriesAtOnce; ++i) {
    const auto due = take_due(cpu, now);
    if (due.waiter == nullptr && due.timer == nullptr && due.op == nullptr) return;
    if (due.waiter != nullptr) (void)time_out(cpu, *due.waiter, due.wait_number);
    if (due.timer != nullptr) {
      if (object::Event* event = due.timer->source.event.load(std::memory_order_acquire)) {
        signal(cpu, *event, EventBits(due.timer->source.bits));
      }
    }
    if (due.op != nullptr && due.op->outcome.complete(core::async::AsyncValue(0))) completed(cpu, *due.op);
  }
  // There may be more, as many as somebody likes to arm: whoever has the CPU goes on for a while first.
  const auto breath = cpu.kernel->to_ticks(kBreath) - cpu.kernel->boot_start;
  cpu.next_due = std::max(cpu.next_due, Ticks(arch::read_tsc()) + breath);
}

}  // namespace fb::kernel::sched
