// A part of an address space that is alike throughout: what should be there, whether or not it has been touched.
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "libos/posix/base/frames.hpp"
#include "libos/posix/base/ref.hpp"
#include "libos/posix/mm/abi.hpp"

namespace fb::libos::posix::mm {

/// What a mapping shows: a file's pages, or memory that processes share.
class Backing : public Shared {
 public:
  enum class Kind : std::uint8_t { Memory, File };
  virtual ~Backing() = default;
  /// For who knows the classes that there are of each.
  [[nodiscard]] virtual Kind kind() const { return Kind::Memory; }
  /// The frame of a page, shared once for the caller: to be read, or to be written by MAP_SHARED. Errors: NoMemory; any
  /// other (NoDeviceOrAddress beyond the end, Io) is a bus error to who touched the page.
  virtual Answer<FrameId> frame(std::uint64_t page) = 0;
};

/// [start, end) of addresses.
struct Range {
  std::uint64_t start = 0, end = 0;

  [[nodiscard]] constexpr std::uint64_t size() const { return end - start; }
  [[nodiscard]] constexpr bool empty() const { return start >= end; }
  [[nodiscard]] constexpr bool holds(std::uint64_t address) const {
    return start <= address && address < end;
  }
  [[nodiscard]] constexpr bool overlaps(Range other) const { return start < other.end && other.start < end; }
  constexpr bool operator==(const Range&) const = default;
};

constexpr std::uint64_t page_down(std::uint64_t bytes) { return bytes & ~core::kPageMask; }
/// Wraps to 0 near the end of 64 bits.
constexpr std::uint64_t page_up(std::uint64_t bytes) { return page_down(bytes + core::kPageMask); }

/// Whole pages. Nothing behind it is memory that begins as zeros.
struct Area {
  Range range{};
  std::uint32_t protection = kProtNone;  ///< PROT_READ, WRITE and EXECUTE
  std::uint32_t most = kProtAll;         ///< what mprotect may make of it
  bool shared = false;
  bool grows_down = false;
  Ref<Backing> backing{};
  std::uint64_t first_page = 0;  ///< of the backing, at range.start

  [[nodiscard]] std::uint64_t backing_page(std::uint64_t address) const {
    return first_page + ((address - range.start) >> core::kPageShift);
  }
  /// Whether `next` goes on just where this ends.
  [[nodiscard]] bool joins(const Area& next) const {
    return range.end == next.range.start && protection == next.protection && most == next.most &&
           shared == next.shared && grows_down == next.grows_down && backing == next.backing &&
           (!backing || backing_page(range.end) == next.first_page);
  }
};

}  // namespace fb::libos::posix::mm
