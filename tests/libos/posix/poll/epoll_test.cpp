// What the host's kernel cannot be asked for: waiting, hostile numbers, ends.
#include <gtest/gtest.h>

#include "libos/posix/poll/select.hpp"
#include "tests/libos/posix/poll/fixture.hpp"

namespace fb::libos::posix::poll::test {
namespace {

constexpr std::uint32_t kIn = vfs::poll::kIn, kOut = vfs::poll::kOut;

struct Epolls : testing::Test {
  World world;
  Descriptor epoll = world.epoll();
};
struct Polls : testing::Test {
  World world;
  Answer<std::size_t> poll(std::vector<PollRecord>& records, vfs::Waiter& waiter, Nanoseconds deadline) {
    return poll::poll(world.descriptors, records, waiter, deadline);
  }
};

TEST_F(Epolls, a_waiter_sleeps_until_a_file_is_ready_C4_18) {
  const auto [in, out] = world.pipe();
  ASSERT_TRUE(world.add_watch(epoll, in, kIn).has_value());
  Script script({[] {}, [&] { ASSERT_TRUE(world.write(out, "x").has_value()); }});
  const auto found = world.wait(epoll, 8, script, vfs::kForever).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(+found[0].events, kIn);
  EXPECT_EQ(+found[0].data, static_cast<std::uint64_t>(in));
  EXPECT_EQ(script.woken, 1);
}

TEST_F(Epolls, waiting_ends_at_the_deadline_or_for_a_signal_C4_18) {
  Script late({[&late] { late.time = Nanoseconds(100); }});
  EXPECT_TRUE(world.wait(epoll, 8, late, Nanoseconds(100)).value().empty());
  EXPECT_EQ(late.waits, 1);
  EXPECT_EQ(world.wait(epoll, 8, world.none, vfs::kForever).error(), Errno::Interrupted);
  const auto [in, out] = world.pipe();
  ASSERT_TRUE(world.add_watch(epoll, out, kOut).has_value());
  EXPECT_EQ(world.wait(epoll, 8, world.none, vfs::kForever).value().size(), 1U)
      << "what is ready comes first";
}

TEST_F(Epolls, one_event_wakes_one_waiter_who_passes_on_what_is_left_C4_18) {
  const auto [in, out] = world.pipe();
  const auto [in2, out2] = world.pipe();
  ASSERT_TRUE(world.add_watch(epoll, in, kIn).has_value());
  ASSERT_TRUE(world.add_watch(epoll, in2, kIn).has_value());
  std::size_t second_found = 0;
  Script inner(
      {[&] { ASSERT_TRUE(world.write(out, "x").has_value() && world.write(out2, "x").has_value()); }});
  Script outer({[&] { second_found = world.wait(epoll, 1, inner, vfs::kForever).value().size(); }});
  EXPECT_EQ(world.wait(epoll, 1, outer, vfs::kForever).value().size(), 1U);
  EXPECT_EQ(second_found, 1U);
  EXPECT_EQ(inner.woken + outer.woken, 2) << "both were woken, once each";
}

TEST_F(Epolls, a_file_that_ends_takes_its_watches_with_it_C4_18) {
  const auto [in, out] = world.pipe();
  const Descriptor copy = world.descriptors.duplicate(in).value();
  ASSERT_TRUE(world.add_watch(epoll, in, kIn).has_value());
  ASSERT_TRUE(world.add_watch(epoll, copy, kIn).has_value());
  ASSERT_TRUE(world.write(out, "x").has_value());
  ASSERT_TRUE(world.descriptors.close(in).has_value());
  EXPECT_EQ(world.ready(epoll).size(), 2U) << "the file is still open under another number";
  // While a waiter waits, too.
  const auto [in2, out2] = world.pipe();
  ASSERT_TRUE(world.add_watch(epoll, in2, kIn).has_value());
  ASSERT_TRUE(world.descriptors.close(copy).has_value());
  Script script({[&] {
    ASSERT_TRUE(world.descriptors.close(in2).has_value());
    ASSERT_TRUE(world.descriptors.close(out2).has_value());
  }});
  EXPECT_EQ(world.wait(epoll, 8, script, vfs::kForever).error(), Errno::Interrupted);
  EXPECT_EQ(script.woken, 0);
  EXPECT_EQ(vfs::file_as<Epoll>(world.file(epoll))->watches(), 0U);
  EXPECT_EQ(world.services.epoll_watches.used(), 0U);
}

TEST_F(Epolls, an_epoll_that_ends_leaves_its_files_alone_C4_18) {
  const auto [in, out] = world.pipe();
  const Descriptor above = world.epoll();
  ASSERT_TRUE(world.add_watch(epoll, in, kIn).has_value());
  ASSERT_TRUE(world.add_watch(above, epoll, kIn).has_value());
  ASSERT_TRUE(world.descriptors.close(epoll).has_value());
  ASSERT_TRUE(world.write(out, "x").has_value());
  EXPECT_TRUE(world.ready(above).empty());
  EXPECT_EQ(world.services.epoll_watches.used(), 0U);
}

TEST_F(Epolls, take_no_files_that_are_always_ready_C4_18) {
  const auto inode = world.volume.root->create("f", vfs::test::regular()).value();
  const Descriptor regular = world.add(make_shared<vfs::RegularFile>(inode, vfs::flag::kReadWrite).value());
  const Descriptor directory = world.add(make_shared<vfs::DirectoryFile>(world.volume.root, 0U).value());
  EXPECT_EQ(world.add_watch(epoll, regular, kIn).error(), Errno::Perm);
  EXPECT_EQ(world.add_watch(epoll, directory, kIn).error(), Errno::Perm);
  EXPECT_EQ(world.add_watch(epoll, epoll, kIn).error(), Errno::Invalid);
}

TEST_F(Epolls, exclusive_watches_are_not_changed_and_not_of_epolls_C4_18) {
  const auto [in, out] = world.pipe();
  const Descriptor other = world.epoll();
  EXPECT_EQ(world.add_watch(epoll, other, kIn | event::kExclusive).error(), Errno::Invalid);
  EXPECT_EQ(world.add_watch(epoll, in, kIn | event::kOneShot | event::kExclusive).error(), Errno::Invalid);
  ASSERT_TRUE(world.add_watch(epoll, in, kIn | event::kExclusive | event::kEdge).has_value());
  EXPECT_EQ(world.control(epoll, EpollOperation::Modify, in, kIn).error(), Errno::Invalid);
  EXPECT_EQ(world.control(epoll, EpollOperation::Modify, in, kIn | event::kExclusive).error(),
            Errno::Invalid);
  ASSERT_TRUE(world.write(out, "x").has_value());
  EXPECT_EQ(world.ready(epoll).size(), 1U);
  EXPECT_TRUE(world.ready(epoll).empty());
}

TEST_F(Epolls, events_that_cannot_be_told_are_not_lost_C4_18) {
  const auto [in, out] = world.pipe();
  const auto [in2, out2] = world.pipe();
  for (const Descriptor number : {in, in2}) {
    ASSERT_TRUE(world.add_watch(epoll, number, kIn | event::kEdge | event::kOneShot).has_value());
  }
  ASSERT_TRUE(world.write(out, "x").has_value() && world.write(out2, "x").has_value());
  EpollEvent room[1];
  vfs::BytesOutput one(std::as_writable_bytes(std::span(room))), none({});
  auto& its = *vfs::file_as<Epoll>(world.file(epoll));
  EXPECT_EQ(its.wait(none, 8, world.none, vfs::kForever).error(), Errno::Fault);
  EXPECT_EQ(its.wait(one, 8, world.none, vfs::kForever).value(), 1U);
  EXPECT_EQ(data_of(world.ready(epoll)), std::vector{static_cast<std::uint64_t>(in2)});
}

/// Looking costs what is ready, not what is watched: a timer that is looked at asks for the time.
TEST_F(Epolls, thousands_of_watches_cost_nothing_until_they_are_ready_C4_18) {
  constexpr Descriptor kFiles = 5'000;
  world.descriptors.set_limit(2 * kFiles);
  for (Descriptor i = 0; i < kFiles; ++i) {
    const auto file = make_timer(world.services, 1, 0).value();
    auto& its = *vfs::file_as<TimerFile>(*file);
    const std::int64_t time = i == 77 ? 10 : 1'000'000;
    ASSERT_TRUE(its.set(0, {.interval = {}, .value = {.seconds = 0, .nanoseconds = time}}).has_value());
    ASSERT_TRUE(world.add_watch(epoll, world.add(file), kIn).has_value());
  }
  world.pacemaker.asked = 0;
  EXPECT_TRUE(world.ready(epoll).empty());
  EXPECT_EQ(world.pacemaker.asked, 0U);
  world.pass(10);
  EXPECT_EQ(world.ready(epoll).size(), 1U);
  EXPECT_EQ(world.pacemaker.asked, 1U);
  for (world.pass(1'000'000); world.alarms.earliest() != vfs::kForever;) world.pass(0);
  std::vector<bool> seen(2 * kFiles);
  for (Descriptor i = 0; i < kFiles / 50; ++i) {
    for (const auto data : data_of(world.ready(epoll, 50))) {
      EXPECT_FALSE(seen[data]) << "twice before all had their turn";
      seen[data] = true;
    }
  }
  world.descriptors.close_all();
  EXPECT_EQ(world.services.epoll_watches.used(), 0U);
}

/// Every epoll of a layer watches every one below: 20^4 paths, which nobody must walk.
TEST_F(Epolls, many_paths_through_epolls_are_not_walked_one_by_one_C4_18) {
  constexpr std::size_t kLayers = 5, kWidth = 20;
  const auto [in, out] = world.pipe();
  std::array<std::vector<Descriptor>, kLayers> layers;
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    for (std::size_t i = 0; i < kWidth; ++i) {
      layers[layer].push_back(world.epoll());
      if (layer == 0) {
        ASSERT_TRUE(world.add_watch(layers[0][i], in, kIn).has_value());
        continue;
      }
      for (const Descriptor below : layers[layer - 1]) {
        ASSERT_TRUE(world.add_watch(layers[layer][i], below, kIn).has_value());
      }
    }
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(world.write(out, "x").has_value());
    for (const Descriptor top : layers.back()) ASSERT_EQ(world.ready(top).size(), kWidth);
    ASSERT_TRUE(world.read(in, 1).has_value());
    for (const Descriptor top : layers.back()) ASSERT_TRUE(world.ready(top).empty());
  }
  EXPECT_EQ(world.add_watch(world.epoll(), layers.back()[0], kIn).error(), Errno::Loop);
  EXPECT_EQ(world.add_watch(layers[0][3], layers[1][7], kIn).error(), Errno::Loop);
}

TEST_F(Epolls, watches_have_a_limit_C4_18) {
  Services few{.alarms = world.alarms, .clock = world.volume.clock, .epoll_watches = Quota(2)};
  const Descriptor small = world.add(make_epoll(few, 0).value());
  const auto [in, out] = world.pipe();
  ASSERT_TRUE(world.add_watch(small, in, kIn).has_value());
  ASSERT_TRUE(world.add_watch(small, out, kOut).has_value());
  EXPECT_EQ(world.add_watch(small, epoll, kIn).error(), Errno::NoSpace);
  ASSERT_TRUE(world.control(small, EpollOperation::Delete, in).has_value());
  EXPECT_TRUE(world.add_watch(small, epoll, kIn).has_value());
  world.descriptors.close_all();
  EXPECT_EQ(few.epoll_watches.used(), 0U);
}

TEST_F(Polls, wait_until_one_of_many_is_ready_C4_18) {
  std::vector<PollRecord> records;
  std::vector<Descriptor> writers;
  for (int i = 0; i < 100; ++i) {
    const auto [in, out] = world.pipe();
    records.push_back({.descriptor = in, .wanted = kIn, .found = 0xff});
    writers.push_back(out);
  }
  Script script({[] {}, [&] { ASSERT_TRUE(world.write(writers[42], "x").has_value()); }});
  EXPECT_EQ(poll(records, script, vfs::kForever).value(), 1U);
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].found, i == 42 ? kIn : 0U);
  EXPECT_EQ(script.woken, 1);
}

