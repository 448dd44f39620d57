#include "libos/posix/vfs/devices.hpp"

#include <algorithm>
#include <array>

namespace fb::libos::posix::vfs {
namespace {

class MemoryFile final : public File {
 public:
  MemoryFile(const Ref<Inode>& inode, std::uint32_t flags, MemoryDevice device, RandomSource& random)
      : File(inode, flags), device_(device), random_(random) {}
  /// There is nothing to seek, and nothing wrong with it.
  Answer<std::uint64_t> seek(std::int64_t /*offset*/, Whence /*whence*/) override { return 0; }
  [[nodiscard]] bool pollable() const override { return random(); }

 private:
  static constexpr std::size_t kPiece = 256;

  bool random() const { return device_ == MemoryDevice::Random || device_ == MemoryDevice::UnlimitedRandom; }
  Answer<std::size_t> on_read(Output& out, std::size_t count, Waiter& /*waiter*/) override {
    if (device_ == MemoryDevice::Null) return 0;
    std::array<std::byte, kPiece> bytes{};
    std::size_t done = 0;
    while (done < count) {
      const std::size_t piece = std::min(count - done, kPiece);
      if (random()) random_.fill({bytes.data(), piece});
      if (const auto put = out.put({bytes.data(), piece}); !put) {
        if (done == 0) return fail(put.error());
        break;
      }
      done += piece;
    }
    return done;
  }
  /// What is written to random is thrown away: nobody may stir the source.
  Answer<std::size_t> on_write(Input& /*in*/, std::size_t count, Waiter& /*waiter*/) override {
    if (device_ == MemoryDevice::Full && count != 0) return fail(Errno::NoSpace);
    return count;
  }
  Answer<std::size_t> on_read_at(std::uint64_t /*offset*/, Output& out, std::size_t count) override;
  Answer<std::size_t> on_write_at(std::uint64_t /*offset*/, Input& in, std::size_t count) override;

  MemoryDevice device_;
  RandomSource& random_;
};

/// These devices never wait.
class NoWaiter final : public Waiter {
 public:
  [[nodiscard]] core::Nanoseconds now() const override { return {}; }
  Answer<> sleep(core::Nanoseconds /*deadline*/) override { return fail(Errno::Restart); }
  void wake() override {}
};

Answer<std::size_t> MemoryFile::on_read_at(std::uint64_t /*offset*/, Output& out, std::size_t count) {
  NoWaiter waiter;
  return on_read(out, count, waiter);
}

Answer<std::size_t> MemoryFile::on_write_at(std::uint64_t /*offset*/, Input& in, std::size_t count) {
  NoWaiter waiter;
  return on_write(in, count, waiter);
}

}  // namespace

Answer<Ref<File>> MemoryDevices::open(const Ref<Inode>& inode, std::uint32_t flags) {
  for (const auto device : {MemoryDevice::Null, MemoryDevice::Zero, MemoryDevice::Full, MemoryDevice::Random,
                            MemoryDevice::UnlimitedRandom}) {
    if (inode->attributes().rdev != make_device(kMajor, static_cast<std::uint32_t>(device))) continue;
    return make_shared<MemoryFile>(inode, flags, device, random_);
  }
  return fail(Errno::NoDeviceOrAddress);
}

}  // namespace fb::libos::posix::vfs
