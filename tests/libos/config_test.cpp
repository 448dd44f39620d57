#include "libos/root/config.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fb::libos::root {
namespace {

using core::cap::Authority;
using core::cap::ceiling;
using core::cap::Zone;

/// "line: message: word", or "" for no error.
std::string error(std::string_view text) {
  const auto config = Config::parse(text);
  if (config) return "";
  return std::to_string(config.error().line) + ": " + std::string(config.error().message) + ": " +
         std::string(config.error().word);
}

TEST(BootConfig, reads_every_key) {
  const auto config = Config::parse(
      "# a comment\n"
      "\n"
      "instance main image=native pages=0x100 slots=8 cpus=0x3 authorities=libos restart=always console=yes "
      "control=yes archive=yes files=a.cpio,b.cpio args=\"one  two # three\" # and a comment\r\n"
      "\tinstance\tworker\timage=spin authorities=file_read,PROCESS_CREATE restart=3");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->count, 2u);
  const InstanceConfig& main = config->instances[0];
  EXPECT_EQ(main.name, "main");
  EXPECT_EQ(main.image, "native");
  EXPECT_EQ(main.pages.raw(), 256u);
  EXPECT_EQ(main.slots, 8u);
  EXPECT_EQ(main.cpus, 3u);
  EXPECT_EQ(main.authorities, ceiling(Zone::Libos));
  EXPECT_EQ(main.restarts, kAlways);
  EXPECT_TRUE(main.console && main.control && main.archive);
  EXPECT_EQ(main.arguments, "one  two # three");
  EXPECT_EQ(main.files, "a.cpio,b.cpio");
  const InstanceConfig& worker = config->instances[1];
  EXPECT_EQ(worker.authorities, Authority::FileRead | Authority::ProcessCreate);
  EXPECT_EQ(worker.restarts, 3u);
  EXPECT_FALSE(worker.console || worker.control || worker.archive);
}

TEST(BootConfig, default_gives_the_least) {
  const auto config = Config::parse("instance a image=b");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->instances[0].authorities, ceiling(Zone::User));
  EXPECT_EQ(config->instances[0].restarts, 0u);
  EXPECT_FALSE(config->instances[0].control);
}

TEST(BootConfig, an_instance_may_have_the_rest_of_the_memory_and_its_command_from_a_file) {
  const auto config =
      Config::parse("instance a image=b pages=rest command=file\ninstance c image=d command=words");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->instances[0].pages, kRestOfMemory);
  EXPECT_TRUE(config->instances[0].command_file);
  EXPECT_FALSE(config->instances[1].command_file);
  EXPECT_EQ(error("instance a image=b command=both"), "1: command must be words or file: both");
}

TEST(BootConfig, errors_say_the_line_and_the_word) {
  EXPECT_EQ(error(""), "0: there is no instance in it: ");
  EXPECT_EQ(error("# only\n\n"), "0: there is no instance in it: ");
  EXPECT_EQ(error("\nfoo bar"), "2: a line begins with instance: foo");
  EXPECT_EQ(error("instance"), "1: instance needs a name of at most 23 letters, digits, - and _: ");
  EXPECT_EQ(error("instance a/b image=c"),
            "1: instance needs a name of at most 23 letters, digits, - and _: ");
  EXPECT_EQ(error("instance a"), "1: image= is missing: a");
  EXPECT_EQ(error("instance a image=b\ninstance a image=b"),
            "2: there is an instance of this name already: a");
  EXPECT_EQ(error("instance a image=b colour=red"), "1: unknown key: colour");
  EXPECT_EQ(error("instance a image=b image=c"), "1: the key is there twice: image");
  EXPECT_EQ(error("instance a image=b slots=64"), "1: slots must be 1 to 63: 64");
  EXPECT_EQ(error("instance a image=b pages=0"), "1: pages must be rest or 1 to 2147483648: 0");
  EXPECT_EQ(error("instance a image=b console=maybe"), "1: the value must be yes or no: maybe");
  EXPECT_EQ(error("instance a image=b restart=often"), "1: restart must be never, always or a number: often");
  EXPECT_EQ(error("instance a image=b cpus=0"), "1: cpus must be all or a mask like 0x3: 0");
  EXPECT_EQ(error("instance a image=b args=\"x"), "1: a quote is not closed: ");
  EXPECT_EQ(error("instance a image=b args=\"x\"y"), "1: a blank must follow a quoted value: ");
  EXPECT_EQ(error("instance a image=b authorities=user,"),
            "1: authorities are user, libos, kernel, none, or names like process_create: user,");
  EXPECT_EQ(error("instance a image=b files=" + std::string(128, 'x')).substr(0, 40),
            "1: files is longer than 127 characters: ");
  for (const auto* const files : {"\"\"", ",", "a,", ",a", "a,,b"})
    EXPECT_EQ(error(std::string("instance a image=b files=") + files).substr(0, 42),
              "1: files must be names with commas between");
  EXPECT_EQ(error("instance a image=b args=" + std::string(256, 'x')).substr(0, 39),
            "1: args is longer than 255 characters: ");
}

