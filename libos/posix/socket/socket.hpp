// Unix-domain sockets as files: streams, datagrams and sequenced packets (unix(7), socket(7); C4.17).
#pragma once

#include "libos/posix/socket/domain.hpp"

namespace fb::libos::posix::socket {

/// What is sent, and by whom. `size` bytes of `in`.
struct Outgoing {
  vfs::Input& in;
  std::size_t size;
  std::uint32_t flags = 0;            ///< MSG_*
  bool tells = false;                 ///< `who` is what SCM_CREDENTIALS says
  Identity who;                       ///< the caller, or what it says with SCM_CREDENTIALS
  Files files;                        ///< SCM_RIGHTS
  std::span<const std::byte> to;      ///< an address; empty: the peer
  const vfs::Place* place = nullptr;  ///< where `to` is looked for
};

/// What came, beside the bytes.
struct Incoming {
  std::size_t size = 0;  ///< of the message, where MSG_TRUNC asked for it
  bool truncated = false;
  Address from;
  std::optional<Identity> who;  ///< where SO_PASSCRED asked for it
  Files files;
};

/// Whoever waits in it holds a Ref to it. Where not said otherwise, errors of a wait are TryAgain, also for SO_RCVTIMEO and
/// SO_SNDTIMEO, and Restart, or Interrupted where there is a timeout.
class Socket final : public vfs::File {
 public:
  /// `flags` may have vfs::flag::kNonBlock. Errors: TooManyFilesInSystem, NoMemory.
  static Answer<Ref<Socket>> make(Domain& domain, Type type, const Identity& creator, std::uint32_t flags);
  struct Pair {
    Ref<Socket> first, second;
  };
  static Answer<Pair> make_pair(Domain& domain, Type type, const Identity& creator, std::uint32_t flags);
  /// Null when it is another file, or opened by O_PATH.
  static Socket* of(vfs::File& file);
  Socket(const Ref<vfs::Inode>& inode, std::uint32_t flags, const Ref<Endpoint>& endpoint);
  ~Socket() override;

  /// `raw` is a sockaddr_un; only its family: an abstract name is found. Errors: Invalid, AddressInUse; of making a node.
  Answer<> bind(std::span<const std::byte> raw, const vfs::Place& place, std::uint32_t umask);
  /// Errors: NotSupported, Invalid.
  Answer<> listen(std::int32_t backlog, const Identity& who);
  /// Errors: Invalid, ConnectionRefused, WrongProtocolType, AlreadyConnected, Perm; of a walk and of a wait.
  Answer<> connect(std::span<const std::byte> raw, const vfs::Place& place, const Identity& who,
                   vfs::Waiter& waiter);
  /// `flags` of the new one. Errors: NotSupported, Invalid; of a wait.
  Answer<Ref<Socket>> accept(std::uint32_t flags, vfs::Waiter& waiter);
  /// Errors: NotConnected, AlreadyConnected, NotSupported, BrokenPipe, ConnectionReset, ConnectionRefused, MessageTooLong,
  /// Perm, TooManyReferences, NoBuffers, Fault; of a walk and of a wait.
  Answer<std::size_t> send(Outgoing& what, vfs::Waiter& waiter);
  /// Errors: NotConnected, Invalid, NotSupported, ConnectionReset, Fault; of a wait.
  Answer<std::size_t> receive(vfs::Output& out, std::size_t count, std::uint32_t flags, Incoming& told,
                              vfs::Waiter& waiter);
  /// Errors: Invalid.
  Answer<> shutdown(std::int32_t how);
  [[nodiscard]] const Address& name() const { return endpoint_->address; }
  /// Errors: NotConnected.
  [[nodiscard]] Answer<Address> peer_name() const;

  /// Of SOL_SOCKET. Errors: Invalid, Domain, NoProtocolOption, NotSupported.
  Answer<> set_option(std::uint32_t name, std::span<const std::byte> value);
  struct Value {
    std::array<std::byte, 16> bytes;
    std::size_t size;
  };
  /// Errors: NoProtocolOption.
  Answer<Value> option(std::uint32_t name);

  [[nodiscard]] vfs::PollState poll() override;
  Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument,
                              vfs::IoctlCaller& memory) override;
  /// Linux sends SIGPIPE for streams only.
  [[nodiscard]] bool signals_broken_pipe() const { return endpoint_->type == Type::Stream; }
  [[nodiscard]] bool passes_credentials() const { return endpoint_->passes_credentials; }
  [[nodiscard]] Endpoint& endpoint() const { return *endpoint_; }

 private:
  class Wait;
  static Answer<Ref<Socket>> make_for(const Ref<Endpoint>& endpoint, std::uint32_t flags);
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;
  /// By who made it: a call knows better who writes.
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override;
  Answer<> autobind_if_asked();
  Answer<> connect_datagrams(std::span<const std::byte> raw, const vfs::Place& place);
  Answer<Ref<Endpoint>> listener_for(const Address& address, const vfs::Place& place, Wait& wait);
  Answer<> set_number(std::uint32_t name, std::int32_t value);

  Answer<std::unique_ptr<Message>> prepare(Outgoing& what, std::size_t size, Wait& wait);
  Answer<std::size_t> send_stream(Outgoing& what, Wait& wait);
  Answer<std::size_t> send_record(Outgoing& what, Wait& wait);
  Answer<> deliver(std::unique_ptr<Message> message, const Outgoing& what, Wait& wait);
  Answer<Ref<Endpoint>> receiver_of(const Outgoing& what);
  Answer<std::size_t> receive_stream(vfs::Output& out, std::size_t count, std::uint32_t flags, Incoming& told,
                                     Wait& wait);
  Answer<std::size_t> receive_record(vfs::Output& out, std::size_t count, std::uint32_t flags, Incoming& told,
                                     Wait& wait);

  Ref<Endpoint> endpoint_;
};

}  // namespace fb::libos::posix::socket
