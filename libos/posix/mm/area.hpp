// A part of an address space that is alike throughout: what should be there, whether or not it has been touched.
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "libos/posix/mm/abi.hpp"
#include "libos/posix/mm/backing.hpp"

namespace fb::libos::posix::mm {

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

/// What a child gets of an area: MADV_DONTFORK, MADV_WIPEONFORK.
enum class AtFork : std::uint8_t { Copy, Nothing, Zeros };

/// Whole pages. Nothing behind it is memory that begins as zeros.
struct Area {
  Range range{};
  std::uint32_t protection = kProtNone;  ///< PROT_READ, WRITE and EXECUTE
  std::uint32_t most = kProtAll;         ///< what mprotect may make of it
  bool shared = false;
  bool grows_down = false;
  bool locked = false;  ///< mlock: its pages are not to be given up by madvise
  bool no_dump = false;
  AtFork at_fork = AtFork::Copy;
  Ref<Backing> backing{};
  std::uint64_t first_page = 0;  ///< of the backing, at range.start

  [[nodiscard]] std::uint64_t backing_page(std::uint64_t address) const {
    return first_page + ((address - range.start) >> core::kPageShift);
  }
  /// Whether `next` goes on just where this ends.
  [[nodiscard]] bool joins(const Area& next) const {
    return range.end == next.range.start && protection == next.protection && most == next.most &&
           shared == next.shared && grows_down == next.grows_down && locked == next.locked &&
           no_dump == next.no_dump && at_fork == next.at_fork && backing == next.backing &&
           (!backing || backing_page(range.end) == next.first_page);
  }
};

}  // namespace fb::libos::posix::mm
