// Floods: a domain that makes as many interrupts, signals and kicks as it can. Another one beside it gets its slices,
// right results and its deadlines, and afterwards the books balance (DESIGN §5; issue 2, "Hostile input").
//
// How long a victim takes is nobody's business here: it has a fixed amount of work, and a test ends when that is done
// and the flood has been seen to flow. A victim that starves makes the run time out.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));
constexpr auto kLibos = core::cap::ceiling(core::cap::Zone::Libos);
constexpr abi::EventBits kKick{2};
constexpr unsigned kMostCpus = 8, kWaiters = 256, kStackBytes = 512;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t now() { return calls::get_system_time(abi::Clock::Monotonic).value_or(0); }

/// The flooding domain's, by its own handles.
struct Flood {
  std::uint64_t event, domain, space;         ///< the event is what 256 contexts wait for
  std::uint64_t ticks[kMostCpus];             ///< what each CPU's timers signal
  std::uint64_t carriers[kMostCpus];          ///< events that stop the runs of each CPU's carrier
  std::atomic<std::uint32_t> armed, crowded;  ///< timers; contexts that wait
  std::atomic<bool> exhausted;
  std::atomic<std::uint64_t> fired, woken, interrupted, sent;
};
constinit Flood flood{};
alignas(16) constinit char stacks[kWaiters][kStackBytes];

// --- the victim -------------------------------------------------------------------------------------------------------

std::uint64_t sum(std::uint64_t seed, const std::uint64_t (&words)[512]) {
  for (const auto word : words) seed = (seed ^ word) * 0x100'0000'01b3;
  return seed;
}

/// Computes, signals itself, waits for deadlines; every result is checked.
void suffer(Start& s) {
  static constexpr unsigned kRounds = 25;
  std::uint64_t words[512];
  Random random(s.argument + 1);
  for (auto& word : words) word = random();
  const auto expected = sum(s.argument, words);
  const auto event = raw(CallNumber::EventCreate);
  CHECK(event.ok());
  for (unsigned i = 0; i != kRounds; ++i) {
    for (unsigned j = 0; j != 20; ++j) CHECK_EQ(sum(s.argument, words), expected);
    const auto bit = std::uint64_t{1} << (i % 64);
    CHECK(raw(CallNumber::EventDeliver, event.value, bit).ok());
    CHECK_EQ(raw(CallNumber::EventWait, event.value, kNever, kNever).value, bit);
    const auto until = now() + std::uint64_t{i} * 5'000;
    CHECK_EQ(raw(CallNumber::EventWait, event.value, kNever, until).error(), Error::TimedOut);
    CHECK(now() >= until);
    s.shared[0].fetch_add(1);
  }
  CHECK(raw(CallNumber::CapDrop, event.value).ok());
}

/// A victim on each CPU, in a domain of their own, through to the end of their work.
void sacrifice() {
  Child victim;
  alignas(Worker) char storage[kMostCpus][sizeof(Worker)];
  Worker* team[kMostCpus];
  const unsigned count = cpus();
  for (unsigned i = 0; i != count; ++i) {
    team[i] = new (storage[i]) Worker({.cpu = core::CpuId(i), .child = &victim});
    team[i]->run(&suffer, i);
  }
  for (unsigned i = 0; i != count; ++i) {
    team[i]->join_returned();
    team[i]->~Worker();
  }
}

// --- the flood --------------------------------------------------------------------------------------------------------

/// As many timers as there is memory for, each as often as the kernel allows.
void arm_timers(Start& s) {
  const auto event = flood.ticks[s.argument];  // one for each CPU: here it is the interrupts that count
  for (unsigned i = 0;; ++i) {
    spin_until(
        [&] { return i < flood.armed.load() / cpus() + 64 || flood.exhausted.load(); });  // as many on each
    const auto timer = raw(CallNumber::TimerCreate, event, i % 64);
    if (!timer.ok()) CHECK_EQ(timer.error(), Error::NoMemory);
    if (!timer.ok()) break;
    CHECK(raw(CallNumber::TimerArm, timer.value, 1, 1).ok());
    flood.armed.fetch_add(1);
  }
  flood.exhausted = true;
  s.shared[0] = 1;
  for (;;) {
    if (raw(CallNumber::EventWait, event, kNever, kNever).ok()) flood.fired.fetch_add(1);
  }
}

