// Contexts of asynchronous input and output: their ring as the program sees it, waiting for files, quotas.
#include "libos/posix/aio/context.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <deque>
#include <functional>

#include "libos/posix/vfs/io.hpp"
#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::aio {
namespace {

using core::Nanoseconds;

struct ZeroClock final : vfs::Clock {
  Nanoseconds now() override { return {}; }
};
class TestPacemaker final : public poll::Pacemaker {
 public:
  void pace(Nanoseconds /*earliest*/) override {}
  [[nodiscard]] Nanoseconds now() const override { return Nanoseconds(1'000); }
};

/// Does something while it sleeps, once; then its time is over.
class ScriptWaiter final : public vfs::Waiter {
 public:
  explicit ScriptWaiter(std::function<void()> then) : then_(std::move(then)) {}
  [[nodiscard]] Nanoseconds now() const override { return {}; }
  Answer<> sleep(Nanoseconds /*deadline*/) override {
    woken_ = false;
    if (then_) std::exchange(then_, nullptr)();
    return woken_ ? Answer<>() : fail(Errno::TimedOut);
  }
  void wake() override { woken_ = true; }

 private:
  std::function<void()> then_;
  bool woken_ = false;
};

class ContextTest : public ::testing::Test {
 public:
  static constexpr std::uint64_t kBlock = 0x1000;

  Ref<Context> make(std::uint32_t events = 4) {
    auto made = Context::make(services, frames, quotas, events);
    return made ? *made : Ref<Context>();
  }
  static Ref<poll::EventCount> counter() {
    const auto made = poll::make_event_count(0, vfs::flag::kNonBlock);
    return Ref<poll::EventCount>(*vfs::file_as<poll::EventCount>(**made));
  }
  void ring() { alarms.ring_due(pacemaker.now()); }
  /// The program's view of the ring.
  RingHead* head(const Context& context) {
    const auto frame = context.ring_of().memory()->present(0);
    return reinterpret_cast<RingHead*>(frames.bytes(frame).data());
  }

  test::MemorySource source;
  Frames frames{source, 4096};
  ZeroClock clock;
  TestPacemaker pacemaker;
  poll::Alarms alarms{pacemaker};
  poll::Services services{alarms, clock};
  Quotas quotas;
};

TEST_F(ContextTest, its_ring_is_what_libaio_looks_for_C4_18) {
  const auto context = make();
  const RingHead* const ring = head(*context);
  EXPECT_EQ(ring->magic, 0xa10a10a1U);
  EXPECT_EQ(ring->compatible, 1U);
  EXPECT_EQ(ring->incompatible, 0U);
  EXPECT_EQ(ring->size, 32U);
  EXPECT_EQ(ring->events, (4096U - 32) / 32);
  context->complete({.data = 3, .object = kBlock}, -5);
  EXPECT_EQ(ring->head, 0U);
  EXPECT_EQ(ring->tail, 1U);
  Event event;
  std::memcpy(&event, ring + 1, sizeof(event));
  EXPECT_EQ(event.data, 3U);
  EXPECT_EQ(event.object, kBlock);
  EXPECT_EQ(event.result, -5);
}

TEST_F(ContextTest, rooms_are_for_those_that_nobody_took_and_those_that_wait_C4_18) {
  const auto context = make();
  const auto file = counter();
  std::uint32_t count = 0;
  for (; context->has_room(); ++count) {
    if (count % 2 == 0)
      context->complete({}, 0);
    else
      ASSERT_TRUE(context->wait_for({.object = count}, file, vfs::poll::kIn));
  }
  EXPECT_EQ(count, context->ring_of().room());
  file->signal();
  ring();
  EXPECT_EQ(context->count(), context->ring_of().room());
  EXPECT_FALSE(context->has_room());
  head(*context)->head = head(*context)->tail;  // the program takes them all
  EXPECT_TRUE(context->has_room());
}

TEST_F(ContextTest, a_program_that_writes_nonsense_into_its_ring_harms_only_itself_C4_18) {
  const auto context = make();
  for (const std::uint32_t nonsense : {~0U, 0x8000'0000U, 127U, 128U, 1'000'000U}) {
    head(*context)->head = nonsense;
    head(*context)->tail = ~nonsense;
    head(*context)->events = 0;
    EXPECT_LE(context->count(), context->ring_of().room());
    for (int i = 0; i != 300; ++i) {
      if (context->has_room()) context->complete({}, i);
      static_cast<void>(context->peek(static_cast<std::uint32_t>(i)));
    }
    context->take(context->count());
    EXPECT_EQ(context->count(), 0U);
  }
}

TEST_F(ContextTest, a_wait_for_a_file_completes_when_that_has_changed_C4_18) {
  const auto context = make();
  const auto file = counter();
  const auto told = counter();
  ASSERT_TRUE(context->wait_for({.data = 9, .object = kBlock, .events = told}, file, vfs::poll::kIn));
  ring();
  EXPECT_EQ(context->count(), 0U);
  file->signal();
  EXPECT_EQ(context->count(), 0U) << "not in the middle of what changes the file";
  ring();
  ASSERT_EQ(context->count(), 1U);
  EXPECT_EQ(context->peek(0).data, 9U);
  EXPECT_EQ(context->peek(0).result, vfs::poll::kIn);
  EXPECT_NE(told->poll().events & vfs::poll::kIn, 0U);
  // It is over: nothing comes of further changes.
  file->signal();
  ring();
  EXPECT_EQ(context->count(), 1U);
  EXPECT_EQ(quotas.polls.used(), 0U);
}

TEST_F(ContextTest, what_is_there_already_completes_at_once_C4_18) {
  const auto context = make();
  ASSERT_TRUE(context->wait_for({.object = kBlock}, counter(), vfs::poll::kOut));
  EXPECT_EQ(context->count(), 1U);
}

TEST_F(ContextTest, a_cancelled_wait_completes_without_an_event_C4_18) {
  const auto context = make();
  const auto file = counter();
  ASSERT_TRUE(context->wait_for({.object = kBlock}, file, vfs::poll::kIn));
  EXPECT_FALSE(context->cancel(kBlock + 64));
  EXPECT_TRUE(context->cancel(kBlock));
  EXPECT_FALSE(context->cancel(kBlock));
  ASSERT_EQ(context->count(), 1U);
  EXPECT_EQ(context->peek(0).result, 0);
  file->signal();
  ring();
  EXPECT_EQ(context->count(), 1U);
}

TEST_F(ContextTest, who_sleeps_is_woken_by_a_completion_and_by_the_end_C4_18) {
  const auto context = make();
  ScriptWaiter completes([&] { context->complete({}, 0); });
  EXPECT_TRUE(context->sleep(completes, vfs::kForever));
  ScriptWaiter nothing(nullptr);
  EXPECT_EQ(context->sleep(nothing, vfs::kForever).error(), Errno::TimedOut);
  ScriptWaiter ends([&] { context->end(); });
  EXPECT_EQ(context->sleep(ends, vfs::kForever).error(), Errno::Invalid);
  EXPECT_EQ(context->sleep(ends, vfs::kForever).error(), Errno::Invalid);
}

TEST_F(ContextTest, everything_comes_back_and_the_limits_hold_C4_18) {
  {
    const auto file = counter();
    auto context = make(1000);
    EXPECT_EQ(quotas.events.used(), 1000U);
    for (int i = 0; i != 20; ++i) ASSERT_TRUE(context->wait_for({}, file, vfs::poll::kIn));
    EXPECT_EQ(Context::make(services, frames, quotas, 1 << 16).error(), Errno::TryAgain);
    file->signal();  // it goes while its alarm is set
    context.reset();
    file->signal();
    ring();
  }
  EXPECT_EQ(quotas.events.used(), 0U);
  EXPECT_EQ(quotas.contexts.used(), 0U);
  EXPECT_EQ(quotas.polls.used(), 0U);
  EXPECT_EQ(frames.used(), 0U);
  std::deque<Ref<Context>> many;
  while (auto context = make(1)) many.push_back(context);
  EXPECT_EQ(many.size(), 1024U);
  many.clear();
  Frames few(source, 3);
  EXPECT_EQ(Context::make(services, few, quotas, 1000).error(), Errno::NoMemory);
  EXPECT_EQ(quotas.events.used(), 0U);
  EXPECT_EQ(quotas.contexts.used(), 0U);
}

TEST_F(ContextTest, they_are_found_by_their_address_until_they_are_removed_C4_18) {
  Contexts contexts;
  const auto one = make();
  const auto other = make();
  one->at = core::VirtAddr(0x10000);
  other->at = core::VirtAddr(0x20000);
  ASSERT_TRUE(contexts.add(one));
  ASSERT_TRUE(contexts.add(other));
  EXPECT_EQ(contexts.find(other->at)->get(), other.get());
  EXPECT_EQ(contexts.find(core::VirtAddr(0)).error(), Errno::Invalid);
  contexts.remove(*one);
  EXPECT_EQ(contexts.find(one->at).error(), Errno::Invalid);
  EXPECT_TRUE(contexts.find(other->at));
}

// Completions and takings in any order: first in, first out, none lost.
RC_GTEST_FIXTURE_PROP(ContextTest, the_ring_is_a_queue_C4_18, (const std::vector<bool>& steps)) {
  const auto context = make();
  std::deque<std::int64_t> model;
  std::int64_t next = 0;
  for (int round = 0; round != 8; ++round) {  // past the ring's end
    for (const bool put : steps) {
      if (put && context->has_room()) {
        context->complete({}, next);
        model.push_back(next++);
      } else if (!put && !model.empty()) {
        RC_ASSERT(context->peek(0).result == model.front());
        context->take(1);
        model.pop_front();
      }
      RC_ASSERT(context->count() == model.size());
    }
  }
}

}  // namespace
}  // namespace fb::libos::posix::aio
