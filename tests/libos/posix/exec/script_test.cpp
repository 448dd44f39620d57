#include "libos/posix/exec/script.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace fb::libos::posix::exec {
namespace {

Answer<std::optional<Script>> parse(const std::string& text) {
  return script_of(std::as_bytes(std::span(text)));
}

std::string words_of(const std::string& text) {
  const auto script = parse(text);
  if (!script) return spelling_of(script.error());
  if (!*script) return "none";
  return "[" + std::string((*script)->interpreter()) + "][" + std::string((*script)->argument()) + "]";
}

TEST(Script, names_its_interpreter_and_one_argument_C4_02) {
  EXPECT_EQ(words_of("#!/bin/sh\necho"), "[/bin/sh][]");
  EXPECT_EQ(words_of("#! \t/bin/sh  -e -x \t\nrest"), "[/bin/sh][-e -x]");
  EXPECT_EQ(words_of("#!/bin/sh"), "[/bin/sh][]");
  EXPECT_EQ(words_of(std::string("#!/bin/sh\0-x\n", 13)), "[/bin/sh][]");
}

TEST(Script, is_none_without_its_mark) {
  EXPECT_EQ(words_of(""), "none");
  EXPECT_EQ(words_of("#"), "none");
  EXPECT_EQ(words_of(" #!/bin/sh\n"), "none");
  EXPECT_EQ(words_of("\177ELF"), "none");
}

TEST(Script, without_an_interpreter_is_not_executable) {
  EXPECT_EQ(words_of("#!"), "ENOEXEC");
  EXPECT_EQ(words_of("#!\n/bin/sh"), "ENOEXEC");
  EXPECT_EQ(words_of("#!  \t \n"), "ENOEXEC");
}

TEST(Script, whose_interpreter_is_cut_off_is_not_executable_but_an_argument_may_be) {
  EXPECT_EQ(words_of("#!/" + std::string(300, 'a') + "\n"), "ENOEXEC");
  const auto script = parse("#!/bin/sh " + std::string(300, 'a') + "\n");
  EXPECT_EQ((*script)->interpreter(), "/bin/sh");
  EXPECT_EQ((*script)->argument(), std::string(Script::kMostBytes - 1 - 10, 'a'));
}

RC_GTEST_PROP(Script, is_a_copy_of_parts_of_the_line, (const std::string& rest)) {
  const auto script = parse("#!" + rest);
  if (!script) return;
  const auto line = rest.substr(0, rest.find_first_of(std::string("\n\0", 2)));
  RC_ASSERT(line.find((*script)->interpreter()) != std::string::npos);
  RC_ASSERT(line.find((*script)->argument()) != std::string::npos);
  RC_ASSERT((*script)->interpreter().find_first_of(" \t") == std::string_view::npos);
}

}  // namespace
}  // namespace fb::libos::posix::exec
