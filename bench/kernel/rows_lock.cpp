// What spin locks cost, and how fair they are: alone by counting, and together in turns that are written down.
#include "bench/kernel/bench.hpp"
#include "bench/kernel/fairness.hpp"
#include "core/spin.hpp"
#include "core/sync/mcs_lock.hpp"
#include "core/sync/quaternion_lock.hpp"
#include "core/sync/ticket_lock.hpp"

namespace fb::bench {
namespace {

namespace sync = core::sync;

constexpr unsigned kRepetitions = 1000;
constexpr unsigned kContests = 9;
constexpr std::size_t kTurns = 4096;
constexpr std::uint64_t kSlot = 3;

sync::WaitingRoom<> room;
struct Quaternion {
  static constexpr std::string_view kTurn = "quaternion-turn", kJain = "quaternion-jain",
                                    kWait = "quaternion-wait";
  struct Node {};
  void lock(Node&) { lock_.lock(); }
  void unlock(Node&) { lock_.unlock(); }
  sync::QuaternionLock<> lock_{room};
};
struct Ticket {
  static constexpr std::string_view kTurn = "ticket-turn", kJain = "ticket-jain", kWait = "ticket-wait";
  struct Node {};
  void lock(Node&) { lock_.lock(); }
  void unlock(Node&) { lock_.unlock(); }
  sync::TicketLock<std::uint16_t> lock_;
};
struct Mcs : sync::McsLock<> {
  static constexpr std::string_view kTurn = "mcs-turn", kJain = "mcs-jain", kWait = "mcs-wait";
};
struct TestAndSet {
  static constexpr std::string_view kTurn = "test-and-set-turn", kJain = "test-and-set-jain",
                                    kWait = "test-and-set-wait";
  struct Node {};
  void lock(Node&) { lock_.lock(); }
  void unlock(Node&) { lock_.unlock(); }
  core::SpinLock lock_;
};

/// One pair of lock and unlock that nobody disturbs.
template <class Lock>
void alone(Bench& bench) {
  alignas(64) static constinit Lock lock;
  typename Lock::Node node;
  bench.repeat(kRepetitions, [&](unsigned) {
    lock.lock(node);
    lock.unlock(node);
    return std::uint64_t{EXO_OK};
  });
  bench.report(Lock::kTurn);
}

/// What all processors see of a contest. Those that wait for its beginning spin on the number of the contest.
struct Contest {
  alignas(64) std::atomic<std::uint64_t> number{0};
  alignas(64) std::atomic<std::uint64_t> done{0};
  alignas(64) std::size_t turns{};
  std::uint64_t opened{}, closed{};
  std::array<std::uint8_t, kTurns> holders{};
} contest;
std::atomic<std::uint64_t> processors{0};
std::atomic<std::uint8_t> seats{0};

/// Turns until all are taken. The pause lets another processor of the emulator go on: without one, processors run for a
/// long time each, and nobody would meet.
template <class Lock>
void take_turns(Lock& lock, std::uint8_t me) {
  typename Lock::Node node;
  for (bool more = true; more;) {
    lock.lock(node);
    more = contest.turns != kTurns;
    if (more) {
      contest.holders[contest.turns++] = me;
      if (contest.turns == kTurns) contest.closed = now_ticks();
    }
    sync::Processor::pause();
    lock.unlock(node);
  }
}

template <class Lock>
alignas(64) constinit Lock contested;
using Body = void (*)(std::uint8_t);
template <class Lock>
void contend(std::uint8_t me) {
  take_turns(contested<Lock>, me);
}
std::atomic<Body> body{nullptr};

[[noreturn]] void take_part(Bench*) {
  const auto me = static_cast<std::uint8_t>(seats.fetch_add(1) + 1);
  for (std::uint64_t seen = 0;; ++seen) {
    sync::Processor::await(contest.number, std::memory_order_acquire, 1,
                           [=](std::uint64_t now) { return now != seen; });
    body.load(std::memory_order_relaxed)(me);
    contest.done.fetch_add(1, std::memory_order_release);
  }
}

template <class Lock>
void together(Bench& bench) {
  const auto others = processors.load() - 1;
  Samples& samples = bench.samples;
  static constinit Samples jains;  // too large for a stack
  std::uint64_t longest = 0;
  std::uint64_t least = 1000;
  samples.clear();
  jains.clear();
  for (unsigned i = 0; i <= kContests; ++i) {
    contest.turns = 0;
    contest.done.store(0, std::memory_order_relaxed);
    body.store(&contend<Lock>, std::memory_order_relaxed);
    contest.opened = now_ticks();
    contest.number.fetch_add(1, std::memory_order_release);
    contend<Lock>(0);
    sync::Processor::await(contest.done, std::memory_order_acquire, 1,
                           [=](std::uint64_t now) { return now == others; });
    const auto found = fairness(contest.holders, others + 1);
    samples.add((contest.closed - contest.opened + kTurns / 2) / kTurns, false);
    jains.add(found.median, false);
    longest = std::max(longest, found.longest);
    least = std::min(least, found.worst);
  }
  bench.report(Lock::kTurn);
  auto jain = jains.summary();
  jain.worst = least;
  bench.report(Lock::kJain, jain);
  bench.report(Lock::kWait, Summary{longest, longest, kContests, 0});
}

}  // namespace

void locks_alone(Bench& bench) {
  alone<Quaternion>(bench);
  alone<Ticket>(bench);
  alone<Mcs>(bench);
  alone<TestAndSet>(bench);
}

/// One context on each processor; the machine has as many as the row says. The total of all processors' instructions is
/// counted: what waiters spin is in it.
void locks_together(Bench& bench) {
  processors = static_cast<std::uint64_t>(bench.row.back() - '0');
  for (std::uint64_t cpu = 1; cpu != processors; ++cpu)
    static_cast<void>(bench.thread(0, kSlot, take_part, cpu));
  sync::Processor::await(seats, std::memory_order_acquire, 1,
                         [&](std::uint8_t now) { return now + 1U == processors; });
  together<Quaternion>(bench);
  together<Ticket>(bench);
  together<Mcs>(bench);
  together<TestAndSet>(bench);
}

}  // namespace fb::bench
