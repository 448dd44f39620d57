// A capability that this domain gives up when its owner goes.
#pragma once

#include <utility>

#include "abi/calls.hpp"

namespace fb::libos::rt {

/// The one owner of a capability: move-only; dropping it ends what was derived from it, and destroys the object
/// when it is the creating capability (CAP-4). Not for concurrent use.
template <abi::ObjectType T>
class [[nodiscard]] Owned {
 public:
  Owned() = default;
  explicit Owned(abi::Cap<T> cap) : cap_(cap) {}
  Owned(Owned&& other) noexcept : cap_(other.release()) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) {
      reset();
      cap_ = other.release();
    }
    return *this;
  }
  ~Owned() { reset(); }

  [[nodiscard]] abi::Cap<T> get() const { return cap_; }
  [[nodiscard]] bool none() const { return cap_.none(); }
  /// The caller has to drop it from now on.
  abi::Cap<T> release() { return std::exchange(cap_, {}); }
  /// Drops it now. A refusal means that it has been revoked from above: gone either way.
  void reset() {
    if (cap_.none()) return;
    [[maybe_unused]] const auto dropped = abi::calls::cap_drop(std::exchange(cap_, {}));
  }

 private:
  abi::Cap<T> cap_;
};

/// Takes ownership of what a creating call returned.
template <abi::ObjectType T>
core::Result<Owned<T>> own(core::Result<abi::Cap<T>> created) {
  if (!created) return core::fail(created.error());
  return Owned<T>(*created);
}

}  // namespace fb::libos::rt
