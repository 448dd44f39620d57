// Strong types for the integers that cross interfaces: addresses, sizes, identifiers, times.
// A Strong<Tag> converts to and from its representation only explicitly; a Quantity adds and subtracts.
#pragma once

#include <compare>
#include <cstdint>

namespace fb::core {

template <class Tag, class Rep = std::uint64_t>
class Strong {
 public:
  using Representation = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep raw) : raw_(raw) {}
  [[nodiscard]] constexpr Rep raw() const { return raw_; }
  constexpr auto operator<=>(const Strong&) const = default;

 private:
  Rep raw_{};
};

/// A Strong that may be added to, subtracted from and scaled by plain numbers (wraps like its representation).
template <class Tag, class Rep = std::uint64_t>
class Quantity {
 public:
  using Representation = Rep;
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep raw) : raw_(raw) {}
  [[nodiscard]] constexpr Rep raw() const { return raw_; }
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity other) const { return Quantity(static_cast<Rep>(raw_ + other.raw_)); }
  constexpr Quantity operator-(Quantity other) const { return Quantity(static_cast<Rep>(raw_ - other.raw_)); }
  constexpr Quantity operator*(Rep factor) const { return Quantity(static_cast<Rep>(raw_ * factor)); }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

 private:
  Rep raw_{};
};

inline constexpr std::uint64_t kPageShift = 12;
inline constexpr std::uint64_t kPageSize = std::uint64_t{1} << kPageShift;
inline constexpr std::uint64_t kPageMask = kPageSize - 1;

using ByteCount = Quantity<struct ByteCountTag>;
using PageCount = Quantity<struct PageCountTag>;
using Nanoseconds = Quantity<struct NanosecondsTag>;
using Ticks = Quantity<struct TicksTag>;  ///< time-stamp counter increments
using CpuId = Strong<struct CpuIdTag, std::uint32_t>;

/// Frame number: physical address >> 12.
using FrameNumber = Quantity<struct FrameNumberTag>;

class PhysAddr : public Quantity<struct PhysAddrTag> {
 public:
  using Quantity::Quantity;
  constexpr explicit PhysAddr(FrameNumber frame) : Quantity(frame.raw() << kPageShift) {}
  [[nodiscard]] constexpr FrameNumber frame() const { return FrameNumber(raw() >> kPageShift); }
  [[nodiscard]] constexpr bool page_aligned() const { return (raw() & kPageMask) == 0; }
  constexpr PhysAddr operator+(ByteCount bytes) const { return PhysAddr(raw() + bytes.raw()); }
};

class VirtAddr : public Quantity<struct VirtAddrTag> {
 public:
  using Quantity::Quantity;
  [[nodiscard]] constexpr bool page_aligned() const { return (raw() & kPageMask) == 0; }
  constexpr VirtAddr operator+(ByteCount bytes) const { return VirtAddr(raw() + bytes.raw()); }
};

/// End of the user half with 4-level paging, less one guard page: a `syscall` that ends at the last canonical
/// byte would make `sysret` fault in ring 0 (Intel SDM 2B, SYSRET; CVE-2012-0217).
inline constexpr std::uint64_t kUserEnd = 0x0000'7fff'ffff'f000;

/// True when [start, start + bytes) lies in the user half; no overflow for any input.
constexpr bool user_range(VirtAddr start, ByteCount bytes) {
  return start.raw() < kUserEnd && bytes.raw() <= kUserEnd - start.raw();
}

constexpr PageCount pages_for(ByteCount bytes) {
  return PageCount((bytes.raw() >> kPageShift) + ((bytes.raw() & kPageMask) != 0 ? 1 : 0));
}
constexpr ByteCount bytes_of(PageCount pages) { return ByteCount(pages.raw() << kPageShift); }

}  // namespace fb::core
