#include <gtest/gtest.h>

#include "libos/posix/tty/terminal_file.hpp"
#include "tests/libos/posix/tty/jobs.hpp"
#include "tests/libos/posix/vfs/ioctl.hpp"

namespace fb::libos::posix::tty::test {
namespace {

using vfs::test::asked;
using vfs::test::done;
using vfs::test::Script;
using vfs::test::TestIoctl;
using vfs::test::told;
namespace flag = vfs::flag;

constexpr std::uint64_t kDevice = vfs::make_device(4, 64);
constexpr core::Nanoseconds kTenth{100'000'000};
constexpr std::uint32_t number(Request request) { return static_cast<std::uint32_t>(request); }

/// A wire that takes everything at once, unless it is told not to.
class TestWire final : public Wire {
 public:
  void output_waits() override {
    while (terminal != nullptr && open && terminal->output() != 0) text += taken(*terminal, 100);
  }
  Terminal* terminal = nullptr;
  bool open = true;
  std::string text;
};

struct Terminals : testing::Test {
  Terminals() : terminal(make_shared<Terminal>(jobs, kDevice, &wire).value()) {
    wire.terminal = terminal.get();
  }
  ~Terminals() override { jobs.terminals.clear(); }
  Ref<vfs::File> open(std::uint32_t flags, TerminalFile::As as = TerminalFile::As::Terminal) {
    return TerminalFile::open(terminal, character_device(kDevice), flags | flag::kReadWrite, jobs, as)
        .value();
  }
  void type(std::string_view text) { EXPECT_EQ(terminal->type(bytes(text)), text.size()); }
  void change(auto&& change) {
    auto settings = terminal->settings();
    change(settings.settings);
    terminal->set(settings);
  }
  /// Bytes, as they come, without echo.
  void go_raw(std::uint8_t minimum, std::uint8_t time) {
    change([&](Termios& its) {
      its.local &= ~(local::kCanonical | local::kEcho);
      its.characters[static_cast<std::size_t>(Special::Minimum)] = minimum;
      its.characters[static_cast<std::size_t>(Special::Time)] = time;
    });
  }

  Jobs jobs;
  TestWire wire;
  Ref<Terminal> terminal;
  Script none;
};

TEST_F(Terminals, lines_are_read_and_what_is_written_goes_out_C4_18) {
  const auto file = open(flag::kNoTerminal);
  type("hello\rmore\r");
  EXPECT_EQ(wire.text, "hello\r\nmore\r\n") << "echo";
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::Readable)).value(), 11);
  EXPECT_EQ(read(*file, 3, none).value(), "hel");
  EXPECT_EQ(read(*file, 100, none).value(), "lo\n");
  EXPECT_EQ(read(*file, 100, none).value(), "more\n");
  EXPECT_EQ(write(*file, "a\nb", none).value(), 3U);
  EXPECT_EQ(wire.text, "hello\r\nmore\r\na\r\nb");
  EXPECT_EQ(read(*file, 0, none).value(), "");
  EXPECT_EQ(none.waits, 0);
  EXPECT_EQ(file->seek(0, vfs::Whence::Set).error(), Errno::IllegalSeek);
}

TEST_F(Terminals, a_reader_waits_for_a_line_and_an_end_of_file_ends_it_C4_18) {
  const auto file = open(flag::kNoTerminal);
  Script script({[&] { type("ab"); }, [&] { type("c\n"); }, [&] { type("\4"); }});
  EXPECT_EQ(read(*file, 100, script).value(), "abc\n");
  EXPECT_EQ(script.waits, 2);
  EXPECT_EQ(script.woken, 1) << "no line, no wake-up";
  EXPECT_EQ(read(*file, 100, script).value(), "");
  EXPECT_EQ(read(*file, 100, none).error(), Errno::Restart) << "a signal";
}