TEST_F(Polls, end_at_the_deadline_or_for_a_signal_and_nothing_stays_on_a_queue_C4_18) {
  const auto [in, out] = world.pipe();
  std::vector<PollRecord> records{{.descriptor = in, .wanted = kIn, .found = 0}};
  Script late({[&late] { late.time = Nanoseconds(7); }});
  EXPECT_EQ(poll(records, late, Nanoseconds(7)).value(), 0U);
  EXPECT_EQ(poll(records, world.none, vfs::kForever).error(), Errno::RestartNoHandler);
  ASSERT_TRUE(world.write(out, "x").has_value());  // nobody who is gone is woken
  EXPECT_EQ(poll(records, world.none, Nanoseconds(0)).value(), 1U);
  std::vector<PollRecord> many(world.descriptors.limit() + 1, {.descriptor = -1, .wanted = 0, .found = 0});
  EXPECT_EQ(poll(many, world.none, Nanoseconds(0)).error(), Errno::Invalid);
  many.pop_back();
  EXPECT_EQ(poll(many, world.none, Nanoseconds(0)).value(), 0U);
}

bool has(const SelectSets& sets, std::size_t set, std::uint32_t number) {
  const std::uint32_t within = number % SelectSets::kWordBits;
  return (sets.word(set, number - within) >> within & 1) != 0;
}

