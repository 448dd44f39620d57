#include "libos/posix/tty/pty.hpp"

#include <gtest/gtest.h>

#include "tests/libos/posix/tty/pty_pair.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::tty::test {
namespace {

using vfs::test::asked;
using vfs::test::done;
using vfs::test::Script;
using vfs::test::TestIoctl;
using vfs::test::told;
namespace flag = vfs::flag;
namespace poll = vfs::poll;
using Sent = std::vector<Jobs::Sent>;

struct Ptys : testing::Test, PtyDevices {
  Ptys() : master(open_unlocked().value()), slave(PtyDevices::open("0", flag::kNoTerminal).value()) {}
  Ref<vfs::File> master, slave;
  Script none;
};

TEST_F(Ptys, what_goes_in_at_one_end_comes_out_at_the_other_C4_18) {
  EXPECT_EQ(write(*slave, "out\n", none).value(), 4U);
  EXPECT_EQ(asked<int>(*master, number(Request::Readable)).value(), 5);
  EXPECT_EQ(read(*master, 3, none).value(), "out");
  EXPECT_EQ(read(*master, 100, none).value(), "\r\n");
  EXPECT_EQ(write(*master, "in\r", none).value(), 3U);
  EXPECT_EQ(read(*slave, 100, none).value(), "in\n");
  EXPECT_EQ(read(*master, 100, none).value(), "in\r\n") << "echo";
  EXPECT_EQ(asked<int>(*slave, number(Request::Unsent)).value(), 0);
  EXPECT_EQ(none.waits, 0);
}

TEST_F(Ptys, both_ends_wait_for_each_other_C4_18) {
  Script slow({[&] { ASSERT_TRUE(write(*slave, "x", none).has_value()); }});
  EXPECT_EQ(read(*master, 10, slow).value(), "x");
  Script line({[&] { ASSERT_TRUE(write(*master, "l\n", none).has_value()); }});
  EXPECT_EQ(read(*slave, 10, line).value(), "l\n");
  EXPECT_EQ(read(*master, 10, none).value(), "l\r\n");
  const std::string big(30'000, 'w');
  std::string got;
  Script taking(
      {[&] { got += read(*master, 5000, none).value(); }, [&] { got += read(*master, 9000, none).value(); },
       [&] { got += read(*master, 9000, none).value(); }, [&] { got += read(*master, 9000, none).value(); }});
  EXPECT_EQ(write(*slave, big, taking).value(), big.size());
  got += read(*master, 30'000, none).value();
  EXPECT_EQ(got, big);
  EXPECT_EQ(read(*master, 10, none).error(), Errno::Restart);
}

TEST_F(Ptys, a_master_that_types_faster_than_anyone_reads_waits_C4_18) {
  Termios raw = asked<Termios>(*master, number(Request::GetSettings)).value();
  raw.local = 0;
  ASSERT_TRUE(told(*master, number(Request::SetSettings), raw).has_value());
  const std::string big(20'000, 't');
  std::string got;
  const auto some = [&] { got += read(*slave, 4096, none).value(); };
  Script reading({some, some, some, some, some});
  EXPECT_EQ(write(*master, big, reading).value(), big.size());
  while ((slave->poll().events & poll::kIn) != 0) some();
  EXPECT_EQ(got, big);
  EXPECT_LE(reading.waits, 3);
  EXPECT_EQ(reading.woken, reading.waits);
}

TEST_F(Ptys, stopped_output_keeps_its_echo_from_the_master_C4_18) {
  ASSERT_TRUE(write(*slave, "before", none).has_value());
  ASSERT_TRUE(write(*master, "\23ab", none).has_value());
  EXPECT_EQ(read(*master, 10, none).value(), "before");
  EXPECT_EQ(master->poll().events & poll::kIn, 0U);
  ASSERT_TRUE(write(*master, "\21", none).has_value());
  EXPECT_EQ(read(*master, 10, none).value(), "ab");
}

TEST_F(Ptys, a_slave_is_locked_at_first_C4_18) {
  const auto fresh = open("ptmx").value();
  EXPECT_EQ(asked<int>(*fresh, number(Request::GetNumber)).value(), 1);
  EXPECT_EQ(asked<int>(*fresh, number(Request::GetLock)).value(), 1);
  EXPECT_EQ(open("1").error(), Errno::Io);
  EXPECT_EQ(done(*fresh, number(Request::OpenPeer), 2).error(), Errno::Io);
  ASSERT_TRUE(told(*fresh, number(Request::SetLock), 0).has_value());
  EXPECT_TRUE(open("1").has_value());
  EXPECT_EQ(done(*slave, number(Request::GetNumber)).error(), Errno::NotTerminal);
}

TEST_F(Ptys, a_peer_is_opened_without_a_name_C4_18) {
  TestIoctl caller;
  EXPECT_EQ(master->ioctl(number(Request::OpenPeer), flag::kReadWrite | flag::kNoTerminal, caller).value(),
            1U);
  ASSERT_EQ(caller.files.size(), 1U);
  EXPECT_EQ(write(*caller.files[0], "peer", none).value(), 4U);
  EXPECT_EQ(read(*master, 10, none).value(), "peer");
  EXPECT_EQ(caller.files[0]->inode(), slave->inode());
  EXPECT_FALSE(jobs.terminal());
}

TEST_F(Ptys, a_master_whose_slaves_are_closed_reads_EIO_until_one_opens_C4_18) {
  auto second = open("0", flag::kNoTerminal).value();
  ASSERT_TRUE(write(*slave, "last", none).has_value());
  slave.reset();
  EXPECT_EQ(master->poll().events & poll::kHangUp, 0U);
  EXPECT_EQ(read(*master, 10, none).value(), "last");
  auto last = open("0", flag::kNoTerminal).value();
  ASSERT_TRUE(write(*last, "more", none).has_value());
  second.reset();
  last.reset();
  EXPECT_EQ(master->poll().events & (poll::kHangUp | poll::kIn), poll::kHangUp | poll::kIn);
  EXPECT_EQ(read(*master, 10, none).value(), "more");
  EXPECT_EQ(read(*master, 10, none).error(), Errno::Io);
  EXPECT_EQ(write(*master, "kept\n", none).value(), 5U);
  slave = open("0", flag::kNoTerminal).value();
  EXPECT_EQ(master->poll().events & poll::kHangUp, 0U);
  EXPECT_EQ(read(*slave, 10, none).value(), "kept\n");
}

TEST_F(Ptys, a_master_that_waits_sees_the_last_slave_close_C4_18) {
  Script script({[&] { slave.reset(); }});
  EXPECT_EQ(read(*master, 10, script).error(), Errno::Io);
  EXPECT_EQ(script.woken, 1);
  const auto fresh = open_unlocked().value();
  EXPECT_EQ(read(*fresh, 10, none).error(), Errno::Restart) << "one that was never open is waited for";
}

TEST_F(Ptys, closing_the_master_hangs_up_C4_18) {
  jobs.become(10);
  slave = open("0").value();
  ASSERT_TRUE(jobs.terminal());
  const auto inode = slave->inode();
  Script script({[&] { master.reset(); }});
  EXPECT_EQ(read(*slave, 10, script).error(), Errno::Io) << "who waits, as Linux";
  EXPECT_EQ(jobs.take_sent(), (Sent{{-10, 1}, {-10, 18}}));
  EXPECT_EQ(jobs.owed, 10);
  EXPECT_EQ(read(*slave, 10, none).value(), "");
  EXPECT_EQ(write(*slave, "x", none).error(), Errno::Io);
  EXPECT_EQ(slave->poll().events & poll::kHangUp, poll::kHangUp);
  EXPECT_EQ(open("0").error(), Errno::NoEntry);
  EXPECT_EQ(devices.open(inode, flag::kReadWrite).error(), Errno::Io);
  EXPECT_EQ(inode->attributes().links, 0U);
}

TEST_F(Ptys, a_leader_that_ends_leaves_a_pseudo_terminal_open_C4_18) {
  slave = open("0").value();
  end_of_caller(jobs);
  EXPECT_EQ(jobs.take_sent(), (Sent{{10, 1}}));
  EXPECT_EQ(write(*slave, "x", none).value(), 1U);
}

TEST_F(Ptys, a_master_may_ask_and_signal_without_being_in_the_session_C4_18) {
  EXPECT_EQ(asked<int>(*master, number(Request::GetGroup)).value(), 0);
  EXPECT_EQ(asked<int>(*master, number(Request::GetSession)).error(), Errno::NotTerminal);
  slave = open("0").value();
  ASSERT_TRUE(told(*slave, number(Request::SetGroup), 11).has_value());
  jobs.who = {.group = GroupId(20), .session = SessionId(20)};
  EXPECT_EQ(asked<int>(*master, number(Request::GetGroup)).value(), 11);
  EXPECT_EQ(asked<int>(*master, number(Request::GetSession)).value(), 10);
  EXPECT_EQ(asked<int>(*slave, number(Request::GetSession)).error(), Errno::NotTerminal);
  EXPECT_EQ(done(*master, number(Request::GiveUp)).error(), Errno::NotTerminal);
  ASSERT_TRUE(done(*master, number(Request::SendSignal), 2).has_value());
  EXPECT_EQ(done(*master, number(Request::SendSignal), 9).error(), Errno::Invalid);
  ASSERT_TRUE(told(*master, number(Request::SetWindow), WindowSize{.rows = 1}).has_value());
  EXPECT_EQ(jobs.take_sent(), (Sent{{11, 2}, {11, 28}}));
  EXPECT_EQ(asked<WindowSize>(*slave, number(Request::GetWindow)).value(), WindowSize{.rows = 1});
}

TEST_F(Ptys, packets_say_what_happened_first_C4_18) {
  ASSERT_TRUE(told(*master, number(Request::SetPacket), 1).has_value());
  EXPECT_EQ(asked<int>(*master, number(Request::GetPacket)).value(), 1);
  ASSERT_TRUE(write(*slave, "data", none).has_value());
  EXPECT_EQ(read(*master, 3, none).value(), std::string("\0da", 3));
  EXPECT_EQ(read(*master, 1, none).value(), std::string("\0", 1));
  ASSERT_TRUE(done(*slave, number(Request::Flow), 0).has_value());
  EXPECT_EQ(master->poll().events & (poll::kPriority | poll::kIn), poll::kPriority | poll::kIn);
  EXPECT_EQ(read(*master, 10, none).value(), "\4");
  EXPECT_EQ(read(*master, 10, none).value(), std::string("\0ta", 3));
  ASSERT_TRUE(done(*slave, number(Request::Flow), 0).has_value());
  ASSERT_TRUE(done(*slave, number(Request::Flow), 1).has_value());
  ASSERT_TRUE(done(*slave, number(Request::Flush), 2).has_value());
  EXPECT_EQ(read(*master, 10, none).value(), std::string(1, 8 | 1 | 2));
  auto settings = asked<Termios>(*slave, number(Request::GetSettings)).value();
  settings.input &= ~input::kFlowOutput;
  ASSERT_TRUE(told(*slave, number(Request::SetSettings), settings).has_value());
  EXPECT_EQ(read(*master, 10, none).value(), "\20");
  Script script({[&] {
    settings.input |= input::kFlowOutput;
    ASSERT_TRUE(told(*slave, number(Request::SetSettings), settings).has_value());
  }});
  EXPECT_EQ(read(*master, 10, script).value(), "\40");
  ASSERT_TRUE(told(*master, number(Request::SetPacket), 0).has_value());
  ASSERT_TRUE(done(*slave, number(Request::Flush), 2).has_value());
  EXPECT_EQ(read(*master, 10, none).error(), Errno::Restart);
}

TEST_F(Ptys, a_master_flushes_both_ways_C4_18) {
  ASSERT_TRUE(write(*slave, "out", none).has_value());
  ASSERT_TRUE(done(*master, number(Request::Flush), 0).has_value());
  EXPECT_EQ(asked<int>(*master, number(Request::Readable)).value(), 0);
  ASSERT_TRUE(done(*master, number(Request::Flush), 1).has_value());
  EXPECT_EQ(done(*master, number(Request::Flush), 3).error(), Errno::Invalid);
  EXPECT_EQ(done(*master, number(Request::Simulate), 0).error(), Errno::Io);
  for (const auto request : {Request::GetNumber, Request::SetLock, Request::GetLock, Request::SetPacket,
                             Request::GetPacket, Request::Readable, Request::SetSettings}) {
    EXPECT_EQ(done(*master, number(request)).error(), Errno::Fault);
  }
}

TEST_F(Ptys, the_directory_shows_those_that_are_open_C4_18) {
  EXPECT_EQ(vfs::test::names(*root), (std::vector<std::string>{"ptmx", "0"}));
  auto second = open("ptmx").value();
  const auto third = open("ptmx").value();
  EXPECT_EQ(vfs::test::names(*root), (std::vector<std::string>{"ptmx", "0", "1", "2"}));
  second.reset();
  EXPECT_EQ(vfs::test::names(*root), (std::vector<std::string>{"ptmx", "0", "2"}));
  second = open("ptmx").value();
  EXPECT_EQ(asked<int>(*second, number(Request::GetNumber)).value(), 1) << "the lowest that is free";
  const auto stat = slave->stat();
  EXPECT_EQ(stat.mode, vfs::mode::kCharacter | 0620);
  EXPECT_EQ(stat.rdev, vfs::make_device(136, 0));
  EXPECT_EQ(stat.inode, 3U);
  EXPECT_EQ(stat.device, 9U);
  for (const auto* name : {"00", "3", "-1", "x", "0x0", "99999999999999999999", "4294967296", "ptm"}) {
    EXPECT_EQ(root->lookup(name).error(), Errno::NoEntry) << name;
  }
  jobs.who.uid = 1000;
  const auto theirs = open("ptmx").value();
  EXPECT_EQ(root->lookup("3").value()->attributes().uid, 1000U);
  EXPECT_EQ(root->create("x", {.mode = vfs::mode::kRegular}).error(), Errno::Access);
  EXPECT_EQ(root->create("x", {.mode = vfs::mode::kDirectory}).error(), Errno::Perm);
  EXPECT_EQ(root->unlink("0").error(), Errno::Perm);
  EXPECT_EQ(root->parent().value(), root);
  EXPECT_EQ(root->entry_after(~0ULL).value(), std::nullopt);
}

TEST_F(Ptys, a_node_of_that_number_elsewhere_leads_nowhere_C4_18) {
  EXPECT_EQ(devices.open(character_device(vfs::make_device(136, 0)), flag::kReadWrite).error(), Errno::Io);
  EXPECT_EQ(devices.open(character_device(vfs::make_device(137, 0)), 0).error(), Errno::NoDeviceOrAddress);
  EXPECT_TRUE(devices.open(character_device(vfs::make_device(5, 2)), flag::kReadWrite).has_value());
  EXPECT_EQ(devices.open(character_device(vfs::make_device(5, 1)), 0).error(), Errno::NoDeviceOrAddress);
}

TEST(PtyLimits, there_are_so_many_and_no_more_C4_18) {
  PtyDevices few(3);
  std::vector<Ref<vfs::File>> masters;
  for (int i = 0; i < 3; ++i) masters.push_back(few.open("ptmx").value());
  EXPECT_EQ(few.open("ptmx").error(), Errno::NoSpace);
  masters.pop_back();
  EXPECT_TRUE(few.open("ptmx").has_value());
}

TEST(PtyLimits, names_may_outlive_what_they_named_C4_18) {
  PtyDevices few;
  auto master = few.open_unlocked().value();
  const auto slave = few.open("0").value();
  master.reset();
  const auto again = few.open("ptmx").value();
  Script none;
  EXPECT_EQ(asked<int>(*again, number(Request::GetNumber)).value(), 0);
  EXPECT_EQ(write(*slave, "to the old one", none).error(), Errno::Io);
  EXPECT_EQ(asked<int>(*again, number(Request::Readable)).value(), 0);
}

}  // namespace
}  // namespace fb::libos::posix::tty::test
