#include "tests/libos/posix/socket/support.hpp"

namespace fb::libos::posix::socket::test {
namespace {

using namespace vfs::poll;

struct Datagrams : Sockets {};
struct Packets : Sockets {};

TEST_F(Datagrams, keep_their_boundaries_and_their_order_C4_17) {
  const auto ends = pair(Type::Datagram);
  EXPECT_EQ(send(*ends.first, "one").value(), 3U);
  EXPECT_EQ(send(*ends.first, "").value(), 0U);
  EXPECT_EQ(send(*ends.first, "three").value(), 5U);
  EXPECT_EQ(text(*ends.second), "one");
  EXPECT_EQ(text(*ends.second), "");
  const auto peeked = receive(*ends.second, 2, message::kPeek | message::kTruncated).value();
  EXPECT_EQ(peeked.text, "th");
  EXPECT_EQ(peeked.result, 5U);
  const auto cut = receive(*ends.second, 2).value();
  EXPECT_EQ(cut.text, "th");
  EXPECT_EQ(cut.result, 2U);
  EXPECT_TRUE(cut.told.truncated);
  EXPECT_EQ(receive(*ends.second, 9, message::kDontWait).error(), Errno::TryAgain) << "the rest is gone";
}

TEST_F(Datagrams, go_to_names_and_tell_where_they_came_from_C4_17) {
  const auto a = make(Type::Datagram), b = make(Type::Datagram), unnamed = make(Type::Datagram);
  EXPECT_EQ(bind(*a, "/a"), Errno{});
  EXPECT_EQ(bind(*b, std::string("\0b", 2)), Errno{});
  EXPECT_EQ(send(*a, "to b", {.to = address({"\0b", 2})}).value(), 4U);
  EXPECT_EQ(receive(*b).value().from(), "/a");
  EXPECT_EQ(send(*unnamed, "x", {.to = address("/a")}).value(), 1U);
  EXPECT_TRUE(receive(*a).value().told.from.none());
  EXPECT_EQ(send(*a, "x", {.to = address("/none")}).error(), Errno::NoEntry);
  EXPECT_EQ(send(*a, "x", {.to = address({"\0c", 2})}).error(), Errno::ConnectionRefused);
  EXPECT_EQ(send(*a, "x", {.to = "\1"}).error(), Errno::Invalid);
  EXPECT_EQ(send(*a, "x").error(), Errno::NotConnected);
  EXPECT_EQ(send(*a, std::string(300'000, 'x'), {.to = address("/a")}).error(), Errno::MessageTooLong);
  EXPECT_EQ(send(*a, "self", {.to = address("/a")}).value(), 4U);
  EXPECT_EQ(text(*a), "self");
}

TEST_F(Datagrams, a_connected_one_takes_from_its_peer_only_C4_17) {
  const auto server = make(Type::Datagram), client = make(Type::Datagram), other = make(Type::Datagram);
  EXPECT_EQ(bind(*server, "/s"), Errno{});
  EXPECT_EQ(bind(*client, "/c"), Errno{});
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  EXPECT_EQ(send(*server, "unasked", {.to = address("/c")}).value(), 7U) << "its peer is the server";
  EXPECT_EQ(send(*other, "x", {.to = address("/c")}).error(), Errno::Perm);
  EXPECT_EQ(connect(*other, "/c"), Errno::Perm);
  EXPECT_EQ(client->peer_name().value().name(), "/s");
  EXPECT_EQ(error_of(client->connect(std::as_bytes(std::span("\0", 2)), place(), kOne, none)), Errno{});
  EXPECT_EQ(client->peer_name().error(), Errno::NotConnected);
  EXPECT_EQ(receive(*client, 9, message::kDontWait).error(), Errno::TryAgain)
      << "lost when it was disconnected";
}

TEST_F(Datagrams, a_peer_that_has_gone_refuses_once_and_is_none_then_C4_17) {
  auto ends = pair(Type::Datagram);
  ends.second.reset();
  EXPECT_EQ(send(*ends.first, "x").error(), Errno::ConnectionRefused);
  EXPECT_EQ(send(*ends.first, "x").error(), Errno::NotConnected);
}

TEST_F(Datagrams, a_full_receiver_makes_senders_wait_C4_17) {
  const auto server = make(Type::Datagram), client = make(Type::Datagram);
  EXPECT_EQ(bind(*server, "/s"), Errno{});
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  client->endpoint().send_limit = 1 << 20;
  std::size_t count = 0;
  Errno why{};
  while (why == Errno{}) {
    why = error_of(send(*client, "x", {.flags = message::kDontWait}));
    if (why == Errno{}) ++count;
  }
  EXPECT_EQ(why, Errno::TryAgain);
  EXPECT_EQ(count, Endpoint::kDatagramsWaiting + 1);
  const auto polled = client->poll();
  EXPECT_EQ(polled.events & kOut, 0U);
  Script room({[&] { EXPECT_EQ(text(*server), "x"); }});
  EXPECT_TRUE(room.wait(*polled.queues[1]).has_value());
  EXPECT_EQ(room.woken, 1) << "who polls hears of the peer's room";
  EXPECT_EQ(client->poll().events & kOut, kOut);
  EXPECT_TRUE(send(*client, "x").has_value());
  Script waits({[&] { EXPECT_EQ(text(*server), "x"); }});
  EXPECT_TRUE(send(*client, "x", {}, waits).has_value());
  EXPECT_EQ(waits.woken, 1);
  EXPECT_EQ(client->poll().events & kOut, 0U) << "and leaves the peer when it closes";
}

TEST_F(Datagrams, the_receiver_goes_while_somebody_waits_for_room_C4_17) {
  auto server = make(Type::Datagram), client = make(Type::Datagram);
  EXPECT_EQ(bind(*server, "/s"), Errno{});
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  for (std::uint32_t i = 0; i <= Endpoint::kDatagramsWaiting; ++i)
    EXPECT_TRUE(send(*client, "x").has_value());
  Script gone({[&] { server.reset(); }});
  EXPECT_EQ(send(*client, "x", {}, gone).error(), Errno::ConnectionRefused);
  EXPECT_EQ(gone.woken, 1);
}

TEST_F(Datagrams, a_shut_receiver_is_EPIPE_and_reads_nothing_C4_17) {
  const auto ends = pair(Type::Datagram);
  EXPECT_TRUE(ends.second->shutdown(0).has_value());
  EXPECT_EQ(send(*ends.first, "x").error(), Errno::BrokenPipe);
  EXPECT_EQ(text(*ends.second), "");
  EXPECT_EQ(receive(*ends.second, 1, message::kDontWait).error(), Errno::TryAgain);
  EXPECT_FALSE(ends.first->signals_broken_pipe());
}

TEST_F(Datagrams, what_cannot_be_put_is_lost_as_in_linux_C4_17) {
  const auto ends = pair(Type::Datagram);
  EXPECT_TRUE(send(*ends.first, "lost").has_value());
  vfs::BytesOutput nowhere({});
  Incoming told;
  EXPECT_EQ(ends.second->receive(nowhere, 4, 0, told, none).error(), Errno::Fault);
  EXPECT_EQ(receive(*ends.second, 1, message::kDontWait).error(), Errno::TryAgain);
}

TEST_F(Packets, keep_boundaries_and_end_like_streams_C4_17) {
  auto ends = pair(Type::SequencedPacket);
  EXPECT_EQ(send(*ends.first, "one").value(), 3U);
  EXPECT_EQ(send(*ends.first, "two", {.to = address("/ignored")}).value(), 3U);
  EXPECT_EQ(text(*ends.second, 2), "on");
  EXPECT_EQ(text(*ends.second), "two");
  ends.first.reset();
  EXPECT_EQ(text(*ends.second), "");
  EXPECT_EQ(text(*ends.second, 9, message::kDontWait), "");
  EXPECT_EQ(send(*ends.second, "x").error(), Errno::BrokenPipe);
  const auto alone = make(Type::SequencedPacket);
  EXPECT_EQ(send(*alone, "x").error(), Errno::NotConnected);
  EXPECT_EQ(receive(*alone).error(), Errno::NotConnected);
}

TEST_F(Packets, unread_ones_reset_the_sender_C4_17) {
  auto ends = pair(Type::SequencedPacket);
  EXPECT_TRUE(send(*ends.first, "unread").has_value());
  ends.second.reset();
  EXPECT_EQ(send(*ends.first, "x").error(), Errno::ConnectionReset);
  EXPECT_EQ(send(*ends.first, "x").error(), Errno::BrokenPipe);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
