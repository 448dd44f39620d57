// The areas of an address space, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libos/posix/base/vector.hpp"
#include "libos/posix/mm/area.hpp"

namespace fb::libos::posix::mm {

/// Areas do not overlap, and neighbours that are alike are one. Pointers to areas are good until the next change.
class Areas {
 public:
  /// vm.max_map_count.
  static constexpr std::size_t kMost = 65'530;

  [[nodiscard]] std::span<const Area> view() const { return items_.view(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// The place in view() of the first area that ends above `address`.
  [[nodiscard]] std::size_t above(std::uint64_t address) const;
  /// The area that holds `address`, or null.
  [[nodiscard]] const Area* find(std::uint64_t address) const {
    // Mostly that of the last time.
    if (recent_ < items_.size() && items_[recent_].range.holds(address)) return &items_[recent_];
    return look_for(address);
  }
  /// How much of `range` areas cover.
  [[nodiscard]] std::uint64_t covered(Range range) const;
  /// Whether `range` touches no area, and leaves the one above the room that it grows into.
  [[nodiscard]] bool leaves_room(Range range) const;
  /// The highest place for `length` bytes in `window`. Errors: NoMemory.
  [[nodiscard]] Answer<std::uint64_t> gap(std::uint64_t length, Range window) const;

  /// After this, changes that make at most `more` areas more do not fail, if no other come between. Errors: NoMemory.
  Answer<> make_room(std::size_t more);
  /// Where there is no area. Errors: NoMemory.
  Answer<> insert(Area area);
  /// Errors: NoMemory when an area would become two too many.
  Answer<> remove(Range range);
  /// How far a protection of `range` gets, and why not further: Access, or NoMemory where there is no area.
  struct Reach {
    std::uint64_t end;
    Answer<> why;
  };
  [[nodiscard]] Reach protectable(Range range, std::uint32_t protection) const;
  /// Changes the areas in `range`, and passes over holes. Errors: NoMemory.
  template <class Change>
  Answer<> edit(Range range, Change change) {
    FB_TRY(make_room((cuts(range.start) ? 1 : 0) + (cuts(range.end) ? 1 : 0)));
    FB_TRY(split(range.start));
    FB_TRY(split(range.end));
    const std::size_t first = above(range.start);
    std::size_t i = first;
    for (; i < items_.size() && items_[i].range.start < range.end; ++i) change(items_[i]);
    for (;; --i) {
      join(i);
      if (i == first) return {};
    }
  }
  /// Errors: NoMemory.
  Answer<> protect(Range range, std::uint32_t protection) {
    return edit(range, [&](Area& area) { area.protection = protection; });
  }
  /// Lets the area at `index` begin at `start`, lower than before and above the end of the area below.
  void lower(std::size_t index, std::uint64_t start);
  /// For fork: what a child gets, in a space that has none. Nothing of it is locked. Errors: NoMemory.
  Answer<> copy_to(Areas& other) const;
  void clear();

 private:
  [[nodiscard]] bool cuts(std::uint64_t address) const;
  Answer<> split(std::uint64_t address);
  void join(std::size_t index);
  const Area* look_for(std::uint64_t address) const;

  Vector<Area> items_;
  mutable std::size_t recent_ = 0;  ///< where find() found one; looked at anew each time
  std::uint64_t bytes_ = 0;
};

}  // namespace fb::libos::posix::mm
