// Where bytes of a read go and bytes of a write come from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::vfs {

/// A program's memory, found anew for each piece: a call may have waited in between, and the memory be gone.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// Behind what was put before; all of it or nothing. Errors: Fault.
  virtual Answer<> put(std::span<const std::byte> bytes) = 0;

 protected:
  ~Output() = default;
};

class Input {
 public:
  Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  /// The next bytes; fills all of `bytes`, or fails, and then what it holds does not count. Errors: Fault.
  virtual Answer<> take(std::span<std::byte> bytes) = 0;

 protected:
  ~Input() = default;
};

/// Memory of the LibOS itself. Fault at its end.
class BytesOutput final : public Output {
 public:
  explicit BytesOutput(std::span<std::byte> room) : room_(room) {}
  Answer<> put(std::span<const std::byte> bytes) override {
    if (bytes.size() > room_.size()) return fail(Errno::Fault);
    std::ranges::copy(bytes, room_.data());
    room_ = {room_.data() + bytes.size(), room_.size() - bytes.size()};
    return {};
  }

 private:
  std::span<std::byte> room_;
};

class BytesInput final : public Input {
 public:
  explicit BytesInput(std::span<const std::byte> left) : left_(left) {}
  Answer<> take(std::span<std::byte> bytes) override {
    if (bytes.size() > left_.size()) return fail(Errno::Fault);
    std::copy_n(left_.data(), bytes.size(), bytes.data());
    left_ = {left_.data() + bytes.size(), left_.size() - bytes.size()};
    return {};
  }

 private:
  std::span<const std::byte> left_;
};

}  // namespace fb::libos::posix::vfs
