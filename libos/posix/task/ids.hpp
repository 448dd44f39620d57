// Numbers of processes and threads, whose they are, and how they end.
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "libos/posix/base/vector.hpp"
#include "libos/posix/signal/abi.hpp"
#include "libos/posix/vfs/access.hpp"

namespace fb::libos::posix::task {

/// Number of a process, of its first thread, of a further thread, of a group or a session; 0 is none.
using Pid = core::Strong<struct PidTag, std::int32_t>;

/// The instance itself: parent of its first program and of orphans, which nobody has to wait for.
inline constexpr Pid kInit{1};

/// How a process ended, as wait reports it.
class End {
 public:
  static constexpr End exited(int status) { return End((status & 0xff) << 8); }
  static constexpr End killed(signal::Signal signal) { return End(static_cast<std::int32_t>(signal)); }
  [[nodiscard]] constexpr std::int32_t wait_status() const { return status_; }
  [[nodiscard]] constexpr bool by_signal() const { return (status_ & 0x7f) != 0; }
  /// The argument of exit, or the signal.
  [[nodiscard]] constexpr std::int32_t value() const { return by_signal() ? status_ & 0x7f : status_ >> 8; }
  /// What shells make of it.
  [[nodiscard]] constexpr int shell_status() const { return by_signal() ? 128 + value() : value(); }

 private:
  constexpr explicit End(std::int32_t status) : status_(status) {}
  std::int32_t status_;
};

/// Real, effective, saved and file-system ids (credentials(7)).
struct Ids {
  std::uint32_t real = 0, effective = 0, saved = 0, file_system = 0;
};
struct Credentials {
  static constexpr std::size_t kMostGroups = 64;
  Ids user, group;
  std::array<std::uint32_t, kMostGroups> groups{};
  std::size_t group_count = 0;

  /// Good as long as this.
  [[nodiscard]] vfs::Credentials for_files() const {
    return {
        .uid = user.file_system, .gid = group.file_system, .groups = std::span(groups).first(group_count)};
  }
};

}  // namespace fb::libos::posix::task
