// What there is one of.
#pragma once

#include "kernel/object/cpu.hpp"

namespace fb::kernel::object {

/// A device of the platform: a range of I/O ports and an interrupt line.
struct PlatformDevice {
  std::uint16_t first_port;
  std::uint16_t ports;
  std::uint8_t line;  ///< ISA interrupt, or kNoLine
  static constexpr std::uint8_t kNoLine = 0xff;
};

/// Length of a slice (DESIGN §5 "CPU time").
inline constexpr core::Nanoseconds kSlice{1'000'000};

struct Kernel {
  Kernel(const arch::Features& f, std::span<mem::Frame> frames) : features(f), memory(frames) {}

  arch::Features features;
  arch::InterruptTable interrupts;
  mem::Memory memory;
  mem::TableMachine table_machine{memory};
  arch::KernelTables* tables = nullptr;
  std::array<Cpu*, core::budget::kMaxCpus> cpus{};
  std::atomic<unsigned> cpu_count{0};  ///< CPUs that are up, numbered from 0
  Budget* root_budget = nullptr;
  arch::RankedLock<arch::Rank::Budget> budget_lock;

  core::Ticks boot_start{};
  core::Ticks boot_ticks{};
  std::uint64_t ticks_per_second = 0;
  std::uint64_t nanoseconds_per_tick = 0;  ///< 32.32 fixed point
  std::uint64_t ticks_per_nanosecond = 0;  ///< 32.32 fixed point
  core::Nanoseconds realtime_at_zero{};    ///< wall-clock time at TSC boot_start
  core::Ticks slice_ticks{};

  static constexpr unsigned kDevices = 4;
  std::array<PlatformDevice, kDevices> platform{};
  std::array<std::atomic<Device*>, kDevices> devices{};

  /// Nanoseconds since boot.
  [[nodiscard]] core::Nanoseconds to_nanoseconds(core::Ticks at) const {
    const auto wide = static_cast<unsigned __int128>((at - boot_start).raw()) * nanoseconds_per_tick;
    return core::Nanoseconds(static_cast<std::uint64_t>(wide >> 32));
  }
  /// The TSC at a time since boot; what lies beyond the counter is never.
  [[nodiscard]] core::Ticks to_ticks(core::Nanoseconds time) const {
    const auto wide = (static_cast<unsigned __int128>(time.raw()) * ticks_per_nanosecond) >> 32;
    const auto low = static_cast<std::uint64_t>(wide);
    return wide >> 63 != 0 ? Cpu::kIdleDeadline : core::Ticks(low) + boot_start;
  }
};

}  // namespace fb::kernel::object
