// The 16550 that the kernel writes its boot messages and panics to (NS16550A data sheet). Polled, output only.
#pragma once

#include <string_view>

#include "kernel/arch/x86_64/ops.hpp"

namespace fb::kernel::arch {

class Uart {
 public:
  explicit constexpr Uart(std::uint16_t base) : base_(base) {}

  void initialise() const {
    write(Register::InterruptEnable, 0);
    write(Register::LineControl, kDivisorLatch);
    write(Register::Data, 1);  // divisor 1: 115,200 baud
    write(Register::InterruptEnable, 0);
    write(Register::LineControl, kEightBits);
    write(Register::FifoControl, kFifoEnable);
    write(Register::ModemControl, kReady);
  }
  /// Bounded wait: a machine without this device must still boot.
  void put(std::string_view text) const {
    for (const char c : text) {
      for (unsigned i = 0; i < 100'000 && (read(Register::LineStatus) & kTransmitEmpty) == 0; ++i) pause();
      write(Register::Data, static_cast<std::uint8_t>(c));
    }
  }

 private:
  enum class Register : std::uint16_t {
    Data,
    InterruptEnable,
    FifoControl,
    LineControl,
    ModemControl,
    LineStatus
  };
  static constexpr std::uint8_t kDivisorLatch = 0x80, kEightBits = 0x03, kFifoEnable = 0x07, kReady = 0x0b;
  static constexpr std::uint8_t kTransmitEmpty = 0x20;

  void write(Register r, std::uint8_t value) const {
    out8(static_cast<std::uint16_t>(base_ + static_cast<std::uint16_t>(r)), value);
  }
  [[nodiscard]] std::uint8_t read(Register r) const {
    return in8(static_cast<std::uint16_t>(base_ + static_cast<std::uint16_t>(r)));
  }

  std::uint16_t base_;
};

inline constexpr std::uint16_t kCom1 = 0x3f8;
inline constexpr std::uint16_t kCom2 = 0x2f8;

}  // namespace fb::kernel::arch
