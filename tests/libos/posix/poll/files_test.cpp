// eventfd and timerfd, and the alarms beneath.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "libos/posix/poll/time.hpp"
#include "tests/libos/posix/poll/fixture.hpp"

namespace fb::libos::posix::poll::test {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};

struct Files : testing::Test {
  Descriptor count(std::uint32_t begin, std::uint32_t flags) {
    return world.add(make_event_count(begin, flags).value());
  }
  Descriptor timer(timer::Clock clock = timer::Clock::Monotonic) {
    return world.add(
        make_timer(world.services, static_cast<std::uint32_t>(clock), vfs::flag::kNonBlock).value());
  }
  TimerFile& its(Descriptor number) { return *vfs::file_as<TimerFile>(world.file(number)); }
  World world;
};

TEST_F(Files, a_reader_of_an_event_count_waits_until_there_is_something_C4_18) {
  const Descriptor number = count(0, 0);
  Script script({[&] { ASSERT_EQ(world.write_number(number, 5).value(), 8U); }});
  EXPECT_EQ(world.read_number(number, script).value(), 5U);
  EXPECT_EQ(script.woken, 1);
  EXPECT_EQ(world.read_number(number).error(), Errno::Restart);
  EXPECT_EQ(world.read(number, 7).error(), Errno::Invalid);
}

TEST_F(Files, a_writer_of_a_full_event_count_waits_until_it_fits_C4_18) {
  const Descriptor number = count(0, 0);
  ASSERT_TRUE(world.write_number(number, kMost - 1).has_value());
  EXPECT_EQ(world.file(number).poll().events, vfs::poll::kIn);
  const std::uint64_t three = 3;
  Script script({[&] { ASSERT_EQ(world.read_number(number).value(), kMost - 1); }});
  EXPECT_EQ(world.write(number, {reinterpret_cast<const char*>(&three), 8}, script).value(), 8U);
  EXPECT_EQ(script.woken, 1);
  EXPECT_EQ(world.read_number(number).value(), 3U);
  EXPECT_EQ(world.write_number(number, kMost).error(), Errno::Invalid);
}

