// Rights of a capability and authorities of a zone: two Boolean lattices of named bits.
#pragma once

#include <cstdint>

#include "core/types.hpp"

namespace fb::core::cap {

/// A subset of named bits, ordered by inclusion: `meet` is intersection, `join` is union (DESIGN §4, C3.02, E3.01).
template <class Name>
class BitSet {
 public:
  constexpr BitSet() = default;
  constexpr explicit BitSet(std::uint64_t raw) : raw_(raw) {}
  // NOLINTNEXTLINE(google-explicit-constructor): a bit is a set
  constexpr BitSet(Name name) : raw_(std::uint64_t{1} << static_cast<unsigned>(name)) {}

  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }
  [[nodiscard]] constexpr bool empty() const { return raw_ == 0; }
  [[nodiscard]] constexpr BitSet meet(BitSet other) const { return BitSet(raw_ & other.raw_); }
  [[nodiscard]] constexpr BitSet join(BitSet other) const { return BitSet(raw_ | other.raw_); }
  [[nodiscard]] constexpr BitSet without(BitSet other) const { return BitSet(raw_ & ~other.raw_); }
  /// The order of the lattice: this set is no larger than `other`.
  [[nodiscard]] constexpr bool within(BitSet other) const { return (raw_ & ~other.raw_) == 0; }
  [[nodiscard]] constexpr bool has(BitSet other) const { return other.within(*this); }
  constexpr bool operator==(const BitSet&) const = default;

 private:
  std::uint64_t raw_{};
};

enum class Right : std::uint8_t {
#define FB_RIGHT(name, cname, bit, text) name = (bit),
#include "core/cap/rights.def"
#undef FB_RIGHT
};
using Rights = BitSet<Right>;

enum class Authority : std::uint8_t {
#define FB_AUTHORITY(name, cname, bit, zone, text) name = (bit),
#include "core/cap/authorities.def"
#undef FB_AUTHORITY
};
using Authorities = BitSet<Authority>;

constexpr Rights operator|(Rights a, Rights b) { return a.join(b); }
constexpr Rights operator|(Right a, Right b) { return Rights(a).join(b); }
constexpr Authorities operator|(Authorities a, Authorities b) { return a.join(b); }
constexpr Authorities operator|(Authority a, Authority b) { return Authorities(a).join(b); }

/// Every right there is; a mask with other bits is refused.
inline constexpr Rights kAllRights{0
#define FB_RIGHT(name, cname, bit, text) | (std::uint64_t{1} << (bit))
#include "core/cap/rights.def"
#undef FB_RIGHT
};

inline constexpr Rights kReadWriteExecute = Right::Read | Right::Write | Right::Execute;

/// What is asked of a capability, as one set: rights in the low half, a bit for each type in the high half. An entry
/// keeps the complement of what it is good for, so that a lookup checks both with one mask (CAP-7). Any word is a
/// demand: what its bits ask for beyond the types and rights there are, no capability has.
using Demand = Strong<struct DemandTag>;
/// These rights, to an object of whatever type.
constexpr Demand demand(Rights need) { return Demand(need.raw()); }

/// A zone is a ceiling on authority, not a ring (E1, CAP-8).
enum class Zone : std::uint8_t { Kernel, Libos, User };

/// The most a domain of this zone may ever hold; Kernel's ceiling is ROOT.
constexpr Authorities ceiling(Zone zone) {
  std::uint64_t bits = 0;
#define FB_AUTHORITY(name, cname, bit, lowest, text) \
  if (zone <= Zone::lowest) bits |= std::uint64_t{1} << (bit);
#include "core/cap/authorities.def"
#undef FB_AUTHORITY
  return Authorities(bits);
}

}  // namespace fb::core::cap
