#include "libos/posix/vfs/open.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/socket/support.hpp"

namespace fb::libos::posix::socket::test {
namespace {

struct Names : Sockets {};
struct Connections : Sockets {};
const std::string kAbstract("\0name", 5);

TEST_F(Names, a_path_is_a_socket_inode_that_cannot_be_opened_C4_17) {
  auto socket = make(Type::Stream);
  EXPECT_EQ(bind(*socket, "/s", 027), Errno{});
  const auto inode = volume.root->lookup("s").value();
  EXPECT_EQ(inode->attributes().mode, vfs::mode::kSocket | 0750);
  EXPECT_EQ(socket->name().name(), "/s");
  EXPECT_EQ(socket->name().raw().size(), 2U + 3U) << "with its NUL";
  EXPECT_EQ(vfs::open_inode(place(), "/s", vfs::flag::kReadWrite, 0).error(), Errno::NoDeviceOrAddress);
  EXPECT_EQ(bind(*make(Type::Stream), "/s"), Errno::AddressInUse);
  EXPECT_EQ(bind(*socket, "/s"), Errno::AddressInUse);
  EXPECT_EQ(bind(*socket, "/t"), Errno::Invalid);
  EXPECT_EQ(volume.root->lookup("t").error(), Errno::NoEntry);
  socket.reset();
  EXPECT_FALSE(inode->attachment());
  EXPECT_EQ(bind(*make(Type::Stream), "/s"), Errno::AddressInUse) << "the inode stays";
  EXPECT_EQ(connect(*make(Type::Stream), "/s"), Errno::ConnectionRefused);
  EXPECT_EQ(bind(*make(Type::Stream), "/no/s"), Errno::NoEntry);
}

TEST_F(Names, what_opened_a_socket_by_O_PATH_is_none_C4_17) {
  auto socket = make(Type::Stream);
  EXPECT_EQ(bind(*socket, "/s"), Errno{});
  const auto inode = volume.root->lookup("s").value();
  const Ref<vfs::File> file = make_shared<vfs::File>(inode, vfs::flag::kPath).value();
  EXPECT_EQ(Socket::of(*file), nullptr);
  EXPECT_EQ(Socket::of(*socket), socket.get());
}

TEST_F(Names, a_path_may_fill_all_of_sun_path_C4_17) {
  const auto socket = make(Type::Stream);
  const std::string path = "/" + std::string(107, 'n');
  EXPECT_EQ(bind(*socket, path), Errno{});
  EXPECT_EQ(socket->name().raw().size(), 111U);
  EXPECT_EQ(bind(*make(Type::Stream), path + "n"), Errno::Invalid);
}

TEST_F(Names, abstract_ones_are_free_again_with_their_socket_C4_17) {
  auto first = make(Type::Stream);
  const auto second = make(Type::Stream), other = make(Type::Datagram);
  EXPECT_EQ(bind(*first, kAbstract), Errno{});
  EXPECT_EQ(bind(*second, kAbstract), Errno::AddressInUse);
  EXPECT_EQ(bind(*other, kAbstract), Errno{}) << "types have names of their own";
  first.reset();
  EXPECT_EQ(bind(*second, kAbstract), Errno{});
  EXPECT_EQ(bind(*second, kAbstract + "2"), Errno::Invalid);
}

TEST_F(Names, an_address_of_only_its_family_finds_a_name_C4_17) {
  const auto one = make(Type::Stream), two = make(Type::Stream);
  EXPECT_EQ(bind(*one, ""), Errno{});
  EXPECT_EQ(one->name().raw().size(), 2U + 6U);
  EXPECT_EQ(bind(*two, ""), Errno{});
  EXPECT_NE(one->name().name(), two->name().name());
  const auto name = std::string(one->name().name());
  EXPECT_EQ(bind(*one, ""), Errno{}) << "one that has a name keeps it";
  EXPECT_EQ(one->name().name(), name);
  EXPECT_EQ(error_of(one->bind(raw("\2\0x"), place(), 0)), Errno::Invalid);
  EXPECT_EQ(error_of(one->bind(raw("\1"), place(), 0)), Errno::Invalid);
}

TEST_F(Connections, are_made_and_accepted_C4_17) {
  const auto server = listener(Type::Stream, "/s");
  const auto client = make(Type::Stream);
  EXPECT_EQ(server->poll().events, 0U);
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  EXPECT_EQ(server->poll().events, vfs::poll::kIn | vfs::poll::kReadNormal);
  EXPECT_TRUE(send(*client, "early").has_value());
  const auto accepted = server->accept(0, none).value();
  EXPECT_EQ(text(*accepted), "early");
  EXPECT_TRUE(send(*accepted, "hi").has_value());
  EXPECT_EQ(text(*client), "hi");
  EXPECT_EQ(accepted->name().name(), "/s");
  EXPECT_EQ(client->peer_name().value().name(), "/s");
  EXPECT_TRUE(accepted->peer_name().value().none());
  EXPECT_EQ(connect(*client, "/s"), Errno::AlreadyConnected);
  EXPECT_EQ(connect(*server, "/s"), Errno::Invalid);
  EXPECT_EQ(server->accept(0, none).error(), Errno::Restart);
}

TEST_F(Connections, accept_waits_and_does_not_C4_17) {
  const auto server = listener(Type::SequencedPacket, kAbstract);
  auto client = make(Type::SequencedPacket);
  Script script({[&] { EXPECT_EQ(connect(*client, kAbstract), Errno{}); }});
  const auto accepted = server->accept(vfs::flag::kNonBlock, script).value();
  EXPECT_EQ(script.woken, 1);
  EXPECT_FALSE(accepted->blocks());
  server->set_flags(vfs::flag::kNonBlock);
  EXPECT_EQ(server->accept(0, none).error(), Errno::TryAgain);
  EXPECT_EQ(make(Type::Datagram)->accept(0, none).error(), Errno::NotSupported);
  EXPECT_EQ(make(Type::Stream)->accept(0, none).error(), Errno::Invalid);
  Script shuts({[&] { EXPECT_TRUE(server->shutdown(0).has_value()); }});
  server->set_flags(0);
  EXPECT_EQ(server->accept(0, shuts).error(), Errno::Invalid);
  EXPECT_EQ(connect(*make(Type::SequencedPacket), kAbstract), Errno::ConnectionRefused);
}

TEST_F(Connections, a_full_backlog_makes_wait_C4_17) {
  const auto server = listener(Type::Stream, "/s", 0);
  const auto first = make(Type::Stream), second = make(Type::Stream, vfs::flag::kNonBlock),
             third = make(Type::Stream);
  EXPECT_EQ(connect(*first, "/s"), Errno{});
  EXPECT_EQ(connect(*second, "/s"), Errno::TryAgain);
  Script accepts({[&] { EXPECT_TRUE(server->accept(0, none).has_value()); }});
  EXPECT_EQ(connect(*third, "/s", accepts), Errno{});
  EXPECT_EQ(accepts.woken, 1);
  EXPECT_TRUE(server->listen(1, kOne).has_value());
  EXPECT_EQ(connect(*second, "/s"), Errno{}) << "more room";
}

TEST_F(Connections, are_reset_when_the_listener_goes_C4_17) {
  auto server = listener(Type::Stream, "/s", 0);
  const auto waiting = make(Type::Stream), late = make(Type::Stream);
  EXPECT_EQ(connect(*waiting, "/s"), Errno{});
  EXPECT_TRUE(send(*waiting, "x").has_value());
  Script goes({[&] { server.reset(); }});
  EXPECT_EQ(connect(*late, "/s", goes), Errno::ConnectionRefused);
  EXPECT_EQ(goes.woken, 1);
  EXPECT_EQ(receive(*waiting).error(), Errno::ConnectionReset);
  EXPECT_EQ(text(*waiting), "");
  EXPECT_EQ(send(*waiting, "x").error(), Errno::BrokenPipe);
}

TEST_F(Connections, one_that_went_before_it_was_accepted_is_at_its_end_C4_17) {
  const auto server = listener(Type::Stream, "/s");
  auto client = make(Type::Stream);
  EXPECT_EQ(connect(*client, "/s"), Errno{});
  EXPECT_TRUE(send(*client, "bye").has_value());
  client.reset();
  const auto accepted = server->accept(0, none).value();
  EXPECT_EQ(text(*accepted), "bye");
  EXPECT_EQ(text(*accepted), "");
}

TEST_F(Connections, fail_for_what_does_not_listen_or_may_not_C4_17) {
  const auto bound = make(Type::Stream), client = make(Type::Stream);
  EXPECT_EQ(bind(*bound, "/s", 0777), Errno{});
  EXPECT_EQ(connect(*client, "/s"), Errno::ConnectionRefused);
  EXPECT_EQ(connect(*make(Type::SequencedPacket), "/s"), Errno::WrongProtocolType);
  EXPECT_EQ(connect(*client, kAbstract), Errno::ConnectionRefused);
  EXPECT_EQ(connect(*client, "/none"), Errno::NoEntry);
  EXPECT_EQ(connect(*client, "/"), Errno::ConnectionRefused) << "no socket";
  EXPECT_EQ(connect(*client, ""), Errno::Invalid);
  EXPECT_EQ(make(Type::Stream)->listen(5, kOne).error(), Errno::Invalid);
  EXPECT_EQ(make(Type::Datagram)->listen(5, kOne).error(), Errno::NotSupported);
  EXPECT_EQ(pair(Type::Stream).first->listen(5, kOne).error(), Errno::Invalid);
  caller.uid = 5;
  EXPECT_TRUE(bound->listen(5, kOne).has_value());
  EXPECT_EQ(connect(*client, "/s"), Errno::Access);
}

TEST_F(Connections, tell_who_the_other_is_C4_17) {
  const auto server = make(Type::Stream);
  EXPECT_EQ(bind(*server, "/s"), Errno{});
  EXPECT_TRUE(server->listen(5, {.pid = 77, .uid = 7, .gid = 8}).has_value());
  const auto client = make(Type::Stream);
  EXPECT_EQ(connect(*client, "/s", none, {.pid = 88, .uid = 9, .gid = 10}), Errno{});
  const auto accepted = server->accept(0, none).value();
  const auto pid = [](Socket& socket) {
    std::int32_t number = 0;
    __builtin_memcpy(&number, socket.option(option::kPeerCredentials).value().bytes.data(), sizeof number);
    return number;
  };
  EXPECT_EQ(pid(*client), 77);
  EXPECT_EQ(pid(*accepted), 88);
  EXPECT_EQ(pid(*make(Type::Stream)), 0);
}

struct FewSockets : Sockets {
  FewSockets() : Sockets({.endpoints = 3}) {}
};
TEST_F(FewSockets, are_a_limit_also_for_connections_that_wait_C4_17) {
  const auto server = listener(Type::Stream, "/s");
  const auto client = make(Type::Stream);
  {
    const auto third = make(Type::Stream);
    EXPECT_EQ(Socket::make(domain, Type::Stream, kOne, 0).error(), Errno::TooManyFilesInSystem);
    EXPECT_EQ(connect(*client, "/s"), Errno::TooManyFilesInSystem);
  }
  EXPECT_EQ(connect(*client, "/s"), Errno{});
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