[[noreturn]] void wait_for_ever(std::uint64_t bits) {
  for (;;) {
    if (raw(CallNumber::EventWait, flood.event, bits, kNever).ok()) flood.woken.fetch_add(1);
  }
}

/// Makes this CPU's share of the 256 contexts that wait for the event, and runs whoever was woken.
void carry_waiters(Start& s) {
  const auto share = kWaiters / cpus();
  const auto first = static_cast<unsigned>(s.argument) * share;
  const Cap<T::Event> own(flood.carriers[s.argument]);
  std::array<std::uint64_t, kWaiters> contexts{};
  for (unsigned i = 0; i != share; ++i) {
    const auto context = raw(CallNumber::AllocCpuContext, flood.domain, flood.space, 0, 0);
    if (!CHECK(context.ok())) return;
    contexts[i] = context.value;
    const auto stack = reinterpret_cast<std::uint64_t>(stacks[first + i] + kStackBytes - 8);
    CHECK(raw(CallNumber::ContextStart, context.value, reinterpret_cast<std::uint64_t>(&wait_for_ever), stack,
              std::uint64_t{1} << ((first + i) % 64))
              .ok());
    for (;;) {  // until it waits
      const auto stop = calls::context_run(ContextCap(context.value), abi::kNever, 0);
      if (stop && *stop == abi::Stop::Halted) break;
    }
    flood.crowded.fetch_add(1);
  }
  for (;;) {
    for (unsigned i = 0; i != share; ++i) {
      const auto stop = calls::context_run(ContextCap(contexts[i]), abi::kNever, 0);
      CHECK_OK(stop);
      if (!stop || *stop != abi::Stop::Event) continue;
      flood.interrupted.fetch_add(1);
      static_cast<void>(calls::event_wait(own, kKick, core::Nanoseconds(0)));
    }
  }
}

/// Signals the event that the crowd waits for, and kicks the carriers of all CPUs out of their runs.
void signal_everybody(Start& s) {
  for (auto i = s.argument;; ++i) {
    static_cast<void>(raw(CallNumber::EventDeliver, flood.event, kNever));
    static_cast<void>(raw(CallNumber::EventDeliver, flood.carriers[i % cpus()], kKick.raw()));
    flood.sent.fetch_add(1);
  }
}

/// The flooding domain, with a worker for each body on each CPU.
class Storm {
 public:
  explicit Storm(std::uint64_t pages) : child_({.pages = PageCount(pages), .authorities = kLibos}) {
    flood.armed = flood.crowded = 0;
    flood.exhausted = false;
    flood.fired = flood.woken = flood.interrupted = flood.sent = 0;
    flood.domain = child_.give(child_.domain(), kEvery);
    flood.space = child_.give(child_.space(), kEvery);
    flood.event = child_.give(event_, kEvery);
    for (unsigned i = 0; i != cpus(); ++i) {
      ticks_[i] = need(calls::event_create());
      flood.ticks[i] = child_.give(ticks_[i], kEvery);
    }
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  ~Storm() {
    drop(child_.domain().raw());  // in the midst of it
    child_.forget_domain();
    while (size_ != 0) {
      Worker* const worker = team_[--size_];
      CHECK_EQ(worker->join(), End::Stopped);
      worker->~Worker();
    }
    drop(event_.raw());
    for (unsigned i = 0; i != cpus(); ++i) drop(ticks_[i].raw());
  }
  /// Those who run the crowd, when all of it waits. Bit 1 of a carrier's event stops its runs.
  void add_carriers() {
    const auto first = make_team();
    for (unsigned i = 0; i != cpus(); ++i) {
      Worker& carrier = *team_[first + i];
      need(calls::context_set_event(carrier.context(), carrier.ended(), kKick, abi::Bit(0)));
      flood.carriers[i] = child_.give(carrier.ended(), kEvery);
    }
    run_team(first, &carry_waiters);
    spin_until([] { return flood.crowded.load() == kWaiters / cpus() * cpus(); });
  }
  void add_signallers() { run_team(make_team(), &signal_everybody); }
  /// All that the budget has left.
  void add_timers() {
    const auto first = make_team();
    run_team(first, &arm_timers);
    for (unsigned i = 0; i != cpus(); ++i)
      spin_until([&] { return team_[first + i]->start().shared[0].load() != 0; });
  }

 private:
  /// Made before any of them runs: what they hold is paid by the budget that they use up.
  unsigned make_team() {
    const auto first = size_;
    for (unsigned i = 0; i != cpus(); ++i, ++size_)
      team_[size_] = new (storage_[size_]) Worker({.cpu = core::CpuId(i), .child = &child_});
    return first;
  }
  void run_team(unsigned first, void (*body)(Start&)) {
    for (unsigned i = 0; i != cpus(); ++i) team_[first + i]->run(body, i);
  }

  Child child_;
  EventCap event_ = need(calls::event_create());
  EventCap ticks_[kMostCpus];
  alignas(Worker) char storage_[3 * kMostCpus][sizeof(Worker)];
  Worker* team_[3 * kMostCpus];
  unsigned size_ = 0;
};

/// What `life` makes and ends leaves nothing behind.
template <class Life>
void twice(Life life) {
  grow_space(200);
  life();
  const auto before = books();
  life();
  check_books(before);
}

}  // namespace

