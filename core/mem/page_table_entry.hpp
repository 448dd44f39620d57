// One entry of an x86-64 paging structure, and what a mapping may allow (Intel SDM vol. 3A, chapter 4).
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::mem {

/// Whether the processor has used a translation since the bits were last cleared (SDM 3A, 4.8).
struct AccessBits {
  bool accessed = false;
  bool dirty = false;
  constexpr bool operator==(const AccessBits&) const = default;
};

/// How the processor caches the memory: entries 0 and 3 of the PAT as it is after reset (SDM 3A, 11.12.4).
/// The values are bits of an entry: PWT and PCD.
enum class MemoryType : std::uint64_t { WriteBack = 0, Uncached = 0x18 };

/// What a mapping allows: read, read-write or read-execute. There is no value for anything else, so that no
/// leaf made from one can be writable and executable (W^X, C2.13).
class Permissions {
 public:
  /// The bits of the rights of the same names (core/cap/rights.def).
  static constexpr std::uint64_t kRead = 1;
  static constexpr std::uint64_t kWrite = 2;
  static constexpr std::uint64_t kExecute = 4;

  /// WriteExecute: both are asked for. BadArgument: no read, or a bit that has no meaning here.
  [[nodiscard]] static constexpr Result<Permissions> from_bits(std::uint64_t bits) {
    if (bits == kRead) return read_only();
    if (bits == (kRead | kWrite)) return read_write();
    if (bits == (kRead | kExecute)) return read_execute();
    const bool both = (bits & (kWrite | kExecute)) == (kWrite | kExecute);
    return fail(both ? Error::WriteExecute : Error::BadArgument);
  }
  [[nodiscard]] static constexpr Permissions read_only() { return Permissions(0); }
  [[nodiscard]] static constexpr Permissions read_write() { return Permissions(kEntryWritable); }
  [[nodiscard]] static constexpr Permissions read_execute() { return Permissions(kEntryExecutable); }

  [[nodiscard]] constexpr std::uint64_t bits() const {
    return kRead | (writable() ? kWrite : 0) | (executable() ? kExecute : 0);
  }
  [[nodiscard]] constexpr bool writable() const { return (allowed_ & kEntryWritable) != 0; }
  [[nodiscard]] constexpr bool executable() const { return (allowed_ & kEntryExecutable) != 0; }
  /// Nothing is allowed here that `other` does not allow.
  [[nodiscard]] constexpr bool within(Permissions other) const { return (allowed_ & ~other.allowed_) == 0; }
  constexpr bool operator==(const Permissions&) const = default;

 private:
  friend class Pte;
  // Kept as the bits of an entry, so that a mapping costs no translation; NX is the one bit that forbids.
  static constexpr std::uint64_t kEntryWritable = std::uint64_t{1} << 1;
  static constexpr std::uint64_t kEntryExecutable = std::uint64_t{1} << 63;  // inverted: NX
  constexpr explicit Permissions(std::uint64_t allowed) : allowed_(allowed) {}
  std::uint64_t allowed_;
};

/// An entry of any level; all zero is "nothing here".
class Pte {
 public:
  static constexpr std::uint64_t kPresent = 1U << 0;
  static constexpr std::uint64_t kWritable = 1U << 1;
  static constexpr std::uint64_t kUser = 1U << 2;
  static constexpr std::uint64_t kWriteThrough = 1U << 3;
  static constexpr std::uint64_t kCacheDisable = 1U << 4;
  static constexpr std::uint64_t kAccessed = 1U << 5;
  static constexpr std::uint64_t kDirty = 1U << 6;
  static constexpr std::uint64_t kLarge = 1U << 7;  ///< PS, in levels 2 and 3; the PAT bit in level 1
  static constexpr std::uint64_t kGlobal = 1U << 8;
  static constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;

  constexpr Pte() = default;
  constexpr explicit Pte(std::uint64_t raw) : raw_(raw) {}
  /// A 4 KiB leaf of the user half, not accessed and not dirty. `frame` is an `addressable` frame.
  [[nodiscard]] static constexpr Pte leaf(PhysAddr frame, Permissions permissions, MemoryType type) {
    return Pte(frame.raw() | static_cast<std::uint64_t>(type) | protection(permissions));
  }
  /// A link to a table of the next level down; the leaves say what is allowed.
  [[nodiscard]] static constexpr Pte table(PhysAddr table) {
    return Pte(table.raw() | kPresent | kWritable | kUser);
  }
  /// Page-aligned and of at most 52 bits.
  [[nodiscard]] static constexpr bool addressable(PhysAddr frame) { return (frame.raw() & ~kAddress) == 0; }

  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }
  [[nodiscard]] constexpr bool present() const { return (raw_ & kPresent) != 0; }
  [[nodiscard]] constexpr PhysAddr address() const { return PhysAddr(raw_ & kAddress); }
  [[nodiscard]] constexpr AccessBits access() const {
    return {.accessed = (raw_ & kAccessed) != 0, .dirty = (raw_ & kDirty) != 0};
  }
  [[nodiscard]] constexpr MemoryType memory_type() const {
    return MemoryType(raw_ & (kWriteThrough | kCacheDisable));
  }
  /// Of a leaf that `leaf` made.
  [[nodiscard]] constexpr Permissions permissions() const {
    return Permissions((raw_ ^ kNoExecute) & (kWritable | kNoExecute));
  }
  [[nodiscard]] constexpr Pte with(Permissions permissions) const {
    return Pte((raw_ & ~kProtection) | protection(permissions));
  }
  [[nodiscard]] constexpr Pte without_access() const { return Pte(raw_ & ~(kAccessed | kDirty)); }
  /// This entry, also accessed and dirty where `other` is.
  [[nodiscard]] constexpr Pte with_access_of(Pte other) const {
    return Pte(raw_ | (other.raw_ & (kAccessed | kDirty)));
  }
  constexpr bool operator==(const Pte&) const = default;

 private:
  static constexpr std::uint64_t kProtection = kPresent | kWritable | kUser | kNoExecute;
  [[nodiscard]] static constexpr std::uint64_t protection(Permissions permissions) {
    return permissions.allowed_ ^ (kPresent | kUser | kNoExecute);
  }
  std::uint64_t raw_ = 0;
};
static_assert(sizeof(Pte) == 8);

}  // namespace fb::core::mem
