// Operations of the kinds TRANSFER and EVENT, and whoever waits for them, under hostile use (DESIGN §7; C2.16-C2.20).
#include "libos/rt/memory.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"
#include "tests/system/harness/slots.hpp"
#include "tests/system/harness/team.hpp"

using namespace fb;
using namespace fb::test;
using abi::AsyncKind;

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));
constexpr std::uint64_t kWaiting = 3;   // context_query
constexpr unsigned kMostWaiters = 256;  // of one event, waits and watches together
constexpr std::uint64_t kCopyAtOnce = 32 * 1024;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t now() { return calls::get_system_time(abi::Clock::Monotonic).value_or(0); }
std::uint64_t make_event() { return need(calls::event_create()).raw(); }
std::uint64_t derive(std::uint64_t cap, Rights rights) {
  return need(calls::cap_derive(Cap<T::Any>(cap), rights)).raw();
}

Raw submit(exo_area& area, AsyncKind kind, const exo_async& operands, std::uint64_t event = 0,
           std::uint64_t bit = 0) {
  area.async = operands;
  return raw(CallNumber::SubmitAsyncOp, static_cast<std::uint64_t>(kind), event, bit);
}
Raw watch(exo_area& area, std::uint64_t event, std::uint64_t bits) {
  return submit(area, AsyncKind::Event, {event, bits, {}});
}
Raw watch(std::uint64_t event, std::uint64_t bits) { return watch(*test_start().area, event, bits); }
Raw transfer(const exo_transfer& operands, std::uint64_t event = 0, std::uint64_t bit = 0) {
  return submit(*test_start().area, AsyncKind::Transfer, {0, 0, operands}, event, bit);
}
std::uint64_t needed(Raw answer, Where where = Where::current()) {
  if (!check_equal(answer.status, 0u, "status", where)) end_context();
  return answer.value;
}

Raw poll(std::uint64_t op) { return raw(CallNumber::PollAsyncOp, op); }
Raw wait_for(std::uint64_t op, std::uint64_t deadline) { return raw(CallNumber::WaitAsyncOp, op, deadline); }
bool in_progress(std::uint64_t op) { return poll(op).error() == Error::InProgress; }
bool deliver(std::uint64_t event, std::uint64_t bits) {
  return raw(CallNumber::EventDeliver, event, bits).ok();
}
/// Takes what is pending, perhaps nothing.
std::uint64_t take(std::uint64_t event) {
  const auto got = raw(CallNumber::EventWait, event, kNever, 0);
  return got.ok() ? got.value : 0;
}
/// The operation has this outcome, whoever asks and however.
void check_outcome(std::uint64_t op, Raw outcome, Where where = Where::current()) {
  for (const Raw answer : {poll(op), wait_for(op, 0), wait_for(op, kNever)}) {
    check_equal(answer.status, outcome.status, "status", where);
    if (outcome.ok()) check_equal(answer.value, outcome.value, "result", where);
  }
  check_equal(raw(CallNumber::CancelAsyncOp, op).error(), Error::TooLate, "cancel", where);
}
constexpr Raw done(std::uint64_t value) { return {0, value}; }
constexpr Raw failed(Error error) { return {static_cast<std::uint64_t>(error), 0}; }

void await_waiting(const Worker& worker) {
  spin_until([&] { return (calls::context_query(worker.context(), 0).value_or(0) & 0xff) == kWaiting; });
}

/// A worker that waits for the operation of its argument and keeps what came: status and value in shared[1] and [2].
void wait_and_keep(Start& s) {
  const auto answer = wait_for(s.argument, kNever);
  s.shared[1] = answer.status;
  s.shared[2] = answer.value;
}
unsigned others() { return cpus() > 1 ? cpus() - 1 : 2; }

