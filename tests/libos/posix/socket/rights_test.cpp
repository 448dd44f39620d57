#include "tests/libos/posix/socket/support.hpp"

namespace fb::libos::posix::socket::test {
namespace {

struct Rights : Sockets {
  explicit Rights(const Limits& limits = {}) : Sockets(limits) {}
  ~Rights() override { EXPECT_EQ(probes(), 0U) << "files leaked"; }
  Ref<vfs::File> probe() { return make_shared<vfs::File>(inode_, vfs::flag::kReadWrite).value(); }
  /// How many files are open.
  [[nodiscard]] std::uint32_t probes() const { return inode_->references() - 1; }

 private:
  Ref<vfs::Inode> inode_ = make_shared<vfs::Inode>(vfs::Attributes{}).value();
};

TEST_F(Rights, files_travel_with_bytes_C4_17) {
  const auto ends = pair(Type::Stream);
  {
    const auto file = probe();
    EXPECT_TRUE(send(*ends.first, "ab").has_value());
    EXPECT_TRUE(send(*ends.first, "cd", {.files = {file, file}}).has_value());
    EXPECT_TRUE(send(*ends.first, "ef").has_value());
  }
  EXPECT_EQ(probes(), 1U);
  EXPECT_EQ(domain.files_in_flight(), 2U);
  {
    const auto peeked = receive(*ends.second, 100, message::kPeek).value();
    EXPECT_EQ(peeked.text, "abcd");
    EXPECT_EQ(peeked.told.files.size(), 2U);
  }
  const auto got = receive(*ends.second).value();
  EXPECT_EQ(got.text, "abcd") << "nothing is read over behind files";
  EXPECT_EQ(got.told.files.size(), 2U);
  EXPECT_EQ(domain.files_in_flight(), 0U);
  const auto rest = receive(*ends.second).value();
  EXPECT_EQ(rest.text, "ef");
  EXPECT_TRUE(rest.told.files.empty());
}

TEST_F(Rights, a_part_of_the_bytes_has_all_files_C4_17) {
  const auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "abc", {.files = {probe()}}).has_value());
  EXPECT_EQ(receive(*ends.second, 1).value().told.files.size(), 1U);
  EXPECT_EQ(receive(*ends.second, 9).value().told.files.size(), 0U);
}

TEST_F(Rights, what_nobody_receives_is_closed_C4_17) {
  auto ends = pair(Type::Datagram);
  EXPECT_TRUE(send(*ends.first, "", {.files = {probe()}}).has_value());
  EXPECT_TRUE(send(*ends.first, "x", {.files = {probe()}}).has_value());
  EXPECT_EQ(receive(*ends.second).value().told.files.size(), 1U) << "also with no bytes";
  EXPECT_EQ(probes(), 1U);
  ends.second.reset();
  EXPECT_EQ(probes(), 0U);
  EXPECT_EQ(send(*ends.first, "x", {.files = {probe()}}).error(), Errno::ConnectionRefused);
  EXPECT_EQ(probes(), 0U);
  const auto streams = pair(Type::Stream);
  EXPECT_EQ(send(*streams.first, "", {.files = {probe()}}).value(), 0U);
  EXPECT_EQ(probes(), 0U) << "no bytes, no message";
}

TEST_F(Rights, a_socket_in_its_own_queue_is_collected_C4_17) {
  auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "x", {.files = {ends.second, probe()}}).has_value());
  ends.second.reset();
  EXPECT_EQ(probes(), 1U);
  EXPECT_EQ(domain.endpoints(), 2U) << "its peer may still send to it";
  ends.first.reset();
  EXPECT_EQ(probes(), 0U);
  EXPECT_EQ(domain.endpoints(), 0U);
}

TEST_F(Rights, two_that_are_in_each_others_queues_are_collected_with_the_next_close_C4_17) {
  auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "x", {.files = {ends.first, probe()}}).has_value());
  EXPECT_TRUE(send(*ends.second, "x", {.files = {ends.second}}).has_value());
  ends = {};
  EXPECT_EQ(domain.endpoints(), 2U);
  make(Type::Stream).reset();
  EXPECT_EQ(domain.endpoints(), 0U);
  EXPECT_EQ(probes(), 0U);
}

