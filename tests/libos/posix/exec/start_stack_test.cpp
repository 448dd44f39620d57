#include "libos/posix/exec/start_stack.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace fb::libos::posix::exec {
namespace {

constexpr std::uint64_t kTop = 0x7fff'ffff'e000;
constexpr std::size_t kMost = 1 << 20;

std::array<std::byte, 16> some_random() {
  std::array<std::byte, 16> random{};
  for (std::size_t i = 0; i < random.size(); ++i) random.at(i) = static_cast<std::byte>(i + 1);
  return random;
}

/// Reads a stack as a program would: by addresses.
class Reader {
 public:
  explicit Reader(const StartStack& stack) : stack_(stack), at_(stack.pointer) {}
  std::uint64_t word() {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes(at_, sizeof value), sizeof value);
    at_ += sizeof value;
    return value;
  }
  const char* bytes(std::uint64_t address, std::size_t size) {
    EXPECT_GE(address, stack_.pointer);
    EXPECT_LE(address + size, kTop);
    return reinterpret_cast<const char*>(stack_.bytes.begin()) + (address - stack_.pointer);
  }
  std::vector<std::string> list() {
    std::vector<std::string> texts;
    while (const auto address = word()) texts.emplace_back(bytes(address, 1));
    return texts;
  }
  std::map<std::uint64_t, std::uint64_t> auxiliary() {
    std::map<std::uint64_t, std::uint64_t> values;
    while (const auto what = word()) EXPECT_TRUE(values.emplace(what, word()).second);
    return values;
  }

 private:
  const StartStack& stack_;
  std::uint64_t at_;
};

Answer<StartStack> make(std::span<const std::string_view> arguments,
                        std::span<const std::string_view> environment, std::size_t most = kMost) {
  static constexpr std::array<AuxEntry, 2> kValues{AuxEntry{Aux::PageSize, 4096},
                                                   AuxEntry{Aux::Entry, 0x401000}};
  return make_start_stack(kTop, most, {arguments, environment, "/bin/sh"}, kValues, some_random());
}

TEST(StartStack, has_arguments_environment_and_auxiliary_vector_C4_02) {
  const std::array<std::string_view, 3> arguments{"sh", "-c", ""};
  const std::array<std::string_view, 1> environment{"PATH=/bin"};
  const auto stack = make(arguments, environment);
  ASSERT_TRUE(stack.has_value());
  EXPECT_EQ(stack->pointer % 16, 0U);
  EXPECT_EQ(stack->pointer + stack->bytes.size(), kTop);
  Reader reader(*stack);
  EXPECT_EQ(reader.word(), 3U);
  EXPECT_EQ(reader.list(), (std::vector<std::string>{"sh", "-c", ""}));
  EXPECT_EQ(reader.list(), std::vector<std::string>{"PATH=/bin"});
  auto values = reader.auxiliary();
  EXPECT_EQ(values[6], 4096U);
  EXPECT_EQ(values[9], 0x401000U);
  EXPECT_STREQ(reader.bytes(values[31], 8), "/bin/sh");
  EXPECT_STREQ(reader.bytes(values[15], 7), "x86_64");
  const auto random = some_random();
  EXPECT_EQ(std::memcmp(reader.bytes(values[25], 16), random.data(), 16), 0);
  EXPECT_EQ(values.size(), 5U);
}

TEST(StartStack, tells_where_its_texts_and_vector_are_C4_02) {
  const std::array<std::string_view, 2> arguments{"sh", "-c"}, environment{"A=b", "C=d"};
  const auto stack = make(arguments, environment).value();
  Reader reader(stack);
  EXPECT_EQ(std::string_view(reader.bytes(stack.arguments, 6), 6), std::string_view("sh\0-c\0", 6));
  EXPECT_EQ(stack.environment, stack.arguments + 6);
  EXPECT_EQ(std::string_view(reader.bytes(stack.environment, 8), 8), std::string_view("A=b\0C=d\0", 8));
  EXPECT_EQ(stack.environment_end, stack.environment + 8);
  std::uint64_t words[2];
  std::memcpy(words, reader.bytes(stack.auxiliary, 16), 16);
  EXPECT_EQ(words[0], static_cast<std::uint64_t>(Aux::PageSize));
  EXPECT_EQ(words[1], 4096U);
  std::memcpy(words, reader.bytes(stack.auxiliary_end - 16, 16), 16);
  EXPECT_EQ(words[0], static_cast<std::uint64_t>(Aux::End));
  const auto none = make(arguments, {}).value();
  EXPECT_EQ(none.environment, none.arguments + 6);
  EXPECT_EQ(none.environment_end, none.environment);
}

TEST(StartStack, has_one_empty_argument_where_there_is_none) {
  const auto stack = make({}, {});
  ASSERT_TRUE(stack.has_value());
  Reader reader(*stack);
  EXPECT_EQ(reader.word(), 1U);
  EXPECT_EQ(reader.list(), std::vector<std::string>{""});
}

TEST(StartStack, is_refused_when_it_would_be_too_large_C4_02) {
  const std::string longest(kMaxText - 1, 'x');
  const std::string longer(kMaxText, 'x');
  const std::array<std::string_view, 1> fits{longest};
  const std::array<std::string_view, 1> too_long{longer};
  EXPECT_TRUE(make(fits, {}).has_value());
  EXPECT_EQ(make(too_long, {}).error(), Errno::ArgumentsTooLong);
  EXPECT_EQ(make(fits, {}, kMaxText).error(), Errno::ArgumentsTooLong);
  const std::vector<std::string_view> many(100'000, "a");
  EXPECT_EQ(make(many, {}, 256 * 1024).error(), Errno::ArgumentsTooLong);
}

RC_GTEST_PROP(StartStack, gives_back_what_was_put_in_C4_02,
              (const std::vector<std::string>& arguments, const std::vector<std::string>& environment)) {
  const auto texts = [](const std::vector<std::string>& from) {
    std::vector<std::string> cut;
    for (const auto& text : from) cut.push_back(text.substr(0, text.find('\0')));
    return cut;
  };
  const auto given = texts(arguments);
  const auto variables = texts(environment);
  const auto stack = make(std::vector<std::string_view>(given.begin(), given.end()),
                          std::vector<std::string_view>(variables.begin(), variables.end()));
  RC_ASSERT(stack.has_value());
  Reader reader(*stack);
  RC_ASSERT(reader.word() == (given.empty() ? 1 : given.size()));
  RC_ASSERT(reader.list() == (given.empty() ? std::vector<std::string>{""} : given));
  RC_ASSERT(reader.list() == variables);
  RC_ASSERT(reader.auxiliary().size() == 5U);
}

}  // namespace
}  // namespace fb::libos::posix::exec
