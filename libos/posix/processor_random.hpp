// Random bytes from the processor (Intel SDM volume 1, 7.3.17, RDRAND).
#pragma once

#include "libos/posix/vfs/devices.hpp"

namespace fb::libos::posix {

/// Without RDRAND there are only time stamps: what it gives then differs, and can be guessed.
class ProcessorRandom final : public vfs::RandomSource {
 public:
  ProcessorRandom();
  void fill(std::span<std::byte> bytes) override;

 private:
  std::uint64_t next();

  bool has_rdrand_ = false;
  std::uint64_t state_ = 0;
};

}  // namespace fb::libos::posix
