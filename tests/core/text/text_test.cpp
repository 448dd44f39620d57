// core/text: what consoles print and what configuration lines say.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <charconv>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "core/text/buffer.hpp"
#include "core/text/parse.hpp"
#include "core/text/write.hpp"

namespace fb::core::text {
namespace {

struct StringSink {
  std::string text;
  void put(std::string_view piece) { text += piece; }
};

template <class... Ts>
std::string printed(const Ts&... values) {
  StringSink sink;
  print(sink, values...);
  return sink.text;
}

TEST(TextWrite, one_call_prints_values_of_many_types) {
  const char* const word = "word";
  const std::string_view view = "view";
  EXPECT_EQ(printed("cpus ", 4u, " at ", hex(VirtAddr(0x1000))), "cpus 4 at 0x0000000000001000");
  EXPECT_EQ(printed(word, ' ', view, ' ', true, false), "word view truefalse");
  EXPECT_EQ(printed(CpuId(3), PageCount(7)), "37");
  EXPECT_EQ(printed(std::uint8_t{200}, std::int8_t{-100}, 'x'), "200-100x");
  EXPECT_EQ(printed(""), "");
  EXPECT_EQ(printed(), "");
}

TEST(TextWrite, a_character_buffer_ends_at_its_nul) {
  char buffer[16] = "short";
  EXPECT_EQ(printed(buffer), "short");
}

TEST(TextWrite, extreme_numbers) {
  EXPECT_EQ(printed(0), "0");
  EXPECT_EQ(printed(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(printed(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(printed(std::numeric_limits<std::int32_t>::min()), "-2147483648");
  EXPECT_EQ(printed(hex(std::uint8_t{10}), hex(std::uint16_t{0xbeef}), hex(0u)), "0x0a0xbeef0x00000000");
  EXPECT_EQ(printed(hex(std::numeric_limits<std::uint64_t>::max())), "0xffffffffffffffff");
}

TEST(TextWrite, sizes_are_exact_in_the_largest_unit) {
  EXPECT_EQ(printed(units(ByteCount(0))), "0 B");
  EXPECT_EQ(printed(units(ByteCount(1023))), "1023 B");
  EXPECT_EQ(printed(units(ByteCount(1025))), "1025 B");
  EXPECT_EQ(printed(units(ByteCount(kPageSize))), "4 KiB");
  EXPECT_EQ(printed(units(ByteCount(1536u << 20))), "1536 MiB");
  EXPECT_EQ(printed(units(ByteCount(std::uint64_t{1} << 63))), "8388608 TiB");
}

TEST(TextWrite, a_buffer_keeps_what_fits_and_says_so) {
  char buffer[8];
  EXPECT_EQ(format_to(buffer, "abc", 12345), "abc12345");
  EXPECT_EQ(format_to(buffer, "abc", 123456), "abc12345");
  EXPECT_EQ(format_to(std::span<char>(), "abc"), "");
  BufferSink sink(buffer);
  sink.put("12345678");
  EXPECT_FALSE(sink.cut());
  sink.put("");
  EXPECT_FALSE(sink.cut());
  sink.put("9");
  EXPECT_TRUE(sink.cut());
  EXPECT_EQ(sink.text(), "12345678");
}

constexpr bool formats_at_compile_time() {
  char buffer[32]{};
  return format_to(buffer, "x=", -5, ' ', hex(std::uint8_t{255}), ' ', units(ByteCount(2048))) ==
         "x=-5 0xff 2 KiB";
}
static_assert(formats_at_compile_time());

RC_GTEST_PROP(TextWrite, numbers_print_as_the_standard_library_prints_them, (std::int64_t number)) {
  const auto raw = static_cast<std::uint64_t>(number) << *rc::gen::inRange(0, 64);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016lx", raw);
  RC_ASSERT(printed(number) == std::to_string(number));
  RC_ASSERT(printed(raw) == std::to_string(raw));
  RC_ASSERT(printed(hex(raw)) == std::string("0x") + digits);
  RC_ASSERT(*parse_number(printed(raw)) == raw);
  RC_ASSERT(*parse_number(printed(hex(raw))) == raw);
}

RC_GTEST_PROP(TextWrite, a_buffer_holds_the_longest_prefix_that_fits,
              (const std::vector<std::string>& pieces)) {
  std::string buffer(*rc::gen::inRange<std::size_t>(0, 40), '?');
  BufferSink sink(buffer);
  std::string all;
  for (const std::string& piece : pieces) {
    sink.put(piece);
    all += piece;
  }
  RC_ASSERT(sink.text() == all.substr(0, buffer.size()));
  RC_ASSERT(sink.cut() == (all.size() > buffer.size()));
}

Error refusal(Result<std::uint64_t> result) { return result.error_or(Error{}); }

TEST(TextParse, numbers_and_their_limits) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("007"), 7u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_decimal("00000000000000000000000018446744073709551615"),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(refusal(parse_decimal("18446744073709551616")), Error::BadArgument);
  EXPECT_EQ(refusal(parse_decimal("99999999999999999999999999")), Error::BadArgument);
  EXPECT_EQ(parse_hex("ffffffffffffffff"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_hex("0XdeadBEEF"), 0xdead'beefu);
  EXPECT_EQ(refusal(parse_hex("0x10000000000000000")), Error::BadArgument);
  EXPECT_EQ(parse_number("0x10"), 16u);
  EXPECT_EQ(parse_number("10"), 10u);
  EXPECT_EQ(parse_number("0"), 0u);
  static_assert(parse_number("0xff") == 255u);
}

TEST(TextParse, what_is_no_number_is_refused) {
  for (const std::string_view text :
       {"", " ", "-1", "+1", "1 ", " 1", "1a", "0x1", "/", ":", "\x10", "\xb1"}) {
    EXPECT_EQ(refusal(parse_decimal(text)), Error::BadFormat) << text;
  }
  for (const std::string_view text : {"", "0x", "0x0x1", "g", "G", "`", "@", "-1", "\x10", "\x01"}) {
    EXPECT_EQ(refusal(parse_hex(text)), Error::BadFormat) << text;
  }
  EXPECT_EQ(refusal(parse_number("x10")), Error::BadFormat);
  EXPECT_EQ(refusal(parse_number("0x")), Error::BadFormat);
  EXPECT_EQ(refusal(parse_decimal("99999999999999999999999x")), Error::BadFormat)
      << "the worse fault is told";
}

RC_GTEST_PROP(TextParse, agrees_with_from_chars, ()) {
  const auto base = *rc::gen::element(10u, 16u);
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('0', '1', '9', 'a', 'F', '5', '6', 'g', ' '));
  std::uint64_t value = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value, static_cast<int>(base));
  const auto parsed = parse_digits(text, base);
  const bool all = !text.empty() && end == text.data() + text.size();
  RC_ASSERT(parsed.has_value() == (all && code == std::errc{}));
  if (parsed) RC_ASSERT(*parsed == value);
  if (!parsed)
    RC_ASSERT((parsed.error() == Error::BadArgument) == (all && code == std::errc::result_out_of_range));
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string_view word : split_words(line)) words.emplace_back(word);
  return words;
}

TEST(TextWords, runs_between_blanks) {
  EXPECT_TRUE(words_of("").empty());
  EXPECT_TRUE(words_of(" \t\r\n").empty());
  EXPECT_EQ(words_of("one"), (std::vector<std::string>{"one"}));
  EXPECT_EQ(words_of("  map\t0x1000  rw\r\n"), (std::vector<std::string>{"map", "0x1000", "rw"}));
  auto word = split_words("echo  a b ").begin();
  EXPECT_EQ(*word, "echo");
  EXPECT_EQ(word.rest(), "  a b ");
  EXPECT_TRUE(split_words({}).begin() == Words::End{});
}

RC_GTEST_PROP(TextWords, agrees_with_a_stream, ()) {
  const auto line = *rc::gen::container<std::string>(rc::gen::element('a', ' ', '=', '\t', '\n', '\r', '\0'));
  std::istringstream stream(line);
  std::vector<std::string> model;
  for (std::string word; stream >> word;) model.push_back(word);
  RC_ASSERT(words_of(line) == model);
}

}  // namespace
}  // namespace fb::core::text