/// Two runs of ten pages, mapped here.
struct Runs {
  static constexpr std::uint64_t kSize = 10 * core::kPageSize;
  libos::rt::Region from = need(libos::rt::allocate(PageCount(10))),
                    to = need(libos::rt::allocate(PageCount(10)));
  Runs() {
    for (std::uint64_t i = 0; i != kSize; ++i) source()[i] = static_cast<unsigned char>(i * 7 + i / 251);
    __builtin_memset(target(), 0xee, kSize);
  }
  [[nodiscard]] unsigned char* source() const { return from.mapping.as<unsigned char>(); }
  [[nodiscard]] unsigned char* target() const { return to.mapping.as<unsigned char>(); }
  [[nodiscard]] exo_transfer copy(std::uint64_t count) const {
    return {0, to.pages.get().raw(), 0, 0, from.pages.get().raw(), 0, count, 0};
  }
  /// The target holds `count` bytes of the source and nothing else.
  [[nodiscard]] bool copied(std::uint64_t count) const {
    for (std::uint64_t i = 0; i != kSize; ++i) {
      if (target()[i] != (i < count ? source()[i] : 0xee)) return false;
    }
    return true;
  }
};

}  // namespace

TEST("transfer operations: over when the token comes, with their bytes, their bit and no second outcome") {
  const auto event = make_event();
  for (const std::uint64_t count : {0ul, 1ul, 4096ul, 5000ul, kCopyAtOnce, kCopyAtOnce + 1, Runs::kSize}) {
    const Runs runs;
    // What lies where exo_transfer_data takes its operands from is none of theirs.
    test_start().area->transfer = {
        0, runs.to.pages.get().raw(), 9 * core::kPageSize, 0, runs.from.pages.get().raw(), 0, 4096, 0};
    const auto op = needed(transfer(runs.copy(count), event, 9));
    const auto moved = count < kCopyAtOnce ? count : kCopyAtOnce;
    check_outcome(op, done(moved));
    CHECK(runs.copied(moved));
    CHECK_EQ(take(event), 1u << 9);
    CHECK_EQ(raw(CallNumber::CompleteAsyncOp, op, 1).error(), Error::BadArgument);
    drop(op);
  }
  drop(event);
}

TEST("transfer operations: MOVE takes whole pages along") {
  constexpr std::uint64_t kAt = 0x6300'0000'0000, kThere = 0x6310'0000'0000;
  const auto space = environment().space.raw();
  const auto event = make_event();
  const auto pages = need(calls::alloc_mem_pages(PageCount(3), abi::PageFlags{})).raw();
  CHECK(raw(CallNumber::MapPages, space, pages, kAt, 0, 3, 3).ok());
  for (std::uint64_t i = 0; i != 3; ++i)
    *reinterpret_cast<volatile std::uint64_t*>(kAt + i * core::kPageSize) = 4711 + i;
  const exo_transfer operands{space, pages, kThere, space, pages, kAt, 2 * core::kPageSize, 1};
  const auto op = needed(transfer(operands, event, 63));
  check_outcome(op, done(2 * core::kPageSize));
  CHECK_EQ(take(event), std::uint64_t{1} << 63);
  for (std::uint64_t i = 0; i != 2; ++i)
    CHECK_EQ(*reinterpret_cast<volatile std::uint64_t*>(kThere + i * core::kPageSize), 4711 + i);
  CHECK_EQ(raw(CallNumber::UnmapPages, space, kAt, 3).value, 1u);
  // Nothing is mapped there any more: a second one fails, and there is no token.
  CHECK_EQ(transfer(operands, event, 1).error(), Error::NotMapped);
  CHECK_EQ(take(event), 0u);
  for (const auto handle : {op, pages, event}) drop(handle);
}

