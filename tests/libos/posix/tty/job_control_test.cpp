#include <gtest/gtest.h>

#include "libos/posix/tty/control.hpp"
#include "tests/libos/posix/tty/pty_pair.hpp"

namespace fb::libos::posix::tty::test {
namespace {

using vfs::test::asked;
using vfs::test::done;
using vfs::test::Script;
using vfs::test::told;
namespace flag = vfs::flag;
using Sent = std::vector<Jobs::Sent>;

constexpr int kHangUp = 1, kInterrupt = 2, kQuit = 3, kContinue = 18, kStop = 20, kRead = 21, kWrite = 22,
              kWindow = 28;

class NoWire final : public Wire {
 public:
  void output_waits() override {}
};

/// A shell (group 10, which leads session 10) has the terminal; group 11 runs in the background.
struct JobControlled : testing::Test {
  JobControlled()
      : terminal(make_shared<Terminal>(jobs, vfs::make_device(4, 64), &wire).value()), devices(jobs, others) {
    devices.set_console(terminal);
    file = open(4, 64, flag::kReadWrite).value();
  }
  ~JobControlled() override { jobs.terminals.clear(); }
  Answer<Ref<vfs::File>> open(std::uint32_t major, std::uint32_t minor, std::uint32_t flags) {
    return devices.open(character_device(vfs::make_device(major, minor)), flags);
  }
  void change(auto&& change) {
    auto settings = terminal->settings();
    change(settings.settings);
    terminal->set(settings);
  }
  void type(std::string_view text) { terminal->type(bytes(text)); }

  Jobs jobs;
  NoWire wire;
  NoDevices others;
  Ref<Terminal> terminal;
  TerminalDevices devices;
  Ref<vfs::File> file;
  Script none;
};

TEST_F(JobControlled, the_first_terminal_a_leader_opens_controls_its_session_C4_18) {
  EXPECT_EQ(jobs.terminal(), terminal);
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetGroup)).value(), 10);
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetSession)).value(), 10);
  jobs.who = {.group = GroupId(20), .session = SessionId(20), .leads_session = true};
  EXPECT_TRUE(open(4, 64, flag::kReadWrite).has_value());
  EXPECT_FALSE(jobs.terminal()) << "it is another session's";
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetGroup)).error(), Errno::NotTerminal);
  EXPECT_EQ(open(5, 0, flag::kReadWrite).error(), Errno::NoDeviceOrAddress);
}

TEST_F(JobControlled, not_every_way_to_open_makes_it_controlling_C4_18) {
  terminal->control().hang_up(true);
  ASSERT_FALSE(jobs.terminal());
  EXPECT_TRUE(open(4, 64, flag::kReadWrite | flag::kNoTerminal).has_value());
  EXPECT_FALSE(jobs.terminal());
  EXPECT_TRUE(open(5, 1, flag::kReadWrite).has_value());
  EXPECT_FALSE(jobs.terminal()) << "the console";
  EXPECT_TRUE(open(4, 64, flag::kWrite).has_value());
  EXPECT_FALSE(jobs.terminal()) << "who may only write";
  jobs.become(11);
  EXPECT_TRUE(open(4, 64, flag::kReadWrite).has_value());
  EXPECT_FALSE(jobs.terminal()) << "who leads no session";
  jobs.become(10);
  EXPECT_TRUE(open(4, 64, flag::kRead).has_value());
  EXPECT_TRUE(jobs.terminal());
  EXPECT_EQ(open(4, 65, flag::kRead).error(), Errno::NoDeviceOrAddress);
}

TEST_F(JobControlled, keys_signal_the_foreground_group_C4_18) {
  type("\3\34\32");
  EXPECT_EQ(jobs.take_sent(), (Sent{{10, kInterrupt}, {10, kQuit}, {10, kStop}}));
  ASSERT_TRUE(told(*file, number(Request::SetGroup), 11).has_value());
  type("\3");
  EXPECT_EQ(jobs.take_sent(), (Sent{{11, kInterrupt}}));
  terminal->control().hang_up(true);
  jobs.take_sent();
  type("\3");
  EXPECT_EQ(jobs.take_sent(), Sent{});
}