TEST_F(Files, refuse_flags_and_clocks_that_are_none_C4_18) {
  EXPECT_EQ(make_event_count(0, 2).error(), Errno::Invalid);
  EXPECT_EQ(make_timer(world.services, 2, 0).error(), Errno::Invalid);
  EXPECT_EQ(make_timer(world.services, 1, 1).error(), Errno::Invalid);
  EXPECT_EQ(make_inotify(world.services, 1).error(), Errno::Invalid);
  EXPECT_EQ(make_epoll(world.services, vfs::flag::kNonBlock).error(), Errno::Invalid);
  const Descriptor number = timer();
  EXPECT_EQ(its(number).set(4, {}).error(), Errno::Invalid);
  EXPECT_EQ(
      its(number).set(0, {.interval = {}, .value = {.seconds = 0, .nanoseconds = 1'000'000'000}}).error(),
      Errno::Invalid);
  EXPECT_EQ(its(number).set(0, {.interval = {.seconds = -1, .nanoseconds = 0}, .value = {}}).error(),
            Errno::Invalid);
  EXPECT_EQ(world.write_number(number, 1).error(), Errno::Invalid);
}

TEST_F(Files, a_timer_tells_how_often_it_has_expired_C4_08) {
  const Descriptor number = timer();
  ASSERT_TRUE(its(number)
                  .set(0, {.interval = {.seconds = 0, .nanoseconds = 100},
                           .value = {.seconds = 0, .nanoseconds = 50}})
                  .has_value());
  EXPECT_EQ(world.read_number(number).error(), Errno::TryAgain);
  world.pass(49);
  EXPECT_EQ(world.file(number).poll().events, 0U);
  EXPECT_EQ(its(number).setting().value.nanoseconds, 1);
  world.pass(1);
  EXPECT_EQ(world.file(number).poll().events, vfs::poll::kIn);
  world.pass(310);
  EXPECT_EQ(its(number).setting().value.nanoseconds, 90);
  EXPECT_EQ(world.read_number(number).value(), 4U);
  EXPECT_EQ(world.read_number(number).error(), Errno::TryAgain);
  world.pass(90);
  EXPECT_EQ(world.read_number(number).value(), 1U);
  const auto before = its(number).set(0, {}).value();
  EXPECT_EQ(before.interval.nanoseconds, 100);
  EXPECT_EQ(before.value.nanoseconds, 100);
  world.pass(1'000'000);
  EXPECT_EQ(world.read_number(number).error(), Errno::TryAgain);
  EXPECT_EQ(world.alarms.earliest(), vfs::kForever);
}

TEST_F(Files, a_timer_without_an_interval_expires_once_C4_08) {
  const Descriptor number = timer();
  ASSERT_TRUE(its(number)
                  .set(timer::kAbsolute, {.interval = {}, .value = {.seconds = 1, .nanoseconds = 0}})
                  .has_value());
  world.pass(5'000'000'000);
  EXPECT_EQ(world.read_number(number).value(), 1U);
  world.pass(5'000'000'000);
  EXPECT_EQ(world.read_number(number).error(), Errno::TryAgain);
  ASSERT_TRUE(its(number)
                  .set(timer::kAbsolute, {.interval = {}, .value = {.seconds = 0, .nanoseconds = 1}})
                  .has_value());
  EXPECT_EQ(world.read_number(number).value(), 1U) << "it is long past";
  ASSERT_TRUE(its(number)
                  .set(0, {.interval = {}, .value = {.seconds = 0x7fff'ffff'ffff'ffff, .nanoseconds = 0}})
                  .has_value());
  EXPECT_EQ(world.alarms.earliest(), vfs::kForever);
}

TEST_F(Files, a_timer_of_the_real_clock_counts_from_1970_C4_08) {
  const Descriptor number = timer(timer::Clock::Real);
  // The clock of the tests steps by a nanosecond whenever it is asked, from a second on.
  ASSERT_TRUE(its(number)
                  .set(timer::kAbsolute, {.interval = {}, .value = {.seconds = 3, .nanoseconds = 0}})
                  .has_value());
  const auto left = its(number).setting().value;
  EXPECT_EQ(left.seconds, 1);
  EXPECT_GT(left.nanoseconds, 999'990'000);
}

TEST_F(Files, a_timer_wakes_its_readers_and_its_epolls_C4_08) {
  const Descriptor number = timer(), epoll = world.epoll();
  world.file(number).set_flags(0);
  ASSERT_TRUE(world.add_watch(epoll, number, vfs::poll::kIn | event::kEdge).has_value());
  ASSERT_TRUE(
      its(number)
          .set(0, {.interval = {.seconds = 0, .nanoseconds = 10}, .value = {.seconds = 0, .nanoseconds = 10}})
          .has_value());
  Script script({[&] { world.pass(10); }});
  EXPECT_EQ(world.read_number(number, script).value(), 1U);
  Script waits({[&] { world.pass(10); }});
  EXPECT_EQ(world.wait(epoll, 1, waits, vfs::kForever).value().size(), 1U);
  EXPECT_EQ(waits.woken, 1);
  world.pass(100);
  EXPECT_TRUE(world.ready(epoll).empty()) << "no edge before somebody reads";
  EXPECT_EQ(world.alarms.earliest(), vfs::kForever) << "an interval of nobody costs nothing";
}

TEST_F(Files, the_pacemaker_hears_of_nearer_alarms_only_C4_08) {
  const Descriptor first = timer(), second = timer();
  const auto in = [](std::int64_t nanoseconds) {
    return TimerSetting{.interval = {}, .value = {.seconds = 0, .nanoseconds = nanoseconds}};
  };
  ASSERT_TRUE(its(first).set(0, in(100)).has_value());
  ASSERT_TRUE(its(second).set(0, in(200)).has_value());
  ASSERT_TRUE(its(second).set(0, in(50)).has_value());
  EXPECT_EQ(world.pacemaker.paced, (std::vector{Nanoseconds(1'100), Nanoseconds(1'050)}));
  world.descriptors.close_all();
  EXPECT_EQ(world.alarms.earliest(), vfs::kForever);
}

RC_GTEST_PROP(Alarms, ring_in_order_at_their_time_and_once_C4_08,
              (const std::vector<std::uint16_t>& commands)) {
  struct One final : Alarm {
    void ring() override { rung->push_back(time); }
    std::vector<std::uint64_t>* rung = nullptr;
    std::uint64_t time = 0;
  };
  TestPacemaker pacemaker;
  poll::Alarms alarms(pacemaker);
  std::array<One, 8> some;
  std::vector<std::uint64_t> rung;
  std::array<std::uint64_t, 8> expected;
  expected.fill(kMost);
  std::uint64_t now = 0;
  for (const std::uint16_t command : commands) {
    const std::size_t which = command % 8;
    const std::uint64_t time = now + command / 8 % 64;
    if (command / 512 % 4 == 0) {
      alarms.cancel(some[which]);
      expected[which] = kMost;
    } else if (command / 512 % 4 == 1) {
      now = time;
      rung.clear();
      alarms.ring_due(Nanoseconds(now));
      RC_ASSERT(std::ranges::is_sorted(rung));
      const auto due = std::ranges::count_if(expected, [&](std::uint64_t at) { return at <= now; });
      RC_ASSERT(static_cast<std::ptrdiff_t>(rung.size()) == due);
      for (auto& at : expected) at = at <= now ? kMost : at;
    } else {
      some[which].rung = &rung;
      expected[which] = some[which].time = time;
      alarms.set(some[which], Nanoseconds(time));
    }
    RC_ASSERT(alarms.earliest().raw() == *std::ranges::min_element(expected));
  }
  for (One& one : some) alarms.cancel(one);
}

TEST(Times, are_durations_without_overflow_C4_07) {
  EXPECT_EQ(duration_of({.seconds = 1, .nanoseconds = 5}).value(), Nanoseconds(1'000'000'005));
  EXPECT_EQ(duration_of({.seconds = 0x7fff'ffff'ffff'ffff, .nanoseconds = 5}).value(), vfs::kForever);
  EXPECT_EQ(duration_of({.seconds = 0, .nanoseconds = -1}).error(), Errno::Invalid);
  EXPECT_EQ(deadline_after(Nanoseconds(kMost - 5), Nanoseconds(10)), vfs::kForever);
  EXPECT_EQ(deadline_after(Nanoseconds(5), Nanoseconds(10)), Nanoseconds(15));
}

}  // namespace
}  // namespace fb::libos::posix::poll::test
