// The control buffer of a program as it fills (cmsg(3)).
#pragma once

#include "libos/posix/call/sockets.hpp"

namespace fb::libos::posix::call {

/// What finds no room is cut and told so; what finds no memory is not there, as in Linux.
class ControlOutput {
 public:
  ControlOutput(Call& call, const socket::Header& header)
      : call_(call), at_(header.control), room_(header.control == 0 ? 0 : header.control_size) {}
  void put(std::int32_t type, std::span<const std::byte> data);
  /// Into descriptors, as far as those and the room suffice; the others are closed with `files`.
  void put_files(const socket::Files& files, bool close_on_exec);
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  static constexpr std::uint64_t kHeader = sizeof(socket::ControlHeader);
  [[nodiscard]] std::uint64_t left() const { return room_ - used_; }
  [[nodiscard]] core::VirtAddr here() const { return core::VirtAddr(at_ + used_); }
  void advance(std::uint64_t size);
  [[nodiscard]] bool install(const Ref<vfs::File>& file, bool close_on_exec, core::VirtAddr number_to);

  Call& call_;
  std::uint64_t at_, room_, used_ = 0;
  bool truncated_ = false;
};

}  // namespace fb::libos::posix::call