TEST_F(Terminals, who_does_not_wait_gets_EAGAIN_C4_18) {
  const auto file = open(flag::kNoTerminal | flag::kNonBlock);
  EXPECT_EQ(read(*file, 10, none).error(), Errno::TryAgain);
  wire.open = false;
  const std::string big(20'000, 'x');
  const auto count = write(*file, big, none).value();
  EXPECT_GE(count, 1000U);
  EXPECT_LE(count, Terminal::kWayOut);
  EXPECT_EQ(write(*file, "x", none).error(), Errno::TryAgain);
  EXPECT_EQ(file->poll().events & vfs::poll::kOut, 0U);
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::Unsent)).value(), static_cast<int>(count));
  EXPECT_EQ(none.waits, 0);
}

TEST_F(Terminals, a_long_write_waits_for_the_wire_and_stays_together_C4_18) {
  const auto file = open(flag::kNoTerminal);
  const auto other = open(flag::kNoTerminal);
  const auto hasty = open(flag::kNoTerminal | flag::kNonBlock);
  wire.open = false;
  const std::string big(3 * Terminal::kWayOut, 'b');
  Script second;
  Script script({[&] {
                   wire.text += taken(*terminal, 100);
                   EXPECT_EQ(write(*other, "in between", second).error(), Errno::Restart) << "there is room";
                 },
                 [&] { EXPECT_EQ(write(*hasty, "in between", second).error(), Errno::TryAgain); },
                 [&] { wire.text += taken(*terminal); }, [&] { wire.open = true, wire.output_waits(); }});
  EXPECT_EQ(write(*file, big, script).value(), big.size());
  EXPECT_EQ(wire.text, big);
  EXPECT_EQ(second.waits, 1);
  EXPECT_EQ(write(*other, "now", none).value(), 3U);
  wire.open = false;
  const auto some = write(*file, big, none).value();
  EXPECT_LT(some, big.size()) << "interrupted: what went counts";
}

TEST_F(Terminals, tabs_never_take_more_room_than_there_is_C4_18) {
  change([](Termios& its) { its.output |= output::kExpandTabs; });
  const auto file = open(flag::kNoTerminal | flag::kNonBlock);
  wire.open = false;
  const auto count = write(*file, std::string(5000, '\t'), none).value();
  EXPECT_EQ(taken(*terminal), std::string(count * 8, ' '));
  EXPECT_EQ(count, Terminal::kWayOut / 8);
}

// POSIX.1-2024, 11.1.7: cases A to D.
TEST_F(Terminals, A_bytes_until_VMIN_and_time_between_them_C4_18) {
  const auto file = open(flag::kNoTerminal);
  go_raw(3, 2);
  Script fast({[&] { type("a"); }, [&] { type("b"), fast.time += kTenth; }, [&] { type("c"); }});
  EXPECT_EQ(read(*file, 10, fast).value(), "abc");
  EXPECT_EQ(fast.waits, 3);
  Script slow({[&] { slow.time += kTenth * 100; }, [&] { type("a"); },
               [&] { type("b"), slow.time += kTenth; }, [&] { slow.time += kTenth; },
               [&] { slow.time += kTenth; }});
  EXPECT_EQ(read(*file, 10, slow).value(), "ab") << "the timer starts with the first byte and anew with each";
  EXPECT_EQ(slow.waits, 5);
  type("x");
  EXPECT_EQ(read(*file, 1, none).value(), "x") << "no more than was asked for";
}

TEST_F(Terminals, B_bytes_until_VMIN_however_long_it_takes_C4_18) {
  const auto file = open(flag::kNoTerminal);
  go_raw(2, 0);
  Script script({[&] { type("a"); }, [&] { script.time += kTenth * 100; }, [&] { type("bc"); }});
  EXPECT_EQ(read(*file, 10, script).value(), "abc");
  type("d");
  EXPECT_EQ(file->poll().events & vfs::poll::kIn, 0U) << "a read would wait";
  EXPECT_EQ(read(*file, 10, none).value(), "d") << "interrupted: what came counts";
  type("ef");
  EXPECT_EQ(file->poll().events & vfs::poll::kIn, vfs::poll::kIn);
}

