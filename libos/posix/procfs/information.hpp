// Where /proc and /sys get what they tell from: the LibOS, or a test.
#pragma once

#include "libos/posix/procfs/state.hpp"
#include "libos/posix/vfs/descriptors.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::procfs {

/// What a process's memory holds of its start.
enum class StartPart : std::uint8_t { Arguments, Environment, Auxiliary };
/// What links of a process lead to.
enum class Held : std::uint8_t { Executable, Directory, Root };

/// RLIMIT_CPU to RLIMIT_RTTIME, by their numbers.
using LimitStates = std::array<LimitState, 16>;

/// Everything is as it is at the moment of the question. Errors, where not said otherwise: NoProcess when there is none of
/// that number, or it has ended so far that there is nothing left of it.
class Information {
 public:
  /// Whose call it is that looks at /proc.
  [[nodiscard]] virtual Subject caller() const = 0;
  /// Where that one's paths begin.
  [[nodiscard]] virtual vfs::Place place() const = 0;

  [[nodiscard]] virtual SystemState system() const = 0;
  [[nodiscard]] virtual ProcessorState processor(std::uint32_t number) const = 0;

  /// The next number above `after`; none at the end.
  [[nodiscard]] virtual std::optional<Pid> next_process(Pid after) const = 0;
  [[nodiscard]] virtual std::optional<Pid> next_thread(Pid process, Pid after) const = 0;
  [[nodiscard]] virtual Answer<ProcessState> state(Subject subject) const = 0;
  /// What of it each name below /proc asks for.
  struct Owner {
    std::uint32_t user, group;  ///< effective
    core::Nanoseconds start;
  };
  [[nodiscard]] virtual Answer<Owner> owner(Subject subject) const {
    FB_ASSIGN(const ProcessState its, state(subject));
    return Owner{.user = its.uid[1], .group = its.gid[1], .start = its.start};
  }
  /// SystemState::boot.
  [[nodiscard]] virtual core::Nanoseconds boot() const { return system().boot; }

  /// As much as there is from `offset` on, 0 at the end. Errors: Access.
  [[nodiscard]] virtual Answer<std::size_t> start_part(Pid process, StartPart part, std::uint64_t offset,
                                                       std::span<char> room) const = 0;
  /// The first area that ends above `address`; none at the end.
  [[nodiscard]] virtual Answer<std::optional<AreaState>> area(Pid process, std::uint64_t address) const = 0;
  /// Errors: NoEntry where there is none: no program, or an ended process.
  [[nodiscard]] virtual Answer<vfs::Target> held(Pid process, Held what) const = 0;
  [[nodiscard]] virtual Answer<LimitStates> limits(Pid process) const = 0;

  /// The first that is open and at least `from`.
  [[nodiscard]] virtual std::optional<vfs::Descriptor> next_descriptor(Pid process,
                                                                       vfs::Descriptor from) const = 0;
  struct Open {
    Ref<vfs::File> file;
    bool close_on_exec;
  };
  /// Errors: BadDescriptor.
  [[nodiscard]] virtual Answer<Open> descriptor(Pid process, vfs::Descriptor number) const = 0;

  /// At most 15 bytes.
  virtual Answer<> set_name(Subject subject, std::string_view name) = 0;
  /// -1000 to 1000.
  virtual Answer<> set_oom_adjustment(Pid process, std::int32_t value) = 0;

 protected:
  ~Information() = default;
};

}  // namespace fb::libos::posix::procfs
