// Someone who makes ioctls: memory to put to and take from, and files that were opened for it.
#pragma once

#include <vector>

#include "libos/posix/vfs/file.hpp"
#include "tests/libos/posix/vfs/script.hpp"

namespace fb::libos::posix::vfs::test {

class TestIoctl final : public IoctlCaller {
 public:
  TestIoctl() = default;
  explicit TestIoctl(std::span<const std::byte> memory) : in_(memory.begin(), memory.end()) {}
  Answer<> put(std::span<const std::byte> bytes) override {
    if (bytes.size() > most) return fail(Errno::Fault);
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }
  Answer<> take(std::span<std::byte> bytes) override {
    if (bytes.size() > in_.size()) return fail(Errno::Fault);
    std::copy_n(in_.begin(), bytes.size(), bytes.begin());
    return {};
  }
  Waiter& waiter() override { return patience; }
  Answer<std::int32_t> add(const Ref<File>& file, bool /*close_on_exec*/) override {
    files.push_back(file);
    return static_cast<std::int32_t>(files.size());
  }

  Script patience;
  std::size_t most = 4096;  ///< bytes that can be put at once; 0: a bad address
  std::vector<std::byte> out;
  std::vector<Ref<File>> files;

 private:
  std::vector<std::byte> in_;
};

/// What an ioctl gives behind its argument.
template <class T>
Answer<T> asked(File& file, std::uint32_t request) {
  TestIoctl caller;
  FB_TRY(file.ioctl(request, 0, caller));
  T value{};
  if (caller.out.size() != sizeof(T)) return fail(Errno::Domain);
  __builtin_memcpy(&value, caller.out.data(), sizeof(T));
  return value;
}
/// And what it makes of what is there.
template <class T>
Answer<std::uint64_t> told(File& file, std::uint32_t request, const T& value) {
  TestIoctl caller(std::as_bytes(std::span(&value, 1)));
  return file.ioctl(request, 0, caller);
}
/// With a number for an argument, and nothing behind it.
inline Answer<std::uint64_t> done(File& file, std::uint32_t request, std::uint64_t argument = 0) {
  TestIoctl caller;
  caller.most = 0;
  return file.ioctl(request, argument, caller);
}

}  // namespace fb::libos::posix::vfs::test