TEST(BootConfig, refuses_more_instances_than_there_is_room_for) {
  std::string text;
  for (int i = 0; i != 16; ++i) text += "instance i" + std::to_string(i) + " image=x\n";
  EXPECT_EQ(error(text), "");
  EXPECT_EQ(error(text + "instance more image=x"), "17: there are more than 16 instances: more");
}

TEST(BootConfig, name_of_the_longest_kind) {
  EXPECT_EQ(error("instance " + std::string(23, 'n') + " image=x"), "");
  EXPECT_NE(error("instance " + std::string(24, 'n') + " image=x"), "");
}

TEST(BootConfig, shipped_configurations_are_correct) {
  for (const char* name : {"libos/root/boot.conf", "libos/root/native.conf", "libos/root/test.conf"}) {
    std::ifstream file(name);
    std::stringstream text;
    text << file.rdbuf();
    ASSERT_FALSE(text.str().empty()) << name;
    EXPECT_EQ(error(text.str()), "") << name;
  }
}

TEST(CommandLine, finds_its_own_words_among_the_kernels) {
  const auto plain = CommandLine::parse("debug loglevel=3");
  EXPECT_EQ(plain.config, "boot.conf");
  EXPECT_FALSE(plain.has_command);
  const auto line = CommandLine::parse("debug config=test.conf -- hello a  b config=no --");
  EXPECT_EQ(line.config, "test.conf");
  EXPECT_TRUE(line.has_command);
  EXPECT_EQ(line.command, "hello a  b config=no --");
  EXPECT_TRUE(line.command_file.empty());
  EXPECT_TRUE(CommandLine::parse("--").has_command);
  EXPECT_EQ(CommandLine::parse("command=what").command_file, "what");
  EXPECT_TRUE(CommandLine::parse("command=what").has_command);
}

RC_GTEST_PROP(BootConfig, what_is_written_is_read, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, kMaxInstances + 1);
  std::string text;
  std::vector<InstanceConfig> expected(count);
  for (std::size_t i = 0; i != count; ++i) {
    InstanceConfig& e = expected[i];
    e.pages = core::PageCount(*rc::gen::inRange<std::uint64_t>(1, 1 << 20));
    e.slots = *rc::gen::inRange<std::uint32_t>(1, 64);
    e.cpus = *rc::gen::inRange<std::uint64_t>(1, 65536);
    e.restarts = *rc::gen::element<std::uint32_t>(0, 1, 7, kAlways);
    e.console = *rc::gen::arbitrary<bool>();
    e.control = *rc::gen::arbitrary<bool>();
    const auto yes = [](bool flag) { return flag ? "yes" : "no"; };
    text += "instance n" + std::to_string(i) + " image=x pages=" + std::to_string(e.pages.raw()) +
            " slots=" + std::to_string(e.slots) + " cpus=" + std::to_string(e.cpus) +
            " restart=" + (e.restarts == kAlways ? "always" : std::to_string(e.restarts)) +
            " console=" + yes(e.console) + " control=" + yes(e.control) +
            (*rc::gen::arbitrary<bool>() ? " # end\n" : "\n");
  }
  const auto config = Config::parse(text);
  RC_ASSERT(config.has_value());
  RC_ASSERT(config->count == count);
  for (std::size_t i = 0; i != count; ++i) {
    const InstanceConfig& got = config->instances[i];
    RC_ASSERT(got.name == "n" + std::to_string(i));
    RC_ASSERT(got.pages == expected[i].pages && got.slots == expected[i].slots &&
              got.cpus == expected[i].cpus);
    RC_ASSERT(got.restarts == expected[i].restarts && got.console == expected[i].console);
    RC_ASSERT(got.control == expected[i].control);
  }
}

RC_GTEST_PROP(BootConfig, any_bytes_give_a_result, (const std::string& text)) {
  const auto config = Config::parse(text);
  if (config) RC_ASSERT(config->count != 0);
  static_cast<void>(CommandLine::parse(text));
}

}  // namespace
}  // namespace fb::libos::root
