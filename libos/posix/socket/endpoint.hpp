// The state of a socket: what its peer and messages on their way know of it, longer than there is a file.
#pragma once

#include "libos/posix/socket/address.hpp"
#include "libos/posix/socket/message.hpp"

namespace fb::libos::posix::socket {

class Domain;

enum class State : std::uint8_t { Closed, Listening, Connected };

/// What is shut down.
namespace shut {
inline constexpr std::uint8_t kReceive = 1, kSend = 2, kBoth = 3;
}  // namespace shut

/// Not for concurrent use. Files own it, and so do peers and messages that it sent; close() ends what could be a cycle.
class Endpoint final : public Shared {
 public:
  static constexpr std::uint32_t kBuffer = 212'992;        ///< net.core.wmem_default, and wmem_max
  static constexpr std::uint32_t kDatagramsWaiting = 512;  ///< net.unix.max_dgram_qlen, as systemd sets it
  Endpoint(Domain& its, Type of, const Identity& who);
  ~Endpoint();

  [[nodiscard]] bool connection() const { return type != Type::Datagram; }
  /// Who is not its peer cannot send to it.
  [[nodiscard]] bool full() const;
  /// There is room for a new message from here.
  [[nodiscard]] bool may_charge() const { return charged < send_limit; }
  /// poll says so: a good part of the room is there (Linux's unix_writable).
  [[nodiscard]] bool writable() const { return state != State::Listening && charged * 4 <= send_limit; }
  [[nodiscard]] bool takes_from(const Endpoint& other) const { return !peer || peer.get() == &other; }

  void put(std::unique_ptr<Message> message);
  std::unique_ptr<Message> take();
  /// The error that happened, once.
  Errno take_error() { return std::exchange(error, Errno{}); }
  /// One direction: the other end may have another peer, or none.
  void set_peer(const Ref<Endpoint>& other);
  /// No longer connected to `before`: what waits here is lost, and who sent it is told if it still is connected. Of datagram
  /// sockets. (unix_dgram_disconnected)
  void disconnected(Endpoint& before);
  /// Whether the peer has room for datagrams: if not, to_write is woken when it has.
  [[nodiscard]] bool peer_has_room();
  /// Adds to what is shut down, on both ends. (unix_shutdown)
  void shut_down(std::uint8_t how);
  /// Its file is gone, or never came: `embryo`.
  void close(bool embryo);
  /// All that it has not received, for Domain::dispose().
  void give_up(Messages& messages);

  Domain& domain;
  const Type type;
  State state = State::Closed;
  bool dead = false, passes_credentials = false;
  std::uint8_t shut = 0;
  Errno error{};
  Ref<Endpoint> peer;
  Address address;
  Ref<vfs::Inode> inode;  ///< where a path leads to this one
  Messages messages;
  Vector<Ref<Endpoint>> pending;  ///< connected, and not yet accepted
  std::uint32_t message_count = 0, backlog = kDatagramsWaiting;
  std::uint32_t send_limit = kBuffer, receive_limit = kBuffer;
  std::size_t charged = 0;            ///< by messages that it sent
  std::uint32_t files_in_flight = 0;  ///< that it sent
  core::Nanoseconds send_timeout = vfs::kForever, receive_timeout = vfs::kForever;
  std::int32_t receive_low = 1;
  std::uint32_t stored_options = 0;  ///< that mean nothing here; bits by option
  std::int32_t priority = 0;
  Linger linger{};
  const Identity creator;
  std::optional<Identity> peer_identity;
  vfs::WaitQueue to_read, to_write;
  vfs::WaitQueue room;  ///< who waits for room in its queue
  core::list::ListLink name_link;

  // For InFlight.
  const Shared* file = nullptr;  ///< the socket's, while there is one
  std::uint32_t flights = 0;     ///< how many messages have the file
  std::uint32_t outside = 0;     ///< of them, how many others could receive; while garbage is looked for
  bool suspect = false;
  core::list::ListLink flight_link;

 private:
  /// Tells who polls this one that its peer has room.
  class Relay final : public vfs::Sleeper {
   public:
    explicit Relay(Endpoint& owner) : owner_(owner) {}
    void wake() override { owner_.to_write.wake_all(); }

   private:
    Endpoint& owner_;
  };
  Relay relay_{*this};
};

}  // namespace fb::libos::posix::socket
