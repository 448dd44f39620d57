// One object of each type that can be made today, for tests that go through all of them.
#pragma once

#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

namespace fb::test {

/// Device 1, which the harness does not use.
inline constexpr std::uint64_t kSpareDevice = 1;

class Objects {
 public:
  static constexpr std::array kTypes{T::Domain, T::AddressSpace, T::Pages,  T::Context, T::Gate,
                                     T::Event,  T::Timer,        T::Device, T::AsyncOp, T::Budget};
  explicit Objects(Where where = Where::current());
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  ~Objects();

  /// The creating capability; 0 for a type that cannot be made yet.
  [[nodiscard]] std::uint64_t operator[](T type) const { return handles_[static_cast<std::size_t>(type)]; }

 private:
  std::uint64_t& at(T type) { return handles_[static_cast<std::size_t>(type)]; }
  std::array<std::uint64_t, 16> handles_{};
};

}  // namespace fb::test
