// Sockets that are in messages, and those of them that nobody can reach any more.
#pragma once

#include "libos/posix/socket/endpoint.hpp"

namespace fb::libos::posix::socket {

/// A socket in a message that waits at a socket that is in a message... may be in nobody's reach, and have references all the
/// same. Linux's way to find such: take those that only messages refer to, and from each its references by messages that
/// wait at these; who has some left is reachable, and so is who waits there. Not for concurrent use.
class InFlight {
 public:
  void take_off(Endpoint& endpoint);
  void land(Endpoint& endpoint);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  /// Takes the messages of sockets that nobody reaches. False: there are none.
  bool gather(Messages& garbage);

 private:
  using Endpoints = core::list::List<Endpoint, &Endpoint::flight_link>;
  void suspect_some(Endpoints& suspects);
  void clear_reachable(Endpoints& suspects);

  Endpoints all_;
  std::uint32_t count_ = 0;
};

/// The socket behind a file; null when it is another file.
[[nodiscard]] Endpoint* endpoint_of(vfs::File& file);

}  // namespace fb::libos::posix::socket
