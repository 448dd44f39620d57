// Segment and interrupt descriptors of one CPU (Intel SDM 3A ch. 3.4, 6.14, 7.7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/x86_64/offsets.h"

namespace fb::kernel::arch {

enum class Vector : std::uint8_t {
  DivideError = 0,
  Debug = 1,
  Nmi = 2,
  Breakpoint = 3,
  InvalidOpcode = 6,
  NoFpu = 7,
  DoubleFault = 8,
  GeneralProtection = 13,
  PageFault = 14,
  FpuError = 16,
  MachineCheck = 18,
  SimdError = 19,
  FirstDevice = 32,  ///< I/O APIC inputs
  Timer = 0xf0,
  Kick = 0xf1,
  Panic = 0xf2,
  Spurious = 0xff,
};

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0 = 0;
  std::uint64_t rsp[3]{};
  std::uint64_t reserved1 = 0;
  std::uint64_t ist[7]{};
  std::uint64_t reserved2 = 0;
  std::uint16_t reserved3 = 0;
  std::uint16_t io_bitmap = sizeof(std::uint32_t) * 26;  ///< beyond the limit: no port is open to ring 3
};
static_assert(sizeof(TaskState) == 104 && offsetof(TaskState, ist) == 36);

/// Which of a CPU's own stacks a vector runs on; 0 is the kernel stack.
enum class OwnStack : std::uint8_t { None, Debug, Nmi, DoubleFault, MachineCheck };
inline constexpr unsigned kOwnStacks = 4;

/// The GDT and TSS of one CPU. Selectors as `sysret` wants them: user data, then user code.
class Descriptors {
 public:
  /// Fills the tables and loads GDT, task register and segment registers on the calling CPU.
  void load(std::uint64_t kernel_stack, const std::array<std::uint64_t, kOwnStacks>& own_stacks);

 private:
  std::array<std::uint64_t, 7> gdt_{};
  alignas(16) TaskState tss_;
};

/// Builds the interrupt table once; `load` makes a CPU use it. Only int3 may be raised by ring 3.
class InterruptTable {
 public:
  void build();
  void load() const;

 private:
  struct Gate {
    std::uint64_t low, high;
  };
  static_assert(sizeof(Gate) == 16);
  alignas(16) std::array<Gate, 256> gates_{};
};

}  // namespace fb::kernel::arch
