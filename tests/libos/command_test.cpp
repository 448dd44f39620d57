#include "libos/rt/command.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace fb::libos::rt {
namespace {

using namespace std::string_view_literals;

std::vector<std::string> values(const Command& command, CommandField field) {
  std::vector<std::string> found;
  for (const auto& item : command) {
    if (item.field == field) found.emplace_back(item.value);
  }
  return found;
}

TEST(Command, fields_come_in_any_order_and_words_may_be_empty) {
  const auto command = Command::parse("eTERM=xterm\0ash\0d/root\0a\0a-c\0a echo  a\nb \0eX=\0"sv);
  ASSERT_TRUE(command);
  EXPECT_EQ(values(*command, CommandField::Argument),
            (std::vector<std::string>{"sh", "", "-c", " echo  a\nb "}));
  EXPECT_EQ(values(*command, CommandField::Environment), (std::vector<std::string>{"TERM=xterm", "X="}));
  EXPECT_EQ(command->find(CommandField::Directory), "/root");
  EXPECT_EQ(command->find(CommandField::Terminal, "none"), "none");
}

TEST(Command, what_is_wrong_is_refused) {
  EXPECT_FALSE(Command::parse(""sv));
  EXPECT_FALSE(Command::parse("als"sv)) << "no NUL at the end";
  EXPECT_FALSE(Command::parse("als\0d/"sv));
  EXPECT_FALSE(Command::parse("d/\0"sv)) << "no word";
  EXPECT_FALSE(Command::parse("als\0x\0"sv)) << "an unknown field";
  EXPECT_FALSE(Command::parse("als\0\0"sv)) << "a field without its letter";
}

RC_GTEST_PROP(Command, words_of_any_bytes_come_back, ()) {
  const auto bytes = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  const auto words = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(bytes));
  std::string text;
  for (const auto& word : words) text.append("a").append(word).append(1, '\0');
  const auto command = Command::parse(text);
  RC_ASSERT(command.has_value());
  RC_ASSERT(values(*command, CommandField::Argument) == words);
}

RC_GTEST_PROP(Command, any_text_is_read_to_its_end_or_refused, (const std::string& text)) {
  const auto command = Command::parse(text);
  if (!command) return;
  std::size_t bytes = 0;
  for (const auto& item : *command) bytes += item.value.size() + 2;
  RC_ASSERT(bytes == text.size());
}

}  // namespace
}  // namespace fb::libos::rt