TEST("floods: all the timers that a budget allows, at the shortest period, on every CPU") {
  twice([] {
    Storm storm(100);
    storm.add_timers();
    CHECK(flood.armed.load() > 500);
    sacrifice();
    spin_until([] { return flood.fired.load() > 100; });
    diag(flood.armed.load(), " timers, ", flood.fired.load(), " wake-ups by them");
  });
}

TEST("floods: signals from every CPU for 256 waiters, and kicks for everyone who runs them") {
  twice([] {
    Storm storm(600);
    storm.add_carriers();
    storm.add_signallers();
    sacrifice();
    spin_until([] { return flood.woken.load() > 500 && flood.interrupted.load() > 100; });
    diag(flood.sent.load(), " signals, ", flood.woken.load(), " wake-ups, ", flood.interrupted.load(),
         " kicks");
  });
}

TEST("floods: timers, signals and kicks together, and their domain ends in the midst of it") {
  twice([] {
    Storm storm(300);
    storm.add_carriers();
    storm.add_signallers();
    storm.add_timers();
    sacrifice();
    spin_until([] { return flood.woken.load() > 500 && flood.fired.load() > 20; });
    diag(flood.armed.load(), " timers, ", flood.woken.load(), " wake-ups");
  });
}

namespace {

/// Two that do nothing but `hog`, and a victim, on one CPU.
void share_with(void (*hog)(Start&), std::uint64_t handle = 0) {
  const core::CpuId cpu(1 % cpus());
  Worker first({.cpu = cpu}), second({.cpu = cpu}), third({.cpu = cpu});
  for (Worker* worker : {&first, &second}) {
    for (auto& entry : worker->start().ring->entries) entry = calls::encode_null();
    worker->start().handles[0] = handle;
    worker->run(hog);
  }
  third.run(&suffer, 1);
  third.join_returned();
  for (const Worker* worker : {&first, &second})
    spin_until([&] { return worker->start().shared[0].load() > 1'000; });
  first.stop();
  second.stop();
}

}  // namespace

TEST("floods: who submits call rings without end does not keep the CPU") {
  share_with([](Start& s) {
    for (;; s.shared[0].fetch_add(1)) CHECK_EQ(calls::ring_submit(64).value_or(0), 64u);
  });
}

TEST("floods: who makes batches with runs without end does not keep the CPU") {
  const Worker never_started({.slice = false});
  share_with(
      [](Start& s) {
        for (;; s.shared[0].fetch_add(1))
          CHECK_FAILS(calls::context_run(ContextCap(s.handles[0]), abi::kNever, 64), Error::Gone);
      },
      never_started.context().raw());
}
