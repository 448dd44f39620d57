#include "tests/libos/posix/socket/support.hpp"

namespace fb::libos::posix::socket::test {
namespace {

struct Options : Sockets {
  template <class T>
  Errno set(Socket& socket, std::uint32_t name, const T& value) {
    return error_of(socket.set_option(name, std::as_bytes(std::span(&value, 1))));
  }
  std::int32_t get(Socket& socket, std::uint32_t name) {
    const auto value = socket.option(name).value();
    std::int32_t number = 0;
    __builtin_memcpy(&number, value.bytes.data(), sizeof number);
    return number;
  }
};

TEST_F(Options, tell_what_a_socket_is_C4_17) {
  const auto packets = make(Type::SequencedPacket);
  EXPECT_EQ(get(*packets, option::kType), 5);
  EXPECT_EQ(get(*packets, option::kDomain), 1);
  EXPECT_EQ(get(*packets, option::kProtocol), 0);
  EXPECT_EQ(get(*packets, option::kAccepts), 0);
  EXPECT_EQ(get(*listener(Type::Stream, "/l"), option::kAccepts), 1);
  EXPECT_EQ(set(*packets, option::kType, 1), Errno::NoProtocolOption);
  EXPECT_EQ(packets->option(9999).error(), Errno::NoProtocolOption);
  EXPECT_EQ(set(*packets, 9999, 1), Errno::NoProtocolOption);
  EXPECT_EQ(set(*packets, option::kReuseAddress, std::int16_t{1}), Errno::Invalid);
  EXPECT_EQ(set(*packets, option::kReuseAddress, 7), Errno{});
  EXPECT_EQ(get(*packets, option::kReuseAddress), 1);
  EXPECT_EQ(get(*packets, option::kKeepAlive), 0);
}

TEST_F(Options, errors_are_told_once_C4_17) {
  auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "unread").has_value());
  ends.second.reset();
  EXPECT_EQ(get(*ends.first, option::kError), static_cast<int>(Errno::ConnectionReset));
  EXPECT_EQ(get(*ends.first, option::kError), 0);
}

TEST_F(Options, a_buffer_is_twice_what_is_asked_between_bounds_C4_17) {
  const auto ends = pair(Type::Stream);
  Socket& a = *ends.first;
  EXPECT_EQ(get(a, option::kSendBuffer), 212'992);
  EXPECT_EQ(set(a, option::kSendBuffer, 10'000), Errno{});
  EXPECT_EQ(get(a, option::kSendBuffer), 20'000);
  EXPECT_EQ(set(a, option::kSendBuffer, 1), Errno{});
  EXPECT_EQ(get(a, option::kSendBuffer), 4608);
  EXPECT_EQ(set(a, option::kReceiveBuffer, 1), Errno{});
  EXPECT_EQ(get(a, option::kReceiveBuffer), 2304);
  const auto small = send(a, std::string(100'000, 'x'), {.flags = message::kDontWait}).value();
  EXPECT_LE(small, 4608U * 2);
  EXPECT_EQ(set(a, option::kSendBuffer, -1), Errno{});
  EXPECT_EQ(get(a, option::kSendBuffer), 425'984);
  EXPECT_GT(send(a, std::string(500'000, 'x'), {.flags = message::kDontWait}).value(), 300'000U);
}

TEST_F(Options, a_timeout_ends_a_wait_with_EAGAIN_C4_17) {
  const auto ends = pair(Type::Stream);
  Socket& a = *ends.first;
  EXPECT_EQ(set(a, option::kReceiveTimeout, Timeval{2, 500'000}), Errno{});
  const auto told = a.option(option::kReceiveTimeout).value();
  Timeval back{};
  __builtin_memcpy(&back, told.bytes.data(), sizeof back);
  EXPECT_EQ(back.seconds, 2);
  EXPECT_EQ(back.microseconds, 500'000);
  Script late;
  Script passes({[&] { passes.time = core::Nanoseconds(2'500'000'000); }});
  EXPECT_EQ(receive(a, 1, 0, passes).error(), Errno::TryAgain);
  EXPECT_EQ(passes.waits, 1);
  EXPECT_EQ(receive(a).error(), Errno::Interrupted) << "a wait with a timeout is not begun anew";
  EXPECT_EQ(set(a, option::kReceiveTimeout, Timeval{0, 1'000'000}), Errno::Domain);
  EXPECT_EQ(set(a, option::kReceiveTimeout, Timeval{0, -1}), Errno::Domain);
  EXPECT_EQ(set(a, option::kReceiveTimeout, std::int64_t{5}), Errno::Invalid);
  EXPECT_EQ(set(a, option::kReceiveTimeout, Timeval{-1, 0}), Errno{});
  EXPECT_EQ(receive(a).error(), Errno::TryAgain);
  EXPECT_EQ(set(a, option::kReceiveTimeout, Timeval{0, 0}), Errno{});
  EXPECT_EQ(receive(a).error(), Errno::Restart);
  EXPECT_EQ(set(a, option::kSendTimeout, Timeval{1, 0}), Errno{});
  const std::string big(500'000, 'x');
  Script full({[&] { full.time = core::Nanoseconds(1'000'000'000); }});
  EXPECT_GT(send(a, big, {}, full).value(), 0U);
  EXPECT_EQ(full.waits, 1);
}

TEST_F(Options, credentials_come_where_they_are_asked_for_C4_17) {
  const auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "before").has_value());
  EXPECT_EQ(set(*ends.second, option::kPassCredentials, 1), Errno{});
  EXPECT_TRUE(send(*ends.first, "one", {.who = kOne}).has_value());
  EXPECT_TRUE(send(*ends.first, "uno", {.who = kOne}).has_value());
  EXPECT_TRUE(send(*ends.first, "two", {.who = kTwo}).has_value());
  const auto before = receive(*ends.second).value();
  EXPECT_EQ(before.text, "before");
  EXPECT_EQ(before.told.who->uid, kOverflowId) << "nobody had asked";
  const auto first = receive(*ends.second).value();
  EXPECT_EQ(first.text, "oneuno") << "bytes of others are not mixed in";
  EXPECT_EQ(first.told.who->pid, kOne.pid);
  EXPECT_EQ(receive(*ends.second).value().told.who->uid, kTwo.uid);
  EXPECT_TRUE(send(*ends.second, "back").has_value());
  EXPECT_FALSE(receive(*ends.first).value().told.who.has_value());
}

TEST_F(Options, who_wants_credentials_gets_a_name_when_it_sends_C4_17) {
  const auto server = make(Type::Datagram), client = make(Type::Datagram);
  EXPECT_EQ(bind(*server, "/s"), Errno{});
  EXPECT_EQ(set(*client, option::kPassCredentials, 1), Errno{});
  EXPECT_EQ(send(*client, "x", {.to = address("/s")}).value(), 1U);
  EXPECT_EQ(receive(*server).value().from().size(), 6U);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
