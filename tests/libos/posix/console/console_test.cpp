#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "libos/posix/console/input.hpp"
#include "libos/posix/console/streams.hpp"
#include "tests/libos/posix/vfs/script.hpp"

namespace fb::libos::posix::console {
namespace {

using namespace std::string_literals;
using vfs::test::Script;

struct Line {
  void put(std::string_view text) { bytes.append(text); }
  std::string bytes;
};

std::string input_line(std::string_view bytes) {
  std::string line;
  for (const char byte : bytes) line.append(byte == kEscape ? 2 : 1, byte);
  return line;
}

Answer<std::string> read(Input& input, std::size_t count, vfs::Waiter& waiter, bool block = true) {
  std::string text(count, '?');
  vfs::BytesOutput out(std::as_writable_bytes(std::span(text)));
  FB_ASSIGN(const std::size_t done, input.read(out, count, waiter, block));
  text.resize(done);
  return text;
}

TEST(StreamWriter, names_a_stream_when_it_changes_and_doubles_the_escape) {
  Line line;
  StreamWriter writer(line);
  writer.put(Stream::Output, "one\n");
  writer.put(Stream::Error, "");
  writer.put(Stream::Error, "two\x10\x10");
  writer.put(Stream::Error, "three");
  writer.put(Stream::Output, "\x10");
  writer.put(Stream::Files, std::string_view("\0\xff", 2));
  EXPECT_EQ(line.bytes,
            "one\n\x10"s
            "2two\x10\x10\x10\x10"
            "three\x10"
            "1\x10\x10\x10"
            "3\0\xff"s);
}

TEST(StreamReader, tells_the_size_and_passes_over_what_it_does_not_know) {
  StreamReader reader;
  std::string bytes;
  for (const char byte : "a\x10w\x18\0\x10\1b\x10?c\x10\x10"s) {
    if (const auto came = reader.take(byte)) bytes.push_back(*came);
  }
  EXPECT_EQ(bytes, "abc\x10");
  ASSERT_TRUE(reader.size());
  EXPECT_EQ(reader.size()->rows, 24);
  EXPECT_EQ(reader.size()->columns, 0x110);
  EXPECT_FALSE(reader.ended());
}

TEST(ConsoleInput, reading_waits_for_the_first_byte_and_ends_at_the_end) {
  Input input;
  input.begin(true);
  Script waiter({[&] { input.feed("ab"); },
                 [&] {
                   input.feed(
                       "c\x10"
                       "e");
                 }});
  EXPECT_EQ(read(input, 10, waiter).value(), "ab") << "what is there, not more";
  EXPECT_EQ(read(input, 10, waiter).value(), "c");
  EXPECT_EQ(read(input, 10, waiter).value(), "") << "the end stays";
  EXPECT_EQ(read(input, 10, waiter, false).value(), "");
  EXPECT_TRUE(input.readable());
  EXPECT_EQ(waiter.waits, 2);
}

TEST(ConsoleInput, without_waiting_there_is_nothing_yet) {
  Input input;
  input.begin(true);
  Script waiter;
  EXPECT_FALSE(input.readable());
  EXPECT_EQ(read(input, 1, waiter, false).error(), Errno::TryAgain);
  EXPECT_EQ(read(input, 0, waiter, false).value(), "");
  EXPECT_EQ(read(input, 1, waiter).error(), Errno::Restart) << "a signal";
}

TEST(ConsoleInput, memory_that_is_not_there_takes_nothing) {
  Input input;
  input.begin(false);
  input.feed("abc");
  Script waiter;
  std::array<std::byte, 1> small;
  vfs::BytesOutput out(small);
  EXPECT_EQ(input.read(out, 3, waiter, true).error(), Errno::Fault);
  EXPECT_EQ(read(input, 3, waiter).value(), "abc");
}

TEST(ConsoleInput, as_it_is_there_are_no_escapes_and_no_end) {
  Input input;
  input.begin(false);
  input.feed(
      "\x10"
      "e\x10");
  Script waiter;
  EXPECT_EQ(read(input, 9, waiter).value(),
            "\x10"
            "e\x10");
  EXPECT_FALSE(input.ended());
}

RC_GTEST_PROP(ConsoleInput, all_bytes_come_through_in_order_however_they_are_cut, ()) {
  const auto sent = *rc::gen::container<std::string>(rc::gen::element<char>('\0', 'a', kEscape, 'e', '\xff'));
  const std::string line = input_line(sent) +
                           "\x10"
                           "e"
                           "behind the end";
  Input input;
  input.begin(true);
  Script never;
  std::string got;
  for (std::size_t at = 0; at < line.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 100);
    RC_ASSERT(input.room() >= 100U);
    input.feed(std::string_view(line).substr(at, size));
    at += size;
    while (input.readable() && !input.ended()) {
      got += read(input, *rc::gen::inRange<std::size_t>(1, 50), never).value();
    }
  }
  for (std::string more; !(more = read(input, 7, never).value()).empty();) got += more;
  RC_ASSERT(got == sent);
}

RC_GTEST_PROP(ConsoleInput, too_much_is_dropped_and_nothing_breaks, (const std::string& bytes)) {
  Input input;
  input.begin(true);
  for (int i = 0; i != 200; ++i) input.feed(bytes);
  RC_ASSERT(input.room() <= 4096U);
}

}  // namespace
}  // namespace fb::libos::posix::console