TEST("transfer operations: one that is refused leaves no token, no bit, no byte and no debt") {
  const Runs runs;
  const auto event = make_event(), deaf = derive(event, Rights(Right::Wait));
  const auto to = runs.to.pages.get().raw(), from = runs.from.pages.get().raw();
  const auto blind = derive(from, Rights(Right::Write)), mute = derive(to, Rights(Right::Read));
  const auto ended = derive(to, kEvery), below = derive(ended, kEvery);
  drop(ended);
  constexpr auto kSize = Runs::kSize;
  const auto with = [&](auto change) {
    auto t = runs.copy(4096);
    change(t);
    return t;
  };
  const std::pair<exo_transfer, Error> all[] = {
      {with([&](auto& t) { t.dst_pages = 0; }), Error::BadHandle},
      {with([&](auto& t) { t.src_pages = 0x77'0000'0001; }), Error::BadHandle},
      {with([&](auto& t) { t.dst_pages = event; }), Error::WrongType},
      {with([&](auto& t) { t.src_pages = event; }), Error::WrongType},
      {with([&](auto& t) { t.dst_pages = mute; }), Error::Denied},
      {with([&](auto& t) { t.src_pages = blind; }), Error::Denied},
      {with([&](auto& t) { t.dst_offset = kSize; }), Error::BadRange},
      {with([&](auto& t) { t.dst_offset = kSize - 4095; }), Error::BadRange},
      {with([&](auto& t) { t.src_offset = ~std::uint64_t{4095}; }), Error::BadRange},
      {with([&](auto& t) { t.count = kNever; }), Error::BadRange},
      {with([&](auto& t) { t.count = kNever, t.dst_offset = t.src_offset = 1; }), Error::BadRange},
      {with([&](auto& t) { t.count = kSize + 1; }), Error::BadRange},
      {with([&](auto& t) { t.flags = 2; }), Error::BadArgument},
      {with([&](auto& t) { t.flags = kNever; }), Error::BadArgument},
      {with([&](auto& t) { t.flags = 1; }), Error::BadHandle}};  // MOVE, with no address spaces
  const auto before = books();
  for (unsigned round = 0; round != 20; ++round) {
    for (const auto& [operands, error] : all) CHECK_EQ(transfer(operands, event, 5).error(), error);
    const auto gone = transfer(with([&](auto& t) { t.dst_pages = below; }), event, 5).error();
    CHECK(gone == Error::Revoked || gone == Error::Stale || gone == Error::BadHandle);
    // And the bit: of no event, of an event that may not be signalled, of none that there is.
    CHECK_EQ(transfer(runs.copy(1), to, 5).error(), Error::WrongType);
    CHECK_EQ(transfer(runs.copy(1), deaf, 5).error(), Error::Denied);
    CHECK_EQ(transfer(runs.copy(1), event, 64).error(), Error::BadArgument);
  }
  CHECK(runs.copied(0));
  CHECK_EQ(take(event), 0u);
  check_books(before);
  for (const auto handle : {blind, mute, deaf, event}) drop(handle);
}

TEST("event operations: a pending bit completes them at once and stays pending") {
  const auto event = make_event();
  CHECK(deliver(event, 6));
  for (unsigned i = 0; i != 3; ++i) {
    const auto op = needed(watch(event, 2 | 8 | 1ul << 63));
    check_outcome(op, done(2));
    CHECK_EQ(raw(CallNumber::CompleteAsyncOp, op, 1).error(), Error::BadArgument);
    drop(op);
  }
  const auto other = needed(watch(event, 8));
  CHECK(in_progress(other));
  CHECK_EQ(take(event), 6u);
  drop(other);
  drop(event);
}

