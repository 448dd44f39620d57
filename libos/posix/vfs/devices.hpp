// Character devices that need nothing but the LibOS: null, zero, full, random, urandom.
#pragma once

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::vfs {

/// Where devices are opened by number. A LibOS chains its own (terminals) before MemoryDevices.
class Devices {
 public:
  /// Errors: NoDeviceOrAddress when there is no such device.
  virtual Answer<Ref<File>> open(const Ref<Inode>& inode, std::uint32_t flags) = 0;

 protected:
  ~Devices() = default;
};

class RandomSource {
 public:
  virtual void fill(std::span<std::byte> bytes) = 0;

 protected:
  ~RandomSource() = default;
};

enum class MemoryDevice : std::uint8_t { Null = 3, Zero = 5, Full = 7, Random = 8, UnlimitedRandom = 9 };

class MemoryDevices final : public Devices {
 public:
  static constexpr std::uint32_t kMajor = 1;
  /// `random` outlives every file of it.
  explicit MemoryDevices(RandomSource& random) : random_(random) {}
  Answer<Ref<File>> open(const Ref<Inode>& inode, std::uint32_t flags) override;

 private:
  RandomSource& random_;
};

}  // namespace fb::libos::posix::vfs