TEST_F(Terminals, C_a_byte_or_time_is_up_C4_18) {
  const auto file = open(flag::kNoTerminal);
  go_raw(0, 5);
  Script late({[&] { late.time += kTenth * 3; }, [&] { late.time += kTenth * 2; }});
  EXPECT_EQ(read(*file, 10, late).value(), "");
  EXPECT_EQ(late.waits, 2);
  Script script({[&] { type("ab"); }});
  EXPECT_EQ(read(*file, 10, script).value(), "ab");
  type("c");
  EXPECT_EQ(file->poll().events & vfs::poll::kIn, vfs::poll::kIn);
  EXPECT_EQ(read(*open(flag::kNoTerminal | flag::kNonBlock), 1, none).value(), "c");
  EXPECT_EQ(read(*open(flag::kNoTerminal | flag::kNonBlock), 1, none).error(), Errno::TryAgain);
}

TEST_F(Terminals, D_what_is_there_now_C4_18) {
  const auto file = open(flag::kNoTerminal);
  go_raw(0, 0);
  EXPECT_EQ(read(*file, 10, none).value(), "");
  EXPECT_EQ(read(*open(flag::kNoTerminal | flag::kNonBlock), 10, none).value(), "")
      << "and no EAGAIN, as Linux";
  type("ab");
  EXPECT_EQ(read(*file, 1, none).value(), "a");
  EXPECT_EQ(read(*file, 10, none).value(), "b");
  EXPECT_EQ(none.waits, 0);
}

TEST_F(Terminals, what_is_typed_ahead_of_the_reader_waits_and_is_not_lost_C4_18) {
  const auto file = open(flag::kNoTerminal);
  go_raw(1, 0);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line ";
  type(text);
  std::string got;
  while (file->poll().events & vfs::poll::kIn) got += read(*file, 700, none).value();
  EXPECT_EQ(got, text);
  std::size_t typed = 0;
  while (const auto count = terminal->type(bytes("yyyyyyyyyyyyyyyy"))) typed += count;
  EXPECT_EQ(typed, Terminal::kWayIn + LineDiscipline::kLongestLine);
  EXPECT_EQ(terminal->room_to_type(), 0U);
  EXPECT_EQ(read(*file, 10, none).value(), "yyyyyyyyyy");
  EXPECT_EQ(terminal->room_to_type(), 10U);
}

TEST_F(Terminals, stopped_output_waits_with_its_echo_C4_18) {
  const auto file = open(flag::kNoTerminal | flag::kNonBlock);
  type("\23ab");
  EXPECT_EQ(wire.text, "");
  EXPECT_EQ(write(*file, "x", none).error(), Errno::TryAgain);
  EXPECT_EQ(file->poll().events & vfs::poll::kOut, 0U);
  type("\21");
  EXPECT_EQ(wire.text, "ab");
  EXPECT_EQ(write(*file, "x", none).value(), 1U);
  ASSERT_TRUE(done(*file, number(Request::Flow), 0).has_value());
  type("\21");
  EXPECT_EQ(write(*file, "y", none).error(), Errno::TryAgain)
      << "what a program stopped a key does not start";
  ASSERT_TRUE(done(*file, number(Request::Flow), 1).has_value());
  EXPECT_EQ(write(*file, "y", none).value(), 1U);
  type("\23");
  change([](Termios& its) { its.input &= ~input::kFlowOutput; });
  EXPECT_EQ(write(*file, "z", none).value(), 1U) << "no key could start it";
  EXPECT_EQ(wire.text, "abxyz");
  EXPECT_EQ(done(*file, number(Request::Flow), 4).error(), Errno::Invalid);
  ASSERT_TRUE(done(*file, number(Request::Flow), 2).has_value());
  ASSERT_TRUE(done(*file, number(Request::Flow), 3).has_value());
  EXPECT_EQ(wire.text, "abxyz\23\21");
}

