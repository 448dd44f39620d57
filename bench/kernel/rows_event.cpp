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

enum class By : std::uint8_t { OneCall, TwoCalls };

std::uint64_t signal_and_wait(By by) {
  std::uint64_t bits = 0;
  if (by == By::OneCall) return exo_event_exchange(meeting.there, 1, meeting.back, 1, EXO_NEVER, &bits);
  const auto delivered = exo_event_deliver(meeting.there, 1);
  return delivered | exo_event_wait(meeting.back, 1, EXO_NEVER, &bits);
}

template <By kBy>
void wake(Bench& bench, std::uint64_t slot, std::string_view name) {
  meeting.there = bench.event();
  meeting.back = bench.event();
  static_cast<void>(bench.thread(0, slot, wait_and_answer));
  const auto empty = empty_window();
  bench.samples.clear();
  for (unsigned i = 0; i <= kRepetitions; ++i) {
    bench.must(exo_yield(),
               "yield");  // the waiter gets to its wait, and no slice of its own ends during ours
    bench.calm(bench.samples.longest());
    meeting.last = i == kRepetitions && bench.tracing;
    if (meeting.last) bench.trace_point();
    meeting.opened = open_window();
    const auto status = signal_and_wait(kBy);
    bench.must(status, "signal and wait");
    bench.samples.add(meeting.closed - meeting.opened - empty, bench.disturbed(meeting.closed));
  }
  bench.report(name);
}

}  // namespace

void event_wake(Bench& bench) {
  wake<By::OneCall>(bench, kWaiterSlot, "event-wake");
  wake<By::TwoCalls>(bench, kWaiterSlot + 1, "event-wake-in-two");
}

}  // namespace fb::bench
