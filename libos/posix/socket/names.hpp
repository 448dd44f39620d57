// Who has which name: the abstract namespace, and sockets behind paths.
#pragma once

#include "libos/posix/socket/endpoint.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::socket {

/// Not for concurrent use.
class Names {
 public:
  /// Errors: AddressInUse.
  Answer<> add(Endpoint& endpoint, const Address& abstract);
  /// A free abstract name. Errors: NoSpace.
  Answer<> add_automatic(Endpoint& endpoint);
  /// Makes a socket inode that leads to it; `mode` with the umask applied. Errors: AddressInUse,
  /// those of a walk, Invalid when it has a name, NoMemory.
  static Answer<> add_path(const Ref<Endpoint>& endpoint, const Address& path, const vfs::Place& place,
                           std::uint32_t permissions);
  /// Its abstract name is free, or its inode leads nowhere; what it is called stays with it.
  void forget(Endpoint& endpoint);
  /// Who is to be connected to or sent to. Errors: ConnectionRefused, WrongProtocolType; Access and those of a walk for
  /// paths.
  Answer<Ref<Endpoint>> find(const Address& address, Type type, const vfs::Place& place);

 private:
  using Named = core::list::List<Endpoint, &Endpoint::name_link>;
  /// Types have their names apart, as in Linux.
  Named& bucket(const Address& address) { return named_[address.hash() % named_.size()]; }
  [[nodiscard]] Endpoint* find_abstract(const Address& address, Type type);

  std::array<Named, 64> named_;
  std::uint32_t automatic_ = 0;
};

}  // namespace fb::libos::posix::socket
