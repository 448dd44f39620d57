#include "libos/rt/port_state.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <thread>

namespace fb::libos::rt {
namespace {

using core::Error;

struct Sides {
  std::unique_ptr<PortState> state = std::make_unique<PortState>();
  bool wake{};

  std::size_t write(std::string_view text) {
    auto words = request_words(PortCall::Write, pack(text), text.size());
    EXPECT_EQ(state->answer_call(words, wake), 0u);
    return words.w[0];
  }
  std::string read(std::size_t count) {
    auto words = request_words(PortCall::Read, {}, count);
    EXPECT_EQ(state->answer_call(words, wake), 0u);
    std::string text(words.w[0], '\0');
    unpack(payload_of(words), text);
    return text;
  }
  std::string taken(std::size_t count = 10'000) {
    std::string text(count, '\0');
    text.resize(state->take_output(text));
    return text;
  }
};

TEST(PortState, output_arrives_in_order) {
  Sides sides;
  EXPECT_EQ(sides.write("hello, "), 7u);
  EXPECT_TRUE(sides.wake);
  EXPECT_EQ(sides.write("world"), 5u);
  EXPECT_EQ(sides.taken(), "hello, world");
  EXPECT_EQ(sides.taken(), "");
}

TEST(PortState, full_output_takes_a_part_and_says_so_once) {
  Sides sides;
  std::size_t total = 0;
  while (const std::size_t taken = sides.write(std::string(40, 'x'))) total += taken;
  EXPECT_EQ(total, 4096u);
  EXPECT_EQ(sides.taken(100).size(), 100u);
  EXPECT_TRUE(sides.state->take_full());
  EXPECT_FALSE(sides.state->take_full());
  EXPECT_EQ(sides.write(std::string(40, 'x')), 40u);
}

TEST(PortState, input_is_bounded_and_read_in_pieces) {
  Sides sides;
  for (int i = 0; i != 1024; ++i) EXPECT_TRUE(sides.state->give_input(static_cast<char>('a' + i % 26)));
  EXPECT_FALSE(sides.state->give_input('!'));
  EXPECT_EQ(sides.read(3), "abc");
  EXPECT_EQ(sides.read(40), "defghijklmnopqrstuvwxyzabcdefghijklmnopq");
  EXPECT_EQ(sides.read(255).size(), 40u);  // never more than the words hold
}

TEST(PortState, read_after_full_input_wakes_the_owner_once) {
  Sides sides;
  while (sides.state->give_input('x')) {
  }
  EXPECT_EQ(sides.read(1), "x");
  EXPECT_TRUE(std::exchange(sides.wake, false));
  EXPECT_EQ(sides.read(1), "x");
  EXPECT_FALSE(sides.wake);
}

TEST(PortState, one_request_at_a_time_and_its_answer_once) {
  Sides sides;
  auto request = request_words(PortCall::Request, {7, 8, 9, 10, 11});
  EXPECT_EQ(sides.state->answer_call(request, sides.wake), 0u);
  EXPECT_TRUE(sides.wake);
  auto again = request_words(PortCall::Request, {1});
  EXPECT_EQ(sides.state->answer_call(again, sides.wake), static_cast<std::uint64_t>(Error::Busy));
  auto early = request_words(PortCall::Answer, {});
  EXPECT_EQ(sides.state->answer_call(early, sides.wake), 0u);
  EXPECT_EQ(early.w[0], 0u);
  EXPECT_EQ(sides.state->request(), (Payload{7, 8, 9, 10, 11}));
  EXPECT_FALSE(sides.state->request());
  EXPECT_EQ(sides.state->answer_call(again, sides.wake), static_cast<std::uint64_t>(Error::Busy));
  sides.state->give_answer({0, 1, 2, 3, 4});
  auto answer = request_words(PortCall::Answer, {});
  EXPECT_EQ(sides.state->answer_call(answer, sides.wake), 0u);
  EXPECT_EQ(answer.w[0], 1u);
  EXPECT_EQ(payload_of(answer), (Payload{0, 1, 2, 3, 4}));
  auto twice = request_words(PortCall::Answer, {});
  EXPECT_EQ(sides.state->answer_call(twice, sides.wake), 0u);
  EXPECT_EQ(twice.w[0], 0u);
}

TEST(PortState, exit_status_is_kept) {
  Sides sides;
  EXPECT_FALSE(sides.state->exit_status());
  auto words = request_words(PortCall::Exit, {static_cast<std::uint64_t>(static_cast<unsigned>(-3))});
  EXPECT_EQ(sides.state->answer_call(words, sides.wake), 0u);
  EXPECT_EQ(sides.state->exit_status(), -3);
}

TEST(PortState, unknown_calls_are_refused_and_leak_nothing) {
  Sides sides;
  abi::Words words{};
  words.w[0] = 99;
  words.header = 0xff;  // would make the reply take handles of ours along
  EXPECT_EQ(sides.state->answer_call(words, sides.wake), static_cast<std::uint64_t>(Error::BadCall));
  EXPECT_EQ(words.header, 0u);
  EXPECT_FALSE(sides.wake);
}

RC_GTEST_PROP(PortState, agrees_with_two_queues, ()) {
  Sides sides;
  std::deque<char> output, input;
  for (int step = *rc::gen::inRange(1, 300); step != 0; --step) {
    const auto size = *rc::gen::inRange<std::size_t>(0, 41);
    std::string text(size, static_cast<char>('0' + step % 10));
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {
        const std::size_t taken = sides.write(text);
        RC_ASSERT(taken == std::min(size, 4096 - output.size()));
        output.insert(output.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(taken));
        break;
      }
      case 1: {
        const std::string got = sides.taken(size);
        RC_ASSERT(got.size() == std::min(size, output.size()));
        for (const char c : got) {
          RC_ASSERT(c == output.front());
          output.pop_front();
        }
        break;
      }
      case 2:
        for (const char c : text) {
          const bool room = input.size() != 1024;
          RC_ASSERT(sides.state->give_input(c) == room);
          if (room) input.push_back(c);
        }
        break;
      default:
        for (const char c : sides.read(size)) {
          RC_ASSERT(c == input.front());
          input.pop_front();
        }
    }
  }
}

TEST(PortState, two_threads_lose_no_byte_and_no_request) {
  Sides sides;
  constexpr std::uint64_t kBytes = 60'000, kRequests = 2'000;
  std::thread client([&] {
    bool wake = false;
    std::uint64_t sent = 0, asked = 0, answered = 0;
    while (sent != kBytes || answered != kRequests) {
      if (sent != kBytes) {
        const char byte = static_cast<char>(sent % 251);
        auto words = request_words(PortCall::Write, pack({&byte, 1}), 1);
        ASSERT_EQ(sides.state->answer_call(words, wake), 0u);
        sent += words.w[0];
      }
      if (asked == answered && asked != kRequests) {
        auto words = request_words(PortCall::Request, {asked, asked + 1, asked + 2});
        ASSERT_EQ(sides.state->answer_call(words, wake), 0u);
        ++asked;
      } else if (asked != answered) {
        auto words = request_words(PortCall::Answer, {});
        ASSERT_EQ(sides.state->answer_call(words, wake), 0u);
        if (words.w[0] != 1) std::this_thread::yield();
        if (words.w[0] != 1) continue;
        ASSERT_EQ(words.w[2], 3 * answered);
        ++answered;
      }
    }
  });
  std::uint64_t received = 0, served = 0;
  while (received != kBytes || served != kRequests) {
    for (const char c : sides.taken(64)) ASSERT_EQ(c, static_cast<char>(received++ % 251));
    if (const auto request = sides.state->request()) {
      ASSERT_EQ((*request)[1], served + 1);
      sides.state->give_answer({0, 3 * (*request)[0]});
      ++served;
    } else {
      std::this_thread::yield();
    }
  }
  client.join();
}

}  // namespace
}  // namespace fb::libos::rt