TEST_F(Rights, one_that_waits_to_be_accepted_keeps_its_files_and_loses_them_with_the_listener_C4_17) {
  auto server = listener(Type::Stream, "/s");
  auto client = make(Type::Stream);
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  EXPECT_TRUE(send(*client, "x", {.files = {server, probe()}}).has_value());
  client.reset();
  const Ref<Socket> other = make(Type::Stream);
  make(Type::Stream).reset();
  EXPECT_EQ(probes(), 1U) << "the listener is in reach";
  server.reset();
  make(Type::Stream).reset();
  EXPECT_EQ(probes(), 0U) << "now it waits at itself only";
  EXPECT_EQ(domain.endpoints(), 1U);
}

TEST_F(Rights, what_is_in_reach_through_others_stays_C4_17) {
  auto outer = pair(Type::Stream), inner = pair(Type::Stream);
  EXPECT_TRUE(send(*inner.first, "deep", {.files = {inner.second, inner.first, probe()}}).has_value());
  EXPECT_TRUE(send(*outer.first, "x", {.files = {inner.second}}).has_value());
  inner = {};
  make(Type::Stream).reset();
  EXPECT_EQ(probes(), 1U);
  {
    auto got = receive(*outer.second).value();
    auto* const found = Socket::of(*got.told.files[0]);
    ASSERT_NE(found, nullptr);
    make(Type::Stream).reset();
    EXPECT_EQ(text(*found, 100, message::kPeek), "deep");
  }
  make(Type::Stream).reset();
  EXPECT_EQ(probes(), 0U);
  EXPECT_EQ(domain.endpoints(), 2U);
}

TEST_F(Rights, a_long_chain_ends_without_a_deep_stack_C4_17) {
  Ref<vfs::File> last = probe();
  for (int i = 0; i < 3000; ++i) {
    const auto ends = pair(Type::Datagram);
    EXPECT_TRUE(send(*ends.first, "x", {.files = {last}}).has_value());
    last = ends.second;
  }
  EXPECT_EQ(domain.files_in_flight(), 3000U);
  last.reset();
  EXPECT_EQ(domain.endpoints(), 0U);
}

struct FewRights : Rights {
  FewRights() : Rights({.files = 5, .files_of_sender = 3}) {}
};

TEST_F(FewRights, are_a_limit_for_a_sender_and_for_all_C4_17) {
  const auto one = pair(Type::Stream), two = pair(Type::Stream);
  const auto file = probe();
  EXPECT_TRUE(send(*one.first, "x", {.files = {file, file, file}}).has_value());
  EXPECT_EQ(send(*one.first, "x", {.files = {file}}).error(), Errno::TooManyReferences);
  EXPECT_TRUE(send(*one.first, "no files").has_value());
  EXPECT_EQ(send(*two.first, "x", {.files = {file, file, file}}).error(), Errno::TooManyReferences);
  EXPECT_TRUE(send(*two.first, "x", {.files = {file, file}}).has_value());
  EXPECT_EQ(receive(*one.second).value().told.files.size(), 3U);
  EXPECT_TRUE(send(*one.first, "x", {.files = {file}}).has_value());
}

TEST_F(FewRights, garbage_makes_room_for_others_C4_17) {
  {
    const auto lost = pair(Type::Stream);
    EXPECT_TRUE(send(*lost.first, "x", {.files = {lost.first, lost.second}}).has_value());
    EXPECT_TRUE(send(*lost.second, "x", {.files = {lost.first, lost.second, probe()}}).has_value());
  }
  EXPECT_EQ(domain.files_in_flight(), 5U);
  const auto ends = pair(Type::Stream);
  EXPECT_TRUE(send(*ends.first, "x", {.files = {probe()}}).has_value());
  EXPECT_EQ(domain.files_in_flight(), 1U);
}

struct LittleMemory : Sockets {
  LittleMemory() : Sockets({.bytes = 10'000}) {}
};

TEST_F(LittleMemory, is_ENOBUFS_C4_17) {
  const auto ends = pair(Type::Datagram), others = pair(Type::Datagram);
  EXPECT_TRUE(send(*ends.first, std::string(9'000, 'x')).has_value());
  EXPECT_EQ(send(*others.first, std::string(1'000, 'x')).error(), Errno::NoBuffers);
  EXPECT_EQ(text(*ends.second, 9'000).size(), 9'000U);
  EXPECT_TRUE(send(*others.first, std::string(1'000, 'x')).has_value());
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
