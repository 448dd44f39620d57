// What /proc tells of the system and of processes, as values.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/types.hpp"
#include "libos/posix/vfs/origin.hpp"

namespace fb::libos::posix::procfs {

/// A process, or a thread as gettid() names it; 0 is none.
using Pid = core::Strong<struct PidTag, std::int32_t>;

/// Whose numbers are asked for: of the whole process when `thread` is none.
struct Subject {
  Pid process{}, thread{};
  bool operator==(const Subject&) const = default;
};

struct Usage {
  core::Nanoseconds user{}, system{};
  std::uint64_t minor_faults = 0, major_faults = 0;
};

/// Sizes in bytes, and addresses.
struct MemoryState {
  std::uint64_t size = 0, peak_size = 0, resident = 0, peak_resident = 0, shared = 0, code = 0, data = 0,
                stack = 0, page_tables = 0;
  std::uint64_t code_start = 0, code_end = 0, data_start = 0, data_end = 0, break_start = 0, stack_start = 0;
  std::uint64_t arguments_start = 0, arguments_end = 0, environment_start = 0, environment_end = 0;
};

/// Bit n - 1 is signal n.
struct SignalState {
  std::uint64_t pending = 0, pending_shared = 0, blocked = 0, ignored = 0, caught = 0, queued = 0;
};

struct TransferState {
  std::uint64_t read_bytes = 0, written_bytes = 0, read_calls = 0, write_calls = 0;
};

/// Ids are real, effective, saved, and of the file system. `start` is since boot, `terminal` a device number as stat has it.
struct ProcessState {
  Pid parent{}, group{}, session{}, foreground{};
  std::uint64_t terminal = 0;
  char state = 'R';  ///< R, S, D, T, t, Z, X
  std::array<char, 16> name{};
  std::array<std::uint32_t, 4> uid{}, gid{};
  std::span<const std::uint32_t> groups{};  ///< looked at before anything else is asked for
  std::uint32_t umask = 022, threads = 1, processor = 0, descriptors = 64;
  std::int32_t priority = 20, nice = 0, exit_signal = 17, exit_status = 0, oom_adjustment = 0;
  std::uint32_t policy = 0, real_time_priority = 0;
  std::uint64_t processors = ~std::uint64_t{0};  ///< that it may run on
  core::Nanoseconds start{};
  Usage own{}, children{};
  MemoryState memory{};
  SignalState signals{};
  TransferState transfers{};
  std::uint64_t capabilities = 0, waits = 0, preemptions = 0;

  [[nodiscard]] std::string_view comm() const {
    std::size_t size = 0;
    while (size != name.size() && name[size] != '\0') ++size;
    return {name.data(), size};
  }
};

/// One area of an address space. A `label` ("[heap]") where there is no file.
struct AreaState {
  std::uint64_t start = 0, end = 0, offset = 0;
  std::uint32_t protection = 0;
  bool shared = false, grows_down = false;
  std::uint64_t resident = 0;  ///< bytes
  vfs::Target file{};
  std::string_view label{};
};

struct LimitState {
  std::uint64_t soft = ~std::uint64_t{0}, hard = ~std::uint64_t{0};
};

struct ProcessorState {
  core::Nanoseconds user{}, system{}, idle{};
};
struct ProcessorModel {
  std::string_view vendor = "unknown", name = "unknown", flags{};
  std::uint32_t family = 0, model = 0, stepping = 0, kilohertz = 0, cache_kilobytes = 0;
  std::uint32_t physical_bits = 46, virtual_bits = 48;
};

/// Memory in bytes; loads in hundredths; `boot` is since 1970.
struct SystemState {
  core::Nanoseconds uptime{}, idle{}, boot{};
  std::uint64_t memory = 0, free_memory = 0, cached_memory = 0, shared_memory = 0;
  std::array<std::uint32_t, 3> load{};
  std::uint32_t processors = 1, running = 1, threads = 1;
  Pid last{};
  std::uint64_t switches = 0, interrupts = 0, forks = 0;
  std::string_view host = "localhost", release = "6.12.0", version = "#1", command_line{};
  ProcessorModel model{};
};

}  // namespace fb::libos::posix::procfs
