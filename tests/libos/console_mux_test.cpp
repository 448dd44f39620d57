#include "libos/root/console_mux.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "tests/libos/screen.hpp"

namespace fb::libos::root {
namespace {

struct Desk {
  Screen screen;
  ConsoleMux<Screen> mux{screen};
  Desk() {
    mux.name(0, "one");
    mux.name(1, "two");
  }
};

TEST(ConsoleMux, focused_output_passes_as_it_is) {
  Desk desk;
  desk.mux.write(0, "a\nb\x1b[1mc\n\n");
  EXPECT_EQ(desk.screen.text, "a\nb\x1b[1mc\n\n");
}

TEST(ConsoleMux, others_appear_by_lines_under_their_names) {
  Desk desk;
  desk.mux.write(1, "hal");
  EXPECT_EQ(desk.screen.text, "");
  desk.mux.write(1, "lo\nrest");
  EXPECT_EQ(desk.screen.text, "[two] hallo\n");
}

TEST(ConsoleMux, prompt_is_shown_again_after_a_line_in_between) {
  Desk desk;
  desk.mux.write(0, "one> ab");
  desk.mux.write(0, "\b");
  desk.mux.write(1, "x\n");
  EXPECT_EQ(desk.screen.text, "one> ab\b\n[two] x\none> a");
}

TEST(ConsoleMux, change_of_focus_shows_the_new_ones_line) {
  Desk desk;
  desk.mux.write(0, "one> ");
  desk.mux.write(1, "two> ");
  desk.mux.set_focus(1);
  EXPECT_EQ(desk.screen.text, "one> \ntwo> ");
  desk.mux.write(1, "x\n");
  EXPECT_EQ(desk.screen.text, "one> \ntwo> x\n");
}

TEST(ConsoleMux, endless_line_of_another_is_cut_into_lines) {
  Desk desk;
  for (int i = 0; i != 50; ++i) desk.mux.write(1, std::string(10, 'z'));
  EXPECT_EQ(desk.screen.text, "[two] " + std::string(160, 'z') + "\n[two] " + std::string(160, 'z') +
                                  "\n[two] " + std::string(160, 'z') + "\n");
}

TEST(ConsoleMux, line_of_one_that_is_gone_is_not_continued) {
  Desk desk;
  desk.mux.write(0, "> ");
  desk.mux.write(1, "half");
  desk.mux.end_line(1);
  desk.mux.write(1, "new\n");
  EXPECT_EQ(desk.screen.text, "> \n[two] half\n> \n[two] new\n> ");
  desk.mux.end_line(0);
  desk.mux.announce("root", "x");
  EXPECT_EQ(desk.screen.text, "> \n[two] half\n> \n[two] new\n> \n[root] x\n");
}

TEST(ConsoleMux, carriage_return_before_a_line_ends_keeps_it) {
  Desk desk;
  desk.mux.write(1, "whole\r");
  desk.mux.write(1, "\n");
  EXPECT_EQ(desk.screen.text, "[two] whole\n");
  desk.mux.write(1, "old\r");
  desk.mux.write(1, "new\r");
  desk.mux.write(1, "\n");
  EXPECT_EQ(desk.screen.text, "[two] whole\n[two] new\n");
}

TEST(ConsoleMux, announcement_starts_a_line) {
  Desk desk;
  desk.mux.write(0, "> ");
  desk.mux.announce("root", "hi");
  EXPECT_EQ(desk.screen.text, "> \n[root] hi\n> ");
}

RC_GTEST_PROP(ConsoleMux, no_character_of_the_focused_is_changed, ()) {
  Desk desk;
  std::string written;
  for (int step = *rc::gen::inRange(1, 40); step != 0; --step) {
    const auto piece = *rc::gen::string<std::string>();
    desk.mux.write(0, piece);
    written += piece;
  }
  RC_ASSERT(desk.screen.text == written);
}

RC_GTEST_PROP(ConsoleMux, every_line_of_the_others_appears_whole, ()) {
  Desk desk;
  const auto count = *rc::gen::inRange(1, 20);
  for (int i = 0; i != count; ++i) {
    desk.mux.write(0, std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 5)), 'f'));
    const std::string line = "line " + std::to_string(i) + ".\n";
    const auto at = *rc::gen::inRange<std::size_t>(0, line.size());
    desk.mux.write(1, line.substr(0, at));
    desk.mux.write(1, line.substr(at));
  }
  for (int i = 0; i != count; ++i) {
    RC_ASSERT(desk.screen.text.find("[two] line " + std::to_string(i) + ".\n") != std::string::npos);
  }
}

}  // namespace
}  // namespace fb::libos::root
