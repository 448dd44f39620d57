#include "tests/libos/posix/socket/support.hpp"
#include "tests/libos/posix/vfs/ioctl.hpp"

namespace fb::libos::posix::socket::test {
namespace {

using namespace vfs::poll;
constexpr std::uint32_t kInNow = kIn | kReadNormal, kOutNow = kOut | kWriteNormal | kPollWriteBand;

struct Streams : Sockets {
  Socket::Pair ends_ = pair(Type::Stream);
  Socket& a_ = *ends_.first;
  Socket& b_ = *ends_.second;
  std::uint32_t events(Socket& socket) { return socket.poll().events; }
};

TEST_F(Streams, bytes_come_out_as_they_went_and_boundaries_are_not_kept_C4_17) {
  EXPECT_EQ(send(a_, "hello").value(), 5U);
  EXPECT_EQ(send(a_, "world").value(), 5U);
  EXPECT_EQ(text(b_, 7), "hellowo");
  EXPECT_EQ(text(b_), "rld");
  EXPECT_EQ(send(b_, "back").value(), 4U);
  EXPECT_EQ(text(a_, 2, message::kPeek), "ba");
  EXPECT_EQ(text(a_, 9, message::kPeek), "back");
  EXPECT_EQ(text(a_), "back");
  EXPECT_EQ(none.waits, 0);
  EXPECT_EQ(receive(a_, 1).error(), Errno::Restart);
  EXPECT_EQ(receive(a_, 1, message::kDontWait).error(), Errno::TryAgain);
  EXPECT_EQ(receive(a_, 0, message::kDontWait).error(), Errno::TryAgain);
  EXPECT_EQ(send(a_, "").value(), 0U);
  EXPECT_EQ(a_.stat().mode, vfs::mode::kSocket | 0777);
  EXPECT_EQ(a_.seek(0, vfs::Whence::Set).error(), Errno::IllegalSeek);
}

TEST_F(Streams, a_file_of_it_reads_and_writes_C4_17) {
  const std::string word = "word";
  vfs::BytesInput in(raw(word));
  EXPECT_EQ(a_.write(in, 4, none).value(), 4U);
  std::array<std::byte, 9> room{};
  vfs::BytesOutput out(room);
  EXPECT_EQ(b_.read(out, 0, none).value(), 0U) << "nothing is waited for";
  EXPECT_EQ(b_.read(out, 9, none).value(), 4U);
  EXPECT_EQ(b_.read(out, 0, none).value(), 0U);
}

TEST_F(Streams, a_reader_waits_for_bytes_and_for_all_of_them_where_it_says_so_C4_17) {
  Script some(
      {[&] { EXPECT_TRUE(send(a_, "ab").has_value()); }, [&] { EXPECT_TRUE(send(a_, "cd").has_value()); }});
  EXPECT_EQ(receive(b_, 3, message::kWaitAll, some).value().text, "abc");
  EXPECT_EQ(some.woken, 2);
  EXPECT_EQ(receive(b_, 3, message::kWaitAll).value().text, "d") << "interrupted: what came counts";
  Script ends({[&] { EXPECT_TRUE(send(a_, "x").has_value()); }, [&] { ends_.first.reset(); }});
  EXPECT_EQ(receive(b_, 3, message::kWaitAll, ends).value().text, "x");
  EXPECT_EQ(text(b_), "");
}

TEST_F(Streams, a_writer_waits_for_room_and_counts_what_went_in_C4_17) {
  const std::string big(400'000, 'b');
  std::string got;
  Script script({[&] { got += text(b_, 300'000); }, [&] { got += text(b_, 300'000); }});
  EXPECT_EQ(send(a_, big, {}, script).value(), big.size());
  EXPECT_GE(script.woken, 1);
  got += text(b_, 400'000);
  EXPECT_EQ(got, big);
  const auto held = send(a_, big, {.flags = message::kDontWait}).value();
  EXPECT_LT(held, big.size());
  EXPECT_GE(held, std::size_t{Endpoint::kBuffer} * 3 / 4);
  EXPECT_EQ(send(a_, "x", {.flags = message::kDontWait}).error(), Errno::TryAgain);
  EXPECT_EQ(send(a_, "x").error(), Errno::Restart);
  EXPECT_EQ(events(a_), 0U);
  EXPECT_EQ(text(b_, 400'000).size(), held);
  EXPECT_EQ(events(a_), kOutNow);
}

TEST_F(Streams, poll_tells_what_can_be_done_and_wakes_C4_17) {
  EXPECT_EQ(events(a_), kOutNow);
  Script wakes({[&] { EXPECT_TRUE(send(b_, "x").has_value()); }});
  EXPECT_TRUE(wakes.wait(*a_.poll().queues[0]).has_value());
  EXPECT_EQ(wakes.woken, 1);
  EXPECT_EQ(events(a_), kInNow | kOutNow);
  EXPECT_TRUE(b_.shutdown(1).has_value());
  EXPECT_EQ(events(a_), kInNow | kOutNow | kReadHangUp);
  EXPECT_EQ(events(b_), kOutNow);
  ends_.second.reset();
  EXPECT_EQ(events(a_), kInNow | kOutNow | kReadHangUp | kHangUp);
  EXPECT_EQ(events(*make(Type::Stream)), kOutNow | kHangUp);
}

TEST_F(Streams, who_writes_to_nobody_gets_EPIPE_C4_17) {
  ends_.second.reset();
  EXPECT_EQ(send(a_, "x").error(), Errno::BrokenPipe);
  EXPECT_EQ(text(a_), "");
  EXPECT_TRUE(a_.signals_broken_pipe());
}

TEST_F(Streams, what_is_lost_unread_is_ECONNRESET_once_C4_17) {
  EXPECT_TRUE(send(a_, "unread").has_value());
  EXPECT_TRUE(send(b_, "read").has_value());
  ends_.second.reset();
  EXPECT_EQ(events(a_) & kError, kError);
  EXPECT_EQ(text(a_), "read") << "what came before is there";
  EXPECT_EQ(receive(a_).error(), Errno::ConnectionReset);
  EXPECT_EQ(text(a_), "");
}

TEST_F(Streams, shutdown_ends_one_direction_C4_17) {
  EXPECT_EQ(error_of(a_.shutdown(3)), Errno::Invalid);
  EXPECT_EQ(error_of(a_.shutdown(-1)), Errno::Invalid);
  EXPECT_TRUE(send(a_, "last").has_value());
  EXPECT_TRUE(a_.shutdown(1).has_value());
  EXPECT_EQ(send(a_, "x").error(), Errno::BrokenPipe);
  EXPECT_EQ(text(b_), "last");
  EXPECT_EQ(text(b_), "");
  EXPECT_EQ(send(b_, "still").value(), 5U);
  EXPECT_EQ(text(a_), "still");
  EXPECT_TRUE(a_.shutdown(0).has_value());
  EXPECT_EQ(send(b_, "x").error(), Errno::BrokenPipe);
  EXPECT_EQ(text(a_), "");
  Script waits({[&] { ADD_FAILURE(); }});
  EXPECT_TRUE(make(Type::Stream)->shutdown(2).has_value()) << "also of one that is not connected";
}

TEST_F(Streams, who_waits_is_woken_when_the_peer_goes_C4_17) {
  const std::string big(400'000, 'b');
  Script goes({[&] { ends_.second.reset(); }});
  EXPECT_LT(send(a_, big, {}, goes).value(), big.size());
  EXPECT_EQ(goes.woken, 1);
  auto other = pair(Type::Stream);
  Script leaves({[&] { other.second.reset(); }});
  EXPECT_EQ(receive(*other.first, 1, 0, leaves).value().text, "");
  EXPECT_EQ(leaves.woken, 1);
}

TEST_F(Streams, memory_that_ends_fails_the_piece_and_nothing_is_lost_C4_17) {
  vfs::BytesInput none_in({});
  Outgoing what{.in = none_in, .size = 10, .who = kOne, .files = {}, .to = {}};
  EXPECT_EQ(a_.send(what, none).error(), Errno::Fault);
  EXPECT_TRUE(send(a_, "kept").has_value());
  vfs::BytesOutput nowhere({});
  Incoming told;
  EXPECT_EQ(b_.receive(nowhere, 4, 0, told, none).error(), Errno::Fault);
  EXPECT_EQ(text(b_), "kept");
}

TEST_F(Streams, one_that_is_not_connected_neither_sends_nor_receives_C4_17) {
  const auto alone = make(Type::Stream);
  EXPECT_EQ(send(*alone, "x").error(), Errno::NotConnected);
  EXPECT_EQ(receive(*alone).error(), Errno::Invalid);
  EXPECT_EQ(send(*alone, "x", {.to = address("/s")}).error(), Errno::NotSupported);
  EXPECT_EQ(send(a_, "x", {.to = address("/s")}).error(), Errno::AlreadyConnected);
  EXPECT_EQ(send(a_, "x", {.flags = message::kOutOfBand}).error(), Errno::NotSupported);
  EXPECT_EQ(alone->peer_name().error(), Errno::NotConnected);
}

TEST_F(Streams, tells_how_many_bytes_wait_C4_17) {
  EXPECT_TRUE(send(a_, "abc").has_value());
  EXPECT_TRUE(send(a_, "de").has_value());
  EXPECT_EQ(vfs::test::asked<std::int32_t>(b_, request::kReadableBytes).value(), 5);
  EXPECT_GE(vfs::test::asked<std::int32_t>(a_, request::kUnsentBytes).value(), 5);
  EXPECT_EQ(vfs::test::done(b_, 0x5401).error(), Errno::NotTerminal);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
