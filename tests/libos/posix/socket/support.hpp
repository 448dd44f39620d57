// Sockets for tests, and short ways to use them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "libos/posix/socket/socket.hpp"
#include "tests/libos/posix/vfs/script.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::socket::test {

using vfs::test::error_of;
using vfs::test::Script;

inline constexpr Identity kOne{.pid = 11, .uid = 1000, .gid = 100}, kTwo{.pid = 22, .uid = 2000, .gid = 200};

/// A sockaddr_un; an abstract name begins with a NUL.
inline std::string address(std::string_view name) { return std::string("\1\0", 2) + std::string(name); }
inline std::span<const std::byte> raw(const std::string& text) { return std::as_bytes(std::span(text)); }

struct Sent {
  std::uint32_t flags = 0;
  Identity who = kOne;
  std::vector<Ref<vfs::File>> files{};
  std::string to{};
};

struct Got {
  std::string text;
  Incoming told;
  std::size_t result = 0;
  [[nodiscard]] std::string from() const { return std::string(told.from.name()); }
};

/// A domain, and a file system for paths.
struct Sockets : testing::Test {
  explicit Sockets(const Limits& limits = {}) : domain(limits) {}
  ~Sockets() override {
    EXPECT_EQ(domain.held(), 0U) << "messages are left";
    EXPECT_EQ(domain.endpoints(), 0U) << "sockets are left";
    EXPECT_EQ(domain.files_in_flight(), 0U) << "files are left";
  }

  Ref<Socket> make(Type type, std::uint32_t flags = 0, const Identity& who = kOne) {
    return Socket::make(domain, type, who, flags).value();
  }
  Socket::Pair pair(Type type, std::uint32_t flags = 0) {
    return Socket::make_pair(domain, type, kOne, flags).value();
  }
  Errno bind(Socket& socket, const std::string& name, std::uint32_t umask = 022) {
    return error_of(socket.bind(raw(address(name)), place(), umask));
  }
  Errno connect(Socket& socket, const std::string& name, vfs::Waiter& waiter, const Identity& who = kTwo) {
    return error_of(socket.connect(raw(address(name)), place(), who, waiter));
  }
  Errno connect(Socket& socket, const std::string& name) { return connect(socket, name, none); }
  Ref<Socket> listener(Type type, const std::string& name, int backlog = 5, std::uint32_t flags = 0) {
    auto made = make(type, flags);
    EXPECT_EQ(bind(*made, name), Errno{});
    EXPECT_TRUE(made->listen(backlog, kOne).has_value());
    return made;
  }
  Answer<std::size_t> send(Socket& socket, std::string_view text, const Sent& how, vfs::Waiter& waiter) {
    vfs::BytesInput in(std::as_bytes(std::span(text)));
    Files files;
    for (const auto& file : how.files) FB_TRY(files.push_back(file));
    const auto where = place();
    Outgoing what{.in = in,
                  .size = text.size(),
                  .flags = how.flags,
                  .who = how.who,
                  .files = std::move(files),
                  .to = raw(how.to),
                  .place = &where};
    return socket.send(what, waiter);
  }
  Answer<std::size_t> send(Socket& socket, std::string_view text, const Sent& how = {}) {
    return send(socket, text, how, none);
  }
  Answer<Got> receive(Socket& socket, std::size_t count, std::uint32_t flags, vfs::Waiter& waiter) {
    Got got;
    got.text.assign(count, '?');
    vfs::BytesOutput out(std::as_writable_bytes(std::span(got.text)));
    FB_ASSIGN(got.result, socket.receive(out, count, flags, got.told, waiter));
    got.text.resize(std::min(got.result, count));
    return got;
  }
  Answer<Got> receive(Socket& socket, std::size_t count = 100, std::uint32_t flags = 0) {
    return receive(socket, count, flags, none);
  }
  std::string text(Socket& socket, std::size_t count = 100, std::uint32_t flags = 0) {
    return receive(socket, count, flags).value().text;
  }
  [[nodiscard]] vfs::Place place() const {
    return {.root = volume.root, .directory = volume.root, .who = caller, .mounts = mounts};
  }

  vfs::test::Volume volume;
  vfs::Mounts mounts;
  vfs::Credentials caller;
  Script none;
  Domain domain;
};

}  // namespace fb::libos::posix::socket::test