TEST_F(Terminals, echoes_of_a_flood_are_bounded_C4_18) {
  change([](Termios& its) { its.local &= ~local::kCanonical; });
  wire.open = false;
  for (int i = 0; i < 100; ++i) {
    terminal->type(bytes(std::string(1000, 'e')));
    terminal->flush_input(true);
  }
  EXPECT_LE(taken(*terminal).size(), Terminal::kWayOut + Terminal::kEchoes);
  EXPECT_LE(taken(*terminal).size(), Terminal::kEchoes);
  EXPECT_EQ(terminal->output(), 0U);
}

TEST_F(Terminals, settings_are_kept_and_a_wire_has_eight_bits_C4_18) {
  const auto file = open(flag::kNoTerminal);
  auto settings = asked<Termios>(*file, number(Request::GetSettings)).value();
  EXPECT_EQ(settings.local, kInitialTermios.local);
  settings.control = 0x100 | 0xd;  // parity, five bits, 9600 baud
  settings.local = 0;
  ASSERT_TRUE(told(*file, number(Request::SetSettings), settings).has_value());
  EXPECT_EQ(asked<Termios>(*file, number(Request::GetSettings)).value().control, 0xbdU);
  const auto both = asked<Termios2>(*file, number(Request::GetSettings2)).value();
  EXPECT_EQ(both.output_speed, 9600U);
  EXPECT_EQ(both.input_speed, 9600U);
  Termios2 odd{.settings = settings, .input_speed = 1, .output_speed = 12'345};
  odd.settings.control = 0x1000;
  ASSERT_TRUE(told(*file, number(Request::SetSettings2AndFlush), odd).has_value());
  EXPECT_EQ(asked<Termios2>(*file, number(Request::GetSettings2)).value().output_speed, 12'345U);
  EXPECT_EQ(asked<Termios2>(*file, number(Request::GetSettings2)).value().input_speed, 12'345U);
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetDevice)).value(), 0x440);
}

TEST_F(Terminals, settings_wait_for_output_and_flush_input_when_they_shall_C4_18) {
  const auto file = open(flag::kNoTerminal);
  wire.open = false;
  ASSERT_TRUE(write(*file, "out", none).has_value());
  type("typed\n");
  const auto settings = terminal->line().settings();
  TestIoctl caller(std::as_bytes(std::span(&settings, 1)));
  EXPECT_EQ(file->ioctl(number(Request::SetSettingsWhenSent), 0, caller).error(), Errno::Restart);
  EXPECT_EQ(done(*file, number(Request::Break), 1).error(), Errno::Interrupted);
  wire.open = true;
  ASSERT_TRUE(file->ioctl(number(Request::SetSettingsWhenSent), 0, caller).has_value());
  EXPECT_EQ(wire.text, "outtyped\r\n");
  EXPECT_TRUE(terminal->line().available());
  ASSERT_TRUE(file->ioctl(number(Request::SetSettingsAndFlush), 0, caller).has_value());
  EXPECT_FALSE(terminal->line().available());
  wire.open = false;
  ASSERT_TRUE(write(*file, "lost", none).has_value());
  type("gone\n");
  ASSERT_TRUE(done(*file, number(Request::Flush), 2).has_value());
  EXPECT_FALSE(terminal->line().available());
  EXPECT_EQ(terminal->output(), 0U);
  EXPECT_EQ(done(*file, number(Request::Flush), 3).error(), Errno::Invalid);
}

TEST_F(Terminals, ioctls_with_bad_memory_or_numbers_fail_and_change_nothing_C4_18) {
  const auto file = open(flag::kNoTerminal);
  const auto before = terminal->settings();
  for (const auto request :
       {Request::GetSettings, Request::SetSettings, Request::SetSettingsWhenSent,
        Request::SetSettingsAndFlush, Request::GetSettings2, Request::SetSettings2, Request::GetWindow,
        Request::SetWindow, Request::Readable, Request::Unsent, Request::GetDiscipline,
        Request::SetDiscipline, Request::GetExclusive, Request::GetDevice, Request::SetGroup}) {
    EXPECT_EQ(done(*file, number(request), ~0ULL).error(), Errno::Fault) << std::hex << number(request);
  }
  EXPECT_EQ(terminal->settings().settings.local, before.settings.local);
  EXPECT_EQ(told(*file, number(Request::SetDiscipline), 3).error(), Errno::Invalid);
  ASSERT_TRUE(told(*file, number(Request::SetDiscipline), 0).has_value());
  EXPECT_EQ(done(*file, number(Request::Simulate)).error(), Errno::Io);
  for (const std::uint32_t request :
       {0U, 0x5415U, 0x541DU, 0x80045430U, 0x5441U, 0x5420U, 0xffffffffU, 0x5436U}) {
    EXPECT_EQ(done(*file, request).error(), Errno::NotTerminal) << std::hex << request;
  }
}