TEST_F(JobControlled, a_background_reader_stops_C4_18) {
  jobs.become(11);
  type("x\n");
  EXPECT_EQ(read(*file, 10, none).error(), Errno::Restart);
  EXPECT_EQ(jobs.take_sent(), (Sent{{11, kRead}}));
  jobs.ignored = {Signal::TerminalInput};
  EXPECT_EQ(read(*file, 10, none).error(), Errno::Io);
  jobs.ignored.clear();
  jobs.is_orphaned = true;
  EXPECT_EQ(read(*file, 10, none).error(), Errno::Io);
  EXPECT_EQ(jobs.take_sent(), Sent{});
  EXPECT_EQ(read(*open(5, 1, flag::kReadWrite).value(), 10, none).value(), "x\n") << "the console";
  jobs.become(10);
  jobs.is_orphaned = false;
  type("y\n");
  EXPECT_EQ(read(*file, 10, none).value(), "y\n");
}

TEST_F(JobControlled, who_has_another_terminal_or_none_reads_what_it_has_open_C4_18) {
  jobs.who = {.group = GroupId(20), .session = SessionId(20), .leads_session = true};
  type("x\n");
  EXPECT_EQ(read(*file, 10, none).value(), "x\n");
  EXPECT_EQ(jobs.take_sent(), Sent{});
}

TEST_F(JobControlled, a_background_writer_stops_where_TOSTOP_says_so_C4_18) {
  jobs.become(11);
  EXPECT_EQ(write(*file, "x", none).value(), 1U);
  change([](Termios& its) { its.local |= local::kBackgroundStops; });
  EXPECT_EQ(write(*file, "x", none).error(), Errno::Restart);
  EXPECT_EQ(jobs.take_sent(), (Sent{{11, kWrite}}));
  jobs.ignored = {Signal::TerminalOutput};
  EXPECT_EQ(write(*file, "x", none).value(), 1U);
  jobs.ignored.clear();
  jobs.is_orphaned = true;
  EXPECT_EQ(write(*file, "x", none).error(), Errno::Io);
  EXPECT_EQ(write(*open(5, 1, flag::kReadWrite).value(), "x", none).value(), 1U) << "the console";
}

TEST_F(JobControlled, the_background_may_look_and_not_change_C4_18) {
  jobs.become(11);
  const auto settings = asked<Termios>(*file, number(Request::GetSettings)).value();
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetGroup)).value(), 10);
  EXPECT_EQ(told(*file, number(Request::SetSettings), settings).error(), Errno::Restart);
  EXPECT_EQ(told(*file, number(Request::SetGroup), 11).error(), Errno::Restart);
  EXPECT_EQ(done(*file, number(Request::Flush), 0).error(), Errno::Restart);
  EXPECT_EQ(done(*file, number(Request::Flow), 0).error(), Errno::Restart);
  EXPECT_EQ(done(*file, number(Request::Break), 1).error(), Errno::Restart);
  EXPECT_EQ(jobs.take_sent(), (Sent{{11, kWrite}, {11, kWrite}, {11, kWrite}, {11, kWrite}, {11, kWrite}}));
  jobs.is_orphaned = true;
  EXPECT_EQ(told(*file, number(Request::SetSettings), settings).error(), Errno::Io);
  EXPECT_EQ(told(*file, number(Request::SetGroup), 11).error(), Errno::NotTerminal);
  jobs.is_orphaned = false;
  jobs.ignored = {Signal::TerminalOutput};
  EXPECT_TRUE(told(*file, number(Request::SetSettings), settings).has_value());
  EXPECT_TRUE(told(*file, number(Request::SetGroup), 11).has_value()) << "as shells do";
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetGroup)).value(), 11);
}

TEST_F(JobControlled, the_foreground_is_a_group_of_the_session_C4_18) {
  EXPECT_EQ(told(*file, number(Request::SetGroup), -1).error(), Errno::Invalid);
  EXPECT_EQ(told(*file, number(Request::SetGroup), 99).error(), Errno::NoProcess);
  EXPECT_EQ(told(*file, number(Request::SetGroup), 20).error(), Errno::Perm);
  ASSERT_TRUE(told(*file, number(Request::SetGroup), 12).has_value());
  jobs.who = {.group = GroupId(20), .session = SessionId(20), .leads_session = true};
  EXPECT_EQ(told(*file, number(Request::SetGroup), 20).error(), Errno::NotTerminal);
}

TEST_F(JobControlled, a_new_window_size_is_told_once_C4_18) {
  const WindowSize size{.rows = 24, .columns = 80, .x_pixels = 1, .y_pixels = 2};
  ASSERT_TRUE(told(*file, number(Request::SetWindow), size).has_value());
  EXPECT_EQ(asked<WindowSize>(*file, number(Request::GetWindow)).value(), size);
  ASSERT_TRUE(told(*file, number(Request::SetWindow), size).has_value());
  EXPECT_EQ(jobs.take_sent(), (Sent{{10, kWindow}}));
}

