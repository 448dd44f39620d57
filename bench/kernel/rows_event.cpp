// One context wakes another on the same CPU.
#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

constexpr unsigned kRepetitions = 1000;
// Above the slot of the context that signals: a waiter with a lower slot would preempt it in the middle of its signal,
// and the signaller's wait would not be part of what is measured.
constexpr std::uint64_t kWaiterSlot = 2;

/// What the two contexts share.
struct Meeting {
  exo_cap there, back;
  std::uint64_t opened, closed;
  bool last;
} meeting;

void wait_and_answer(Bench* bench) {
  std::uint64_t bits = 0;
  for (;;) {
    const auto status = exo_event_wait(meeting.there, 1, EXO_NEVER, &bits);
    const auto closed = close_window();
    if (meeting.last) [[unlikely]]
      bench->port.power_off();
    meeting.closed = closed;
    bench->must(status, "event_wait");
    bench->must(exo_event_deliver(meeting.back, 1), "event_deliver");
  }
}

/// What the window counts with nothing in it but the store that the waiter needs.
std::uint64_t empty_window() {
  meeting.opened = open_window();
  return close_window() - meeting.opened;
}

}  // namespace

void event_wake(Bench& bench) {
  meeting.there = bench.event();
  meeting.back = bench.event();
  static_cast<void>(bench.thread(0, kWaiterSlot, wait_and_answer));
  const auto empty = empty_window();
  bench.samples.clear();
  for (unsigned i = 0; i <= kRepetitions; ++i) {
    bench.must(exo_yield(),
               "yield");  // the waiter gets to its wait, and no slice of its own ends during ours
    bench.calm(bench.samples.longest());
    meeting.last = i == kRepetitions && bench.tracing;
    if (meeting.last) bench.trace_point();
    std::uint64_t bits = 0;
    meeting.opened = open_window();
    const auto delivered = exo_event_deliver(meeting.there, 1);
    const auto waited = exo_event_wait(meeting.back, 1, EXO_NEVER, &bits);
    bench.must(delivered, "event_deliver");
    bench.must(waited, "event_wait");
    bench.samples.add(meeting.closed - meeting.opened - empty, bench.disturbed(meeting.closed));
  }
  bench.report("event-wake");
}

}  // namespace fb::bench
