// CPU time is owned in slots: each CPU's round has 64 of them.
#pragma once

#include <compare>
#include <cstdint>

#include "core/cap/rights.hpp"
#include "core/result.hpp"

namespace fb::core::sched {

/// Position in the round of one CPU; always below kCount.
class Slot {
 public:
  static constexpr std::uint64_t kCount = 64;

  /// Decodes an untrusted number; BadArgument when there is no such slot.
  static constexpr Result<Slot> from(std::uint64_t raw) {
    if (raw >= kCount) return fail(Error::BadArgument);
    return Slot(static_cast<std::uint8_t>(raw));
  }
  constexpr Slot() = default;  ///< the first one
  [[nodiscard]] constexpr std::uint8_t index() const { return index_; }
  constexpr explicit operator unsigned() const { return index_; }
  constexpr auto operator<=>(const Slot&) const = default;

 private:
  friend constexpr Slot lowest(cap::BitSet<Slot> slots);
  constexpr explicit Slot(std::uint8_t index) : index_(index) {}
  std::uint8_t index_ = 0;
};

/// Slots of one CPU.
using SlotMask = cap::BitSet<Slot>;

/// The first of `slots`, which must not be empty.
constexpr Slot lowest(SlotMask slots) {
  return Slot(static_cast<std::uint8_t>(__builtin_ctzll(slots.raw())));
}

}  // namespace fb::core::sched