TEST("event operations: a bit that comes later completes them; others do not") {
  const auto event = make_event();
  const auto op = needed(watch(event, 0b1100)), second = needed(watch(event, 0b1000));
  CHECK(in_progress(op));
  CHECK_EQ(wait_for(op, 0).error(), Error::TimedOut);
  CHECK_EQ(wait_for(op, now() + 100'000).error(), Error::TimedOut);
  CHECK(deliver(event, 0b0011));
  CHECK(in_progress(op));
  CHECK(deliver(event, 0b0111));
  check_outcome(op, done(0b0100));
  CHECK(in_progress(second));
  CHECK_EQ(take(event), 0b0111u);
  check_outcome(op, done(0b0100));  // also when the bit has been taken
  CHECK(deliver(event, kNever));
  check_outcome(second, done(0b1000));
  for (const auto handle : {op, second, event}) drop(handle);
}

TEST("event operations: refused ones leave no token and no debt") {
  const auto event = make_event(), mute = derive(event, Rights(Right::Send));
  const auto timer = need(calls::timer_create(Cap<T::Event>(event), abi::Bit(0))).raw();
  const auto ended = derive(event, kEvery), below = derive(ended, kEvery);
  drop(ended);
  const auto before = books();
  for (unsigned round = 0; round != 20; ++round) {
    CHECK_EQ(watch(event, 0).error(), Error::BadArgument);
    CHECK_EQ(watch(0, 1).error(), Error::BadHandle);
    CHECK_EQ(watch(0x77'0000'0001, 1).error(), Error::BadHandle);
    CHECK_EQ(watch(timer, 1).error(), Error::WrongType);
    CHECK_EQ(watch(mute, 1).error(), Error::Denied);
    const auto gone = watch(below, 1).error();
    CHECK(gone == Error::Revoked || gone == Error::Stale || gone == Error::BadHandle);
    // Completions that signal what other operations watch would be chains: ring 0 does not follow any.
    CHECK_EQ(submit(*test_start().area, AsyncKind::Event, {event, 1, {}}, event, 1).error(),
             Error::BadArgument);
  }
  check_books(before);
  CHECK(deliver(event, kNever));
  for (const auto handle : {timer, event}) drop(handle);
}

TEST("operations: each call needs its right on the token") {
  const auto event = make_event();
  const auto op = needed(watch(event, 1));
  const auto none = derive(op, Rights()), waits = derive(op, Rights(Right::Wait)),
             reads = derive(op, Rights(Right::Read));
  for (const auto call : {CallNumber::PollAsyncOp, CallNumber::WaitAsyncOp, CallNumber::CancelAsyncOp,
                          CallNumber::CompleteAsyncOp})
    CHECK_EQ(raw(call, none, 0).error(), Error::Denied);
  CHECK_EQ(poll(waits).error(), Error::Denied);
  CHECK_EQ(wait_for(waits, 0).error(), Error::TimedOut);
  CHECK_EQ(wait_for(reads, 0).error(), Error::Denied);
  CHECK_EQ(poll(reads).error(), Error::InProgress);
  CHECK_EQ(raw(CallNumber::CancelAsyncOp, reads).error(), Error::Denied);
  CHECK(deliver(event, 1));
  CHECK_EQ(wait_for(waits, kNever).value, 1u);
  for (const auto handle : {op, event}) drop(handle);
}

namespace {

constinit std::atomic<std::uint64_t> answers[4]{};
alignas(16) constinit char small_stack[4096];

void submit_without_area() {
  for (std::uint64_t kind = 0; kind != 4; ++kind)
    answers[kind] = raw(CallNumber::SubmitAsyncOp, kind, 0, 0).status;
  __builtin_trap();
}

}  // namespace

TEST("operations: a context without an area has no operands: NotReady") {
  const auto& e = environment();
  const auto ended = need(calls::event_create());
  const auto context = need(calls::alloc_cpu_context(e.domain, e.space, {}, abi::ContextFlags{}));
  need(calls::context_set_event(context, ended, abi::EventBits(0), abi::Bit(0)));
  const auto slot = take_slot(core::CpuId(0));
  need(calls::slice_assign(e.budget, core::CpuId(0), abi::Slot(slot), context));
  need(calls::context_start(context, VirtAddr(reinterpret_cast<std::uint64_t>(&submit_without_area)),
                            VirtAddr(reinterpret_cast<std::uint64_t>(small_stack + sizeof small_stack - 8)),
                            0));
  CHECK_OK(calls::event_wait(ended, abi::EventBits(1), abi::kNever));
  for (const auto kind : {AsyncKind::Timer, AsyncKind::Transfer, AsyncKind::Event})
    CHECK_EQ(static_cast<Error>(answers[static_cast<unsigned>(kind)].load()), Error::NotReady);
  CHECK_EQ(answers[static_cast<unsigned>(AsyncKind::Server)].load(), 0u);
  drop(context.raw());
  give_slot(core::CpuId(0), slot);
  drop(ended.raw());
}

TEST("event operations: waiters on every CPU come back when the bit comes, all with the result") {
  const auto event = make_event();
  for (unsigned round = 0; round != 20; ++round) {
    const auto op = needed(watch(event, 0xf0));
    Team team(others(), &wait_and_keep, op);
    for (unsigned i = 0; i != team.size(); ++i) await_waiting(team[i]);
    CHECK(deliver(event, 0x0f));
    CHECK(deliver(event, 0x30));
    team.join();
    for (unsigned i = 0; i != team.size(); ++i) {
      CHECK_EQ(team[i].start().shared[1].load(), 0u);
      CHECK_EQ(team[i].start().shared[2].load(), 0x30u);
    }
    CHECK_EQ(take(event), 0x3fu);
    drop(op);
  }
  drop(event);
}

TEST("event operations: cancelled under waiters on every CPU, they come back with Cancelled") {
  const auto event = make_event();
  for (unsigned round = 0; round != 10; ++round) {
    const auto op = needed(watch(event, 1));
    Team team(others(), &wait_and_keep, op);
    for (unsigned i = 0; i != team.size(); ++i) await_waiting(team[i]);
    CHECK(raw(CallNumber::CancelAsyncOp, op).ok());
    team.join();
    for (unsigned i = 0; i != team.size(); ++i)
      CHECK_EQ(static_cast<Error>(team[i].start().shared[1].load()), Error::Cancelled);
    CHECK(deliver(event, 1));
    check_outcome(op, failed(Error::Cancelled));
    CHECK_EQ(take(event), 1u);
    drop(op);
  }
  drop(event);
}

TEST("event operations: waits with a deadline end on every CPU, never before, and the operation goes on") {
  const auto event = make_event();
  const auto op = needed(watch(event, 1));
  Team team(
      others(),
      [](Start& s) {
        for (std::uint64_t i = 0; i != 60; ++i) {
          const auto until = now() + i * i * 100;
          CHECK_EQ(wait_for(s.argument, until).error(), Error::TimedOut);
          CHECK(now() >= until);
        }
        s.shared[0] = 1;  // what follows has no deadline: nobody but us can end it
        wait_and_keep(s);
      },
      op);
  for (unsigned i = 0; i != team.size(); ++i) {
    spin_until([&] { return team[i].start().shared[0].load() == 1; });
    await_waiting(team[i]);
  }
  CHECK(in_progress(op));
  CHECK(deliver(event, 1));
  team.join();
  for (unsigned i = 0; i != team.size(); ++i) CHECK_EQ(team[i].start().shared[2].load(), 1u);
  for (const auto handle : {op, event}) drop(handle);
}

TEST("event operations: the watched event's capability is revoked: they fail, and so do waits on every CPU") {
  const auto event = make_event();
  for (unsigned round = 0; round != 30; ++round) {
    // Revoked: what the operation was begun with, its ancestor, or the event altogether.
    const auto target = round % 3 == 2 ? make_event() : event;
    const auto middle = derive(target, kEvery), used = derive(middle, kEvery);
    const auto op = needed(watch(used, 1)), spared = needed(watch(event, 1));
    Team team(others(), &wait_and_keep, op);
    for (unsigned i = 0; i != team.size(); ++i) await_waiting(team[i]);
    CHECK(raw(CallNumber::CapRevoke, round % 3 == 0 ? used : round % 3 == 1 ? middle : target).ok());
    team.join();
    for (unsigned i = 0; i != team.size(); ++i)
      CHECK_EQ(static_cast<Error>(team[i].start().shared[1].load()), Error::Revoked);
    CHECK(in_progress(spared));
    CHECK(deliver(event, 1));
    check_outcome(op, failed(Error::Revoked));
    check_outcome(spared, done(1));
    CHECK_EQ(take(event), 1u);
    for (const auto handle : {op, spared, middle}) drop(handle);
  }
  drop(event);
}

TEST(
    "event operations: the token is dropped under waiters: they come back, and the event does not remember") {
  const auto event = make_event();
  for (unsigned round = 0; round != 10; ++round) {
    const auto op = needed(watch(event, 1));
    Team team(others(), &wait_and_keep, op);
    for (unsigned i = 0; i != team.size(); ++i) await_waiting(team[i]);
    drop(op);
    team.join();
    for (unsigned i = 0; i != team.size(); ++i)
      CHECK_EQ(static_cast<Error>(team[i].start().shared[1].load()), Error::Revoked);
    CHECK(deliver(event, 1));
    CHECK_EQ(take(event), 1u);
    CHECK(!is_valid(op));
  }
  drop(event);
}

namespace {

/// As many operations as one event takes, all watching for bit 0.
struct Crowd {
  std::array<std::uint64_t, kMostWaiters> ops{};
  std::uint64_t event;
  explicit Crowd(std::uint64_t watched, Where where = Where::current()) : event(watched) {
    for (auto& op : ops) op = needed(watch(event, 1), where);
    check_equal(watch(event, 1).error(), Error::Limit, "one more", where);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    for (const auto op : ops) drop(op);
  }
};

}  // namespace

TEST("event operations: an event takes 256 watches and waits; each end of one makes room for one") {
  grow_space(kMostWaiters + 20);
  const auto event = make_event();
  for (unsigned round = 0; round != 2; ++round) {
    const Crowd crowd(event);
    const auto full = [&] { return watch(event, 2).error() == Error::Limit; };
    CHECK_EQ(raw(CallNumber::EventWait, event, 2, kNever).error(), Error::Limit);
    CHECK(deliver(event, 2));
    CHECK_EQ(raw(CallNumber::EventWait, event, 2, kNever).value, 2u);  // what is there can be taken
    CHECK(full());
    std::array<std::uint64_t, 2> fresh{};
    drop(crowd.ops[0]);
    fresh[0] = needed(watch(event, 4));
    CHECK(full());
    CHECK(raw(CallNumber::CancelAsyncOp, crowd.ops[1]).ok());
    fresh[1] = needed(watch(event, 4));
    CHECK(full());
    drop(crowd.ops[1]);
    CHECK(full());
    drop(crowd.ops[2]);
    Worker waiter({.cpu = core::CpuId(1 % cpus())});
    waiter.run([](Start& s) { s.shared[1] = raw(CallNumber::EventWait, s.argument, 8, kNever).value; },
               event);
    await_waiting(waiter);
    CHECK(full());
    drop(crowd.ops[3]);
    const auto last = needed(watch(event, 16));
    CHECK(full());
    CHECK(deliver(event, 1 | 8 | 16));
    waiter.join_returned();
    CHECK_EQ(waiter.start().shared[1].load(), 8u);
    check_outcome(last, done(16));
    for (unsigned i = 4; i != kMostWaiters; ++i) CHECK_EQ(poll(crowd.ops[i]).value, 1u);
    CHECK_EQ(take(event), 17u);
    for (const auto op : {last, fresh[0], fresh[1]}) drop(op);
  }
  drop(event);
}

namespace {

/// In a child: watches the event in handles[0] a hundred times and waits for the last.
void watch_for_ever(Start& s) {
  std::uint64_t op = 0;
  for (unsigned i = 0; i != 100; ++i) op = needed(watch(*s.area, s.handles[0], 1));
  static_cast<void>(wait_for(op, kNever));
}

void die_watching(void (*end)(Child&)) {
  grow_space(kMostWaiters + 40);
  const auto event = make_event();
  const auto life = [&] {
    Child child({.pages = PageCount(128)});
    Worker watcher({.cpu = core::CpuId(1 % cpus()), .child = &child});
    watcher.start().handles[0] = child.give(Cap<T::Event>(event), Rights(Right::Wait));
    watcher.run(&watch_for_ever);
    await_waiting(watcher);
    end(child);
    CHECK_EQ(watcher.join(), End::Stopped);
  };
  life();
  const auto before = books();
  for (unsigned round = 0; round != 6; ++round) {
    life();
    CHECK(deliver(event, 1));
    CHECK_EQ(take(event), 1u);
    check_books(before);
    const Crowd crowd(event);  // not one of the watches is left
  }
  check_books(before);
  drop(event);
}

}  // namespace

TEST("event operations: the watching domain dies, and its watches with it") {
  die_watching([](Child& child) {
    drop(child.domain().raw());
    child.forget_domain();
  });
}

TEST("event operations: the watching domain's budget goes, and the watches with it") {
  die_watching([](Child& child) {
    CHECK_OK(calls::cap_revoke(child.budget()));
    child.forget_budget();
    child.forget_domain();
  });
}

TEST("event operations: the watched event dies with its domain: they fail with Revoked") {
  grow_space(200);
  const auto life = [] {
    Child child({.pages = PageCount(64)});
    Worker maker({.cpu = core::CpuId(1 % cpus()), .child = &child});
    maker.start().handles[0] =
        child.give(environment().domain, Right::Control | Right::Grant | Right::Derive);
    maker.run([](Start& s) {
      const auto event = raw(CallNumber::EventCreate);
      s.shared[0] = raw(CallNumber::CapDerive, event.value, kEvery.raw(), s.handles[0]).value;
    });
    maker.join_returned();
    const auto op = needed(watch(maker.start().shared[0].load(), 1));
    Worker waiter({.cpu = core::CpuId(2 % cpus())});
    waiter.run(&wait_and_keep, op);
    await_waiting(waiter);
    drop(child.domain().raw());
    child.forget_domain();
    waiter.join_returned();
    CHECK_EQ(static_cast<Error>(waiter.start().shared[1].load()), Error::Revoked);
    check_outcome(op, failed(Error::Revoked));
    drop(op);
  };
  life();
  const auto before = books();
  for (unsigned round = 0; round != 8; ++round) life();
  check_books(before);
}

TEST("operations: 64 contexts wait for one, its end wakes them all, and one more is refused") {
  constexpr unsigned kMost = 64;
  alignas(Worker) static char storage[kMost + 1][sizeof(Worker)];
  const auto op = needed(raw(CallNumber::SubmitAsyncOp, static_cast<std::uint64_t>(AsyncKind::Server)));
  const auto give_time = [](Worker& worker) {
    auto stop = abi::Stop::Preempted;
    while (stop == abi::Stop::Preempted)
      stop = calls::context_run(worker.context(), abi::kNever, 0).value_or(abi::Stop::Gone);
  };
  std::array<Worker*, kMost + 1> workers{};
  for (unsigned i = 0; i <= kMost; ++i) {
    workers[i] = new (storage[i]) Worker({.slice = false});
    workers[i]->run(&wait_and_keep, op);
    give_time(*workers[i]);
    CHECK_EQ(workers[i]->start().phase.load(), i < kMost ? 1u : 2u);
  }
  CHECK_EQ(workers[kMost]->start().shared[1].load(), static_cast<std::uint64_t>(Error::Limit));
  CHECK(raw(CallNumber::CompleteAsyncOp, op, 7).ok());
  for (unsigned i = 0; i < kMost; ++i) {
    give_time(*workers[i]);
    CHECK_EQ(workers[i]->start().phase.load(), 2u);
    CHECK_EQ(workers[i]->start().shared[2].load(), 7u);
  }
  for (auto* worker : workers) worker->~Worker();
  drop(op);
}

TEST("operations: a budget carries so many and no more, each time as many") {
  const auto event = make_event();
  const auto before = books();
  {
    Child child({.pages = PageCount(14)});
    Worker worker({.child = &child});
    worker.start().handles[0] = child.give(Cap<T::Event>(event), Rights(Right::Wait));
    worker.run([](Start& s) {
      static constinit std::array<std::uint64_t, kMostWaiters> ops{};
      for (unsigned round = 0; round != 6; ++round) {
        unsigned made = 0;
        for (; made != ops.size(); ++made) {
          const auto op = watch(*s.area, s.handles[0], 1);
          if (!op.ok()) CHECK_EQ(op.error(), Error::NoMemory);
          if (!op.ok()) break;
          ops[made] = op.value;
        }
        CHECK(made > 8 && made != ops.size());
        if (round > 1) CHECK_EQ(s.shared[0].load(), made);  // the space has grown in the first
        s.shared[0] = made;
        while (made != 0) drop(ops[--made]);
      }
    });
    worker.join_returned();
  }
  check_books(before);
  const Crowd crowd(event);
  drop(event);
}

TEST("operations: submitted in a ring, and the bit that completes them in the same one") {
  grow_space(100);
  auto& area = *test_start().area;
  auto& ring = *test_start().ring;
  const Runs runs;
  const auto event = make_event();
  const auto before = books();
  for (unsigned round = 0; round != 10; ++round) {
    area.async = {event, 2, runs.copy(100)};
    for (std::uint64_t i = 0; i != 63; ++i)
      ring.entries[i] =
          calls::encode_submit_async_op(i % 3 == 0 ? AsyncKind::Transfer : AsyncKind::Event, {}, abi::Bit(0));
    ring.entries[63] = calls::encode_event_deliver(Cap<T::Event>(event), abi::EventBits(3));
    CHECK_EQ(calls::ring_submit(64).value_or(0), 64u);
    for (std::uint64_t i = 0; i != 63; ++i) {
      CHECK_EQ(poll(ring.entries[i].result).value, i % 3 == 0 ? 100u : 2u);
      drop(ring.entries[i].result);
    }
    CHECK_EQ(take(event), 3u);
  }
  CHECK(runs.copied(100));
  check_books(before);
  drop(event);
}

namespace {

struct Race {
  std::atomic<std::uint64_t> op{0}, event{0}, used{0};
  std::atomic<std::uint32_t> round{0}, count{0}, cancelled{0}, odd{0};
  std::atomic<bool> quit{false};
};
constinit Race race;

/// One of those who end an operation, each in another way, which changes from round to round.
void end_it(Start& s) {
  Random random(s.handles[0] + 7);
  std::uint32_t seen = 0;
  for (;;) {
    spin_until([&] { return race.round.load() != seen || race.quit.load(); });
    if (race.quit.load()) return;
    seen = race.round.load();
    const auto op = race.op.load();
    for (auto turns = random.below(300); turns != 0; --turns) __builtin_ia32_pause();
    switch ((s.handles[0] + seen) % 4) {
      case 0:
        if (!deliver(race.event.load(), 4)) race.odd.fetch_add(1);
        break;
      case 1:
        if (raw(CallNumber::CancelAsyncOp, op).ok()) race.cancelled.fetch_add(1);
        break;
      case 2:
        static_cast<void>(raw(CallNumber::CapRevoke, race.used.load()));
        break;
      default: {
        const auto waited = wait_for(op, now() + random.below(30'000));
        const auto e = waited.error();
        if (!waited.ok() && e != Error::TimedOut && e != Error::Cancelled && e != Error::Revoked)
          race.odd.fetch_add(1);
      }
    }
    race.count.fetch_add(1);
  }
}

}  // namespace

TEST(
    "event operations: a bit, a cancel, a revocation and time-outs race on all CPUs; one outcome, for ever") {
  grow_space(60);
  const auto event = make_event();
  race.event = event;
  Team team(4, &end_it);
  const auto before = books();
  for (std::uint32_t round = 1; round != 1000; ++round) {
    race.used = derive(event, kEvery);
    const auto op = needed(watch(race.used.load(), 4));
    race.op = op;
    race.count = race.cancelled = 0;
    race.round = round;
    const auto outcome = wait_for(op, kNever);
    spin_until([&] { return race.count.load() == team.size(); });
    check_outcome(op, outcome);
    if (outcome.ok()) CHECK_EQ(outcome.value, 4u);
    if (!outcome.ok()) CHECK(outcome.error() == Error::Cancelled || outcome.error() == Error::Revoked);
    CHECK_EQ(race.cancelled.load() != 0, outcome.error() == Error::Cancelled);
    CHECK_EQ(take(event), 4u);
    for (const auto handle : {op, race.used.load()}) drop(handle);
  }
  CHECK_EQ(race.odd.load(), 0u);
  check_books(before);
  race.quit = true;
  team.join();
  const Crowd crowd(event);  // the watches of all rounds are gone
  drop(event);
}

TEST("event operations: begun, polled, waited for and dropped on all CPUs while the bits come and go") {
  grow_space(100);
  const auto event = make_event();
  race.event = event;
  race.odd = 0;
  {
    Team team(others(), [](Start& s) {
      Random random(s.handles[0] + 99);
      const auto bits = std::uint64_t{3} << s.handles[0];
      for (unsigned i = 0; i != 1'000; ++i) {
        const auto op = needed(watch(*s.area, race.event, bits));
        const auto answer = random.below(2) == 0 ? poll(op) : wait_for(op, now() + random.below(20'000));
        const bool open = answer.error() == Error::InProgress || answer.error() == Error::TimedOut;
        if (answer.ok() ? answer.value == 0 || (answer.value & ~bits) != 0 : !open) race.odd.fetch_add(1);
        if (random.below(4) == 0) static_cast<void>(raw(CallNumber::CancelAsyncOp, op));
        drop(op);
      }
      s.shared[0] = 1;
    });
    for (unsigned i = 0; i != team.size(); ++i) {
      while (team[i].start().shared[0].load() == 0) {
        CHECK(deliver(event, 0x7f));
        static_cast<void>(take(event));
        static_cast<void>(calls::yield());
      }
    }
    team.join();
  }
  CHECK_EQ(race.odd.load(), 0u);
  const auto before = books();
  {
    const Crowd crowd(event);
  }  // none of the watches is left
  check_books(before);
  drop(event);
}
