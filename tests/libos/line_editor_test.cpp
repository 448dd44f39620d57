#include "libos/native/line_editor.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "tests/libos/screen.hpp"

namespace fb::libos::native {
namespace {

struct Desk {
  Screen screen;
  LineEditor<Screen> editor{screen};
  using Event = LineEditor<Screen>::Event;
  std::vector<std::string> lines;
  unsigned cancelled{};
  unsigned ended{};

  void type(std::string_view keys) {
    for (const char key : keys) {
      switch (editor.take(key)) {
        case Event::Line:
          lines.emplace_back(editor.line());
          break;
        case Event::Cancelled:
          ++cancelled;
          break;
        case Event::EndOfInput:
          ++ended;
          break;
        case Event::None:
          break;
      }
    }
  }
};

TEST(LineEditor, enter_in_each_spelling_ends_one_line) {
  Desk desk;
  desk.type("a\rb\nc\r\nd\n");
  EXPECT_EQ(desk.lines, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(desk.screen.text, "a\nb\nc\nd\n");
}

TEST(LineEditor, backspace_rubs_out_and_stops_at_the_start) {
  Desk desk;
  desk.type("ab\x7f\bcd\b\r");
  EXPECT_EQ(desk.lines.at(0), "c");
  desk.type("\x7f\x7fx\r");
  EXPECT_EQ(desk.lines.at(1), "x");
}

TEST(LineEditor, backspace_takes_a_whole_utf8_character) {
  Desk desk;
  desk.type("a\xc3\xa4\x7f\r");
  EXPECT_EQ(desk.lines.at(0), "a");
}

TEST(LineEditor, ctrl_u_clears_and_ctrl_c_starts_over) {
  Desk desk;
  desk.type("wrong\x15right\r");
  EXPECT_EQ(desk.lines.at(0), "right");
  desk.type("never mind\x03next\r");
  EXPECT_EQ(desk.cancelled, 1u);
  EXPECT_EQ(desk.lines.at(1), "next");
}

TEST(LineEditor, ctrl_d_ends_only_an_empty_line) {
  Desk desk;
  desk.type("x\x04");
  EXPECT_EQ(desk.ended, 0u);
  desk.type("\r\x04");
  EXPECT_EQ(desk.ended, 1u);
}

TEST(LineEditor, escape_sequences_leave_no_trace) {
  Desk desk;
  desk.type("a\x1b[A\x1b[1;5Cb\x1bOc\r");
  EXPECT_EQ(desk.lines.at(0), "abc");
}

TEST(LineEditor, line_is_bounded) {
  Desk desk;
  desk.type(std::string(1000, 'x') + "\r");
  EXPECT_EQ(desk.lines.at(0).size(), LineEditor<Screen>::kLimit);
}

RC_GTEST_PROP(LineEditor, plain_keys_agree_with_a_string, ()) {
  Desk desk;
  std::string model;
  for (int step = *rc::gen::inRange(1, 200); step != 0; --step) {
    const char key = *rc::gen::element('a', 'b', ' ', '\x7f', '\x15');
    desk.type({&key, 1});
    if (key == '\x7f') {
      if (!model.empty()) model.pop_back();
    } else if (key == '\x15') {
      model.clear();
    } else {
      model += key;
    }
    RC_ASSERT(desk.editor.line() == model);
  }
}

RC_GTEST_PROP(LineEditor, any_bytes_stay_within_the_line, (const std::string& keys)) {
  Desk desk;
  desk.type(keys);
  RC_ASSERT(desk.editor.line().size() <= LineEditor<Screen>::kLimit);
}

}  // namespace
}  // namespace fb::libos::native
