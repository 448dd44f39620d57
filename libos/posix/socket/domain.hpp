// What all Unix sockets of an instance share: names, limits, and the files that are in flight.
#pragma once

#include "libos/posix/socket/in_flight.hpp"
#include "libos/posix/socket/names.hpp"

namespace fb::libos::posix::socket {

/// What sockets may hold in all; programs get an error at each.
struct Limits {
  std::size_t bytes = std::size_t{16} << 20;  ///< in all queues: NoBuffers
  std::uint32_t endpoints = 8192;             ///< TooManyFilesInSystem
  std::uint32_t files = 8192;                 ///< in flight: TooManyReferences
  std::uint32_t files_of_sender = 1024;       ///< the same, for one socket that sends
};

/// Outlives its sockets. Not for concurrent use.
class Domain {
 public:
  explicit Domain(const Limits& limits = {}) : limits_(limits) {}
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  /// Errors: TooManyFilesInSystem, NoMemory.
  Answer<Ref<Endpoint>> make_endpoint(Type type, const Identity& creator);
  /// Messages die. Sockets in them do with their messages, one after the other: such chains may be long.
  void dispose(Messages& messages);
  /// A file of a socket has gone: what was in flight may be out of everybody's reach now.
  void closed();
  /// Files begin to be in flight. Errors: TooManyReferences.
  Answer<> take_off(Endpoint& sender, const Files& files);
  void land(Endpoint& sender, const Files& files);

  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] std::uint32_t endpoints() const { return endpoints_; }
  [[nodiscard]] std::uint32_t files_in_flight() const { return files_; }
  void hold(std::size_t bytes) { held_ += bytes; }
  void let_go(std::size_t bytes) { held_ -= bytes; }
  void count_endpoint(std::int32_t more) { endpoints_ += static_cast<std::uint32_t>(more); }
  /// For a socket's inode.
  std::uint64_t next_number() { return ++number_; }

  Names names;

 private:
  Limits limits_;
  std::size_t held_ = 0;
  std::uint32_t endpoints_ = 0, files_ = 0;
  std::uint64_t number_ = 0;
  InFlight in_flight_;
  Messages dying_;
  bool running_ = false, look_for_garbage_ = false;
};

}  // namespace fb::libos::posix::socket
