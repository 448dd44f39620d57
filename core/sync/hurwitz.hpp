// Hurwitz quaternions in exact integers, and the group of their 24 units (Conway and Smith, On Quaternions and Octonions, 5).
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace fb::core::sync {

/// A quaternion whose components are all integers or all halves of odd ones. They are kept doubled, so that nothing is
/// rounded. Products of components must fit: below 2^14 or so they do.
struct Hurwitz {
  std::int32_t w2, x2, y2, z2;

  /// Whether the doubled components are those of one: all even, or all odd.
  [[nodiscard]] constexpr bool valid() const {
    return ((w2 ^ x2) & 1) == 0 && ((w2 ^ y2) & 1) == 0 && ((w2 ^ z2) & 1) == 0;
  }
  [[nodiscard]] constexpr Hurwitz conjugate() const { return {w2, -x2, -y2, -z2}; }
  /// An integer, and multiplicative: |pq| = |p||q|. So turning by a unit never changes it.
  [[nodiscard]] constexpr std::int32_t norm() const { return (w2 * w2 + x2 * x2 + y2 * y2 + z2 * z2) / 4; }

  /// Hamilton's product. The halves are exact: the product of two is one again.
  friend constexpr Hurwitz operator*(const Hurwitz& a, const Hurwitz& b) {
    return {(a.w2 * b.w2 - a.x2 * b.x2 - a.y2 * b.y2 - a.z2 * b.z2) / 2,
            (a.w2 * b.x2 + a.x2 * b.w2 + a.y2 * b.z2 - a.z2 * b.y2) / 2,
            (a.w2 * b.y2 - a.x2 * b.z2 + a.y2 * b.w2 + a.z2 * b.x2) / 2,
            (a.w2 * b.z2 + a.x2 * b.y2 - a.y2 * b.x2 + a.z2 * b.w2) / 2};
  }
  constexpr bool operator==(const Hurwitz&) const = default;
};

inline constexpr Hurwitz kOne{2, 0, 0, 0};
inline constexpr Hurwitz kI{0, 2, 0, 0};
inline constexpr Hurwitz kJ{0, 0, 2, 0};
inline constexpr Hurwitz kOmega{-1, 1, 1, 1};  ///< of order 3

inline constexpr std::uint32_t kUnits = 24;

/// One of the 24 units, as its code: j^a i^b omega^c is 12a + 3b + c, with a < 2, b < 4, c < 3. No unit has an order above
/// 6, so no single turn visits them all; counting the code up does.
class HurwitzUnit {
 public:
  constexpr HurwitzUnit() = default;
  /// Of any number: its remainder.
  constexpr explicit HurwitzUnit(std::uint32_t number) : code_(static_cast<std::uint8_t>(number % kUnits)) {}
  [[nodiscard]] constexpr std::uint8_t code() const { return code_; }
  [[nodiscard]] constexpr Hurwitz value() const;
  [[nodiscard]] constexpr HurwitzUnit inverse() const;
  friend constexpr HurwitzUnit operator*(HurwitzUnit a, HurwitzUnit b);
  constexpr bool operator==(const HurwitzUnit&) const = default;

 private:
  std::uint8_t code_ = 0;
};

/// Values by code, and products by both codes: made from the arithmetic above when it is compiled.
struct UnitTables {
  std::array<Hurwitz, kUnits> values{};
  std::array<std::array<std::uint8_t, kUnits>, kUnits> products{};

  constexpr UnitTables() {
    for (std::uint32_t code = 0; code != kUnits; ++code) {
      Hurwitz value = code / 12 == 0 ? kOne : kJ;
      for (std::uint32_t turns = code / 3 % 4; turns != 0; --turns) value = value * kI;
      for (std::uint32_t turns = code % 3; turns != 0; --turns) value = value * kOmega;
      values[code] = value;
    }
    for (std::uint32_t a = 0; a != kUnits; ++a) {
      for (std::uint32_t b = 0; b != kUnits; ++b) products[a][b] = code_of(values[a] * values[b]);
    }
  }
  /// kUnits when it is no unit.
  [[nodiscard]] constexpr std::uint8_t code_of(const Hurwitz& value) const {
    std::uint8_t code = 0;
    while (code != kUnits && !(values[code] == value)) ++code;
    return code;
  }
};
inline constexpr UnitTables kUnitTables;

constexpr Hurwitz HurwitzUnit::value() const { return kUnitTables.values[code_]; }
constexpr HurwitzUnit HurwitzUnit::inverse() const {
  return HurwitzUnit(kUnitTables.code_of(value().conjugate()));
}
constexpr HurwitzUnit operator*(HurwitzUnit a, HurwitzUnit b) {
  return HurwitzUnit(kUnitTables.products[a.code_][b.code_]);
}

}  // namespace fb::core::sync