TEST_F(Terminals, one_that_is_exclusive_opens_for_the_privileged_only_C4_18) {
  const auto file = open(flag::kNoTerminal);
  ASSERT_TRUE(done(*file, number(Request::Exclusive)).has_value());
  EXPECT_EQ(TerminalFile::open(terminal, {}, flag::kReadWrite, jobs).error(), Errno::Busy);
  jobs.who.privileged = true;
  EXPECT_TRUE(TerminalFile::open(terminal, {}, flag::kReadWrite | flag::kNoTerminal, jobs).has_value());
  jobs.who.privileged = false;
  EXPECT_EQ(asked<std::int32_t>(*file, number(Request::GetExclusive)).value(), 1);
  ASSERT_TRUE(done(*file, number(Request::NotExclusive)).has_value());
  EXPECT_TRUE(TerminalFile::open(terminal, {}, flag::kReadWrite | flag::kNoTerminal, jobs).has_value());
}

TEST_F(Terminals, hung_up_they_give_ends_of_files_and_EIO_until_opened_again_C4_18) {
  const auto file = open(flag::kNoTerminal);
  const auto console = open(0, TerminalFile::As::Console);
  type("late\n");
  Script script({[&] { terminal->hang_up(false); }});
  EXPECT_EQ(read(*file, 10, none).value(), "late\n");
  EXPECT_EQ(read(*file, 10, script).value(), "") << "who waits sees it";
  EXPECT_EQ(script.woken, 1);
  EXPECT_EQ(read(*file, 10, none).value(), "");
  EXPECT_EQ(write(*file, "x", none).error(), Errno::Io);
  constexpr auto kAll = vfs::poll::kIn | vfs::poll::kOut | vfs::poll::kError | vfs::poll::kHangUp |
                        vfs::poll::kReadNormal | vfs::poll::kWriteNormal;
  EXPECT_EQ(file->poll().events, kAll);
  EXPECT_EQ(done(*file, number(Request::GetSettings)).error(), Errno::Io);
  EXPECT_EQ(done(*file, number(Request::SetGroup)).error(), Errno::NotTerminal);
  EXPECT_EQ(write(*console, "still", none).value(), 5U);
  EXPECT_EQ(write(*open(flag::kNoTerminal), "x", none).value(), 1U);
  EXPECT_EQ(done(*console, number(Request::HangUp)).error(), Errno::Perm);
  jobs.who.privileged = true;
  EXPECT_TRUE(done(*console, number(Request::HangUp)).has_value());
  EXPECT_EQ(terminal->hang_ups(), 2U);
}

TEST_F(Terminals, a_write_from_bad_memory_counts_what_came_C4_18) {
  const auto file = open(flag::kNoTerminal);
  const std::string text(300, 'm');
  vfs::BytesInput in(std::as_bytes(std::span(text)));
  EXPECT_EQ(file->write(in, 1000, none).value(), 256U);
  vfs::BytesInput nothing({});
  EXPECT_EQ(file->write(nothing, 10, none).error(), Errno::Fault);
  EXPECT_FALSE(terminal->writing);
  type("a\n");
  vfs::BytesOutput nowhere({});
  EXPECT_EQ(file->read(nowhere, 10, none).error(), Errno::Fault);
}

}  // namespace
}  // namespace fb::libos::posix::tty::test