TEST_F(JobControlled, acquiring_follows_its_rules_C4_18) {
  EXPECT_TRUE(done(*file, number(Request::Acquire)).has_value()) << "it is its own already";
  jobs.become(11);
  EXPECT_EQ(done(*file, number(Request::Acquire)).error(), Errno::Perm) << "leads no session";
  jobs.who = {.group = GroupId(20), .session = SessionId(20), .leads_session = true};
  EXPECT_EQ(done(*file, number(Request::Acquire)).error(), Errno::Perm) << "another's";
  EXPECT_EQ(done(*file, number(Request::Acquire), 1).error(), Errno::Perm)
      << "stealing is for the privileged";
  jobs.who.privileged = true;
  EXPECT_EQ(done(*file, number(Request::Acquire)).error(), Errno::Perm) << "who has to say so";
  EXPECT_TRUE(done(*file, number(Request::Acquire), 1).has_value());
  EXPECT_EQ(terminal->control().session(), SessionId(20));
  EXPECT_EQ(terminal->control().foreground(), GroupId(20));
  jobs.become(10);
  EXPECT_FALSE(jobs.terminal());
}

TEST_F(JobControlled, who_can_only_write_cannot_acquire_C4_18) {
  terminal->control().hang_up(true);
  const auto writer = open(4, 64, flag::kWrite).value();
  EXPECT_EQ(done(*writer, number(Request::Acquire)).error(), Errno::Perm);
  const auto reader = open(4, 64, flag::kRead | flag::kNoTerminal).value();
  EXPECT_TRUE(done(*reader, number(Request::Acquire)).has_value());
}

TEST_F(JobControlled, giving_up_frees_the_session_or_the_caller_alone_C4_18) {
  jobs.become(11);
  ASSERT_TRUE(done(*file, number(Request::GiveUp)).has_value());
  EXPECT_EQ(done(*file, number(Request::GiveUp)).error(), Errno::NotTerminal);
  EXPECT_EQ(terminal->control().session(), SessionId(10));
  jobs.caller_has_none = false;
  jobs.become(10);
  ASSERT_TRUE(told(*file, number(Request::SetGroup), 12).has_value());
  ASSERT_TRUE(done(*file, number(Request::GiveUp)).has_value());
  EXPECT_EQ(jobs.take_sent(), (Sent{{12, kHangUp}, {12, kContinue}}));
  EXPECT_EQ(terminal->control().session(), SessionId(0));
  EXPECT_FALSE(jobs.terminal());
}

TEST_F(JobControlled, a_line_that_breaks_is_told_to_the_leader_who_owes_it_to_the_foreground_C4_18) {
  ASSERT_TRUE(told(*file, number(Request::SetGroup), 11).has_value());
  terminal->hang_up(false);
  EXPECT_EQ(jobs.take_sent(), (Sent{{-10, kHangUp}, {-10, kContinue}}));
  EXPECT_EQ(jobs.owed, 11);
  EXPECT_FALSE(jobs.terminal());
}

TEST_F(JobControlled, the_end_of_a_leader_hangs_up_a_real_line_C4_18) {
  ASSERT_TRUE(told(*file, number(Request::SetGroup), 11).has_value());
  jobs.become(11);
  end_of_caller(jobs);
  EXPECT_EQ(jobs.take_sent(), Sent{}) << "it leads nothing";
  jobs.become(10);
  end_of_caller(jobs);
  EXPECT_EQ(jobs.take_sent(), (Sent{{-10, kHangUp}, {-10, kContinue}, {11, kHangUp}}));
  EXPECT_EQ(write(*file, "x", none).error(), Errno::Io);
  EXPECT_FALSE(jobs.terminal());
  end_of_caller(jobs);
}

TEST_F(JobControlled, dev_tty_is_the_callers_own_C4_18) {
  const auto own = open(5, 0, flag::kReadWrite).value();
  type("x\n");
  EXPECT_EQ(read(*own, 10, none).value(), "x\n");
  terminal->hang_up(false);
  EXPECT_EQ(read(*own, 10, none).value(), "");
  EXPECT_EQ(open(5, 0, flag::kReadWrite).error(), Errno::NoDeviceOrAddress);
}

}  // namespace
}  // namespace fb::libos::posix::tty::test