TEST_F(Polls, a_select_tells_each_set_apart_and_leaves_nothing_else_in_them_C4_18) {
  const auto [in, out] = world.pipe();
  const auto [empty, closed] = world.pipe();
  ASSERT_TRUE(world.write(out, "x").has_value());
  SelectSets sets;
  for (auto& set : sets.sets) ASSERT_TRUE(set.push_back(0).has_value());
  const auto bit = [](Descriptor number) { return std::uint64_t{1} << number; };
  const std::uint64_t behind = bit(60);  // beyond the count: neither looked at nor kept
  sets.sets[0][0] = bit(in) | bit(out) | bit(empty) | behind;
  sets.sets[1][0] = bit(in) | bit(out);
  sets.sets[2][0] = bit(in) | bit(empty);
  const auto count = static_cast<std::uint32_t>(closed) + 1;
  EXPECT_EQ(select(world.descriptors, count, sets, world.none, Nanoseconds(0)).value(), 2U);
  EXPECT_EQ(sets.sets[0][0], bit(in));
  EXPECT_EQ(sets.sets[1][0], bit(out));
  EXPECT_EQ(sets.sets[2][0], 0U);
}

TEST_F(Polls, a_select_waits_and_has_no_limit_of_1024_C4_18) {
  world.descriptors.set_limit(3'000);
  const auto [in, out] = world.pipe();
  const Descriptor high = world.descriptors.duplicate(in, false, 2'500).value();
  SelectSets sets;
  for (std::uint32_t i = 0; i < 3'000 / SelectSets::kWordBits + 1; ++i) {
    ASSERT_TRUE(sets.sets[0].push_back(0).has_value());
  }
  const auto number = static_cast<std::uint32_t>(high);
  sets.sets[0][number / 64] |= std::uint64_t{1} << number % 64;
  EXPECT_EQ(select_limit(world.descriptors, 3'000), 3'000U);
  Script script({[&] { ASSERT_TRUE(world.write(out, "x").has_value()); }});
  EXPECT_EQ(select(world.descriptors, 3'000, sets, script, vfs::kForever).value(), 1U);
  EXPECT_TRUE(has(sets, 0, number));
  sets.sets[0][0] |= 1U << 20;
  EXPECT_EQ(select(world.descriptors, 3'000, sets, script, vfs::kForever).error(), Errno::BadDescriptor);
  EXPECT_TRUE(has(sets, 0, 20)) << "an error changes nothing";
}

TEST_F(Polls, a_select_looks_at_no_more_than_a_table_of_linux_holds_C4_18) {
  EXPECT_EQ(select_limit(world.descriptors, 0x7fff'ffff), 64U);
  const auto [in, out] = world.pipe();
  ASSERT_EQ(world.descriptors.duplicate(in, false, 64).value(), 64);
  EXPECT_EQ(select_limit(world.descriptors, 1'024), 128U);
  ASSERT_EQ(world.descriptors.duplicate(in, false, 300).value(), 300);
  EXPECT_EQ(select_limit(world.descriptors, 1'024), 512U);
  EXPECT_EQ(select_limit(world.descriptors, 10), 10U);
}

}  // namespace
}  // namespace fb::libos::posix::poll::test
