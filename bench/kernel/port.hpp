// What the bench program says, on COM1, and how it ends. Devices by their numbers in the kernel's platform list.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/exo.h"

namespace fb::bench {

/// The serial line, polled. A core::text::Sink.
class Port {
 public:
  /// Obtains the devices; an EXO_ status.
  std::uint64_t open();
  void put(std::string_view text);
  /// Waits for one byte.
  char get();
  /// Ends the emulator with status 0.
  [[noreturn]] void power_off();

 private:
  exo_cap com1_ = 0;
  exo_cap power_ = 0;
};

}  // namespace fb::bench
