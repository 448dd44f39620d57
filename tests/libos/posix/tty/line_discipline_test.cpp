#include "libos/posix/tty/line_discipline.hpp"

#include <gtest/gtest.h>

#include "tests/libos/posix/tty/screen.hpp"

namespace fb::libos::posix::tty::test {
namespace {

class LineDisciplineTest : public ::testing::Test {
 protected:
  void type(std::string_view text) { line_.receive(bytes_of(text)); }
  std::string shown() { return std::exchange(screen_.text, {}); }
  void change(std::uint32_t local_off, std::uint32_t local_on = 0) {
    auto settings = line_.settings();
    settings.local = (settings.local & ~local_off) | local_on;
    line_.set(settings);
  }

  Screen screen_;
  LineDiscipline line_{screen_};
};

TEST_F(LineDisciplineTest, a_line_is_there_when_it_is_complete) {
  type("ab");
  EXPECT_FALSE(line_.available());
  EXPECT_EQ(read(line_), "");
  type("c\rd");
  EXPECT_TRUE(line_.available());
  EXPECT_EQ(line_.readable(), 4U);
  EXPECT_EQ(read(line_, 2), "ab");
  EXPECT_EQ(read(line_), "c\n");
  EXPECT_FALSE(line_.available());
  EXPECT_EQ(shown(), "abc\r\nd");
}

TEST_F(LineDisciplineTest, an_end_of_file_ends_a_line_without_a_character) {
  type("\4");
  EXPECT_TRUE(line_.available());
  EXPECT_EQ(read(line_), "");
  EXPECT_FALSE(line_.available());
  type("abc\4");
  EXPECT_EQ(read(line_, 3), "abc");
  EXPECT_FALSE(line_.available());
  EXPECT_EQ(shown(), "abc");
}

TEST_F(LineDisciplineTest, erasing_takes_characters_words_and_lines_off_the_screen) {
  type("ab\177");
  EXPECT_EQ(shown(), "ab\b \b");
  type("\177\177\177");
  EXPECT_EQ(shown(), "\b \b");
  type("one two_3 \27");
  EXPECT_EQ(shown(), "one two_3 \b \b\b \b\b \b\b \b\b \b\b \b");
  type("\25");
  EXPECT_EQ(shown(), "\b \b\b \b\b \b\b \b");
  type("x\t\177y\n");
  EXPECT_EQ(shown(), "x\t\b\b\b\b\b\b\by\r\n");
  EXPECT_EQ(read(line_), "xy\n");
}

TEST_F(LineDisciplineTest, the_bytes_of_a_character_are_erased_together) {
  auto settings = line_.settings();
  settings.input |= input::kUtf8;
  line_.set(settings);
  type("a\xc3\xa4\177b\n");
  EXPECT_EQ(shown(), "a\xc3\xa4\b \bb\r\n");
  EXPECT_EQ(read(line_), "ab\n");
}

TEST_F(LineDisciplineTest, keys_become_signals_and_throw_the_input_away) {
  type("abc\3");
  EXPECT_EQ(screen_.keys, std::vector{Keypress::Interrupt});
  EXPECT_EQ(shown(), "abc^C");
  type("\n");
  EXPECT_EQ(read(line_), "\n");
  change(0, local::kNoFlush);
  type("abc\32\34\n");
  EXPECT_EQ(screen_.keys, (std::vector{Keypress::Interrupt, Keypress::Suspend, Keypress::Quit}));
  EXPECT_EQ(read(line_), "abc\n");
  change(local::kSignals);
  type("\3\n");
  EXPECT_EQ(read(line_), "\3\n");
}

TEST_F(LineDisciplineTest, without_lines_bytes_are_there_at_once) {
  change(local::kCanonical | local::kEcho);
  type("a\177\4");
  EXPECT_EQ(read(line_, 2), "a\177");
  EXPECT_EQ(read(line_), "\4");
  EXPECT_EQ(shown(), "");
  type("left");
  change(0, local::kCanonical);
  EXPECT_TRUE(line_.available());
  EXPECT_EQ(read(line_), "left");
}

TEST_F(LineDisciplineTest, a_literal_character_stands_for_itself) {
  type("\26\3\26\n\n");
  EXPECT_TRUE(screen_.keys.empty());
  EXPECT_EQ(shown(), "^\b^C^\b^J\r\n");
  EXPECT_EQ(read(line_), "\3\n\n");
}

TEST_F(LineDisciplineTest, a_line_that_is_too_long_loses_its_end_but_not_its_newline) {
  type(std::string(5'000, 'x') + "\n");
  const auto text = read(line_);
  EXPECT_EQ(text.size(), LineDiscipline::kCapacity);
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(LineDisciplineTest, the_stop_character_stops_output_until_the_start_character) {
  type("\23");
  EXPECT_TRUE(line_.stopped());
  type("\21");
  EXPECT_FALSE(line_.stopped());
  type("\23\3");
  EXPECT_FALSE(line_.stopped());
}

}  // namespace
}  // namespace fb::libos::posix::tty::test
