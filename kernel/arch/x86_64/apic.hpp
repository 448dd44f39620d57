// Local APIC of the calling CPU (Intel SDM 3A ch. 11): x2APIC where the CPU has it, else registers in memory.
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "kernel/arch/x86_64/descriptors.hpp"
#include "kernel/arch/x86_64/features.hpp"

namespace fb::kernel::arch {

using ApicId = core::Strong<struct ApicIdTag, std::uint32_t>;

class Apic {
 public:
  /// Chooses the access mode once, for all CPUs. `registers` is the mapped page for the memory mode.
  static void choose(const Features& features, core::VirtAddr registers);
  /// Turns the calling CPU's APIC on, timer in one-shot mode and masked until armed.
  static void enable();
  [[nodiscard]] static ApicId id();
  static void end_of_interrupt();
  static void send(ApicId target, Vector vector);
  static void send_init(ApicId target);
  static void send_startup(ApicId target, std::uint8_t page);
  static void stop_others();
  /// Arms the timer: an interrupt at TSC `deadline`, at once if that has passed. One shot.
  static void arm(core::Ticks deadline);

  /// Measures the TSC and the APIC timer against the 8254 (channel 2, 1.193182 MHz) for `window`.
  static void calibrate();
  [[nodiscard]] static std::uint64_t ticks_per_second() { return ticks_per_second_; }

 private:
  enum class Register : std::uint32_t {
    Id = 0x20,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    CommandLow = 0x300,
    CommandHigh = 0x310,
    Timer = 0x320,
    Lint0 = 0x350,
    Lint1 = 0x360,
    Error = 0x370,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    Divide = 0x3e0,
  };
  static std::uint32_t read(Register r);
  static void write(Register r, std::uint32_t value);
  static void command(ApicId target, std::uint32_t low);

  static bool x2_;
  static bool tsc_deadline_;
  static std::uint64_t registers_;
  static std::uint64_t ticks_per_second_;
  static std::uint64_t timer_ratio_;  ///< APIC timer counts per TSC tick, 32.32 fixed point
};

}  // namespace fb::kernel::arch
