#include "libos/posix/mm/areas.hpp"

#include <algorithm>

namespace fb::libos::posix::mm {

std::size_t Areas::above(std::uint64_t address) const {
  std::size_t low = 0, high = items_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (items_[middle].range.end > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

const Area* Areas::look_for(std::uint64_t address) const {
  const std::size_t at = above(address);
  if (at == items_.size() || !items_[at].range.holds(address)) return nullptr;
  recent_ = at;
  return &items_[at];
}

std::uint64_t Areas::covered(Range range) const {
  std::uint64_t sum = 0;
  for (std::size_t i = above(range.start); i < items_.size() && items_[i].range.start < range.end; ++i) {
    sum += std::min(range.end, items_[i].range.end) - std::max(range.start, items_[i].range.start);
  }
  return sum;
}

namespace {

/// Where the free addresses below an area end.
std::uint64_t room_end(const Area& area) {
  if (!area.grows_down) return area.range.start;
  return area.range.start > kStackGuard ? area.range.start - kStackGuard : 0;
}

}  // namespace

bool Areas::leaves_room(Range range) const {
  const std::size_t at = above(range.start);
  return at == items_.size() || range.end <= room_end(items_[at]);
}

Answer<std::uint64_t> Areas::gap(std::uint64_t length, Range window) const {
  std::uint64_t end = window.end;
  for (std::size_t i = above(window.end - 1) + 1; i-- > 0;) {
    if (i < items_.size()) end = std::min(end, room_end(items_[i]));
    const std::uint64_t start = std::max(i > 0 ? items_[i - 1].range.end : 0, window.start);
    if (end >= length && end - length >= start) return end - length;
    if (end <= window.start) break;
  }
  return fail(Errno::NoMemory);
}

Answer<> Areas::make_room(std::size_t more) {
  if (items_.size() + more > kMost) return fail(Errno::NoMemory);
  // Two cuts are made before what is between them goes.
  return items_.reserve(items_.size() + more + 2);
}

Answer<> Areas::insert(Area area) {
  FB_TRY(make_room(1));
  const std::size_t at = above(area.range.start);
  const std::uint64_t size = area.range.size();
  FB_TRY(items_.insert(at, std::move(area)));
  bytes_ += size;
  join(at + 1);
  join(at);
  return {};
}

bool Areas::cuts(std::uint64_t address) const {
  const Area* area = find(address);
  return area != nullptr && area->range.start < address;
}

Answer<> Areas::split(std::uint64_t address) {
  if (!cuts(address)) return {};
  const std::size_t at = above(address);
  FB_TRY(items_.insert(at, items_[at]));
  Area& upper = items_[at + 1];
  if (upper.backing) upper.first_page = upper.backing_page(address);
  upper.range.start = address;
  items_[at].range.end = address;
  return {};
}

void Areas::join(std::size_t index) {
  if (index == 0 || index >= items_.size() || !items_[index - 1].joins(items_[index])) return;
  items_[index - 1].range.end = items_[index].range.end;
  items_.erase(index);
}

Answer<> Areas::remove(Range range) {
  const Area* area = find(range.start);
  const bool hole = area != nullptr && area->range.start < range.start && range.end < area->range.end;
  FB_TRY(make_room(hole ? 1 : 0));
  bytes_ -= covered(range);
  FB_TRY(split(range.start));
  FB_TRY(split(range.end));
  const std::size_t first = above(range.start), last = above(range.end - 1);
  // `last` ends above range.end - 1, so that it is gone too if it begins below.
  const std::size_t end = last < items_.size() && items_[last].range.start < range.end ? last + 1 : last;
  if (first == end) return {};
  for (std::size_t i = end; i < items_.size(); ++i) items_[first + (i - end)] = std::move(items_[i]);
  for (std::size_t i = first; i < end; ++i) items_.pop_back();
  return {};
}

Areas::Reach Areas::protectable(Range range, std::uint32_t protection) const {
  std::uint64_t end = range.start;
  for (std::size_t i = above(range.start); end < range.end; ++i) {
    if (i == items_.size() || items_[i].range.start > end) return {end, fail(Errno::NoMemory)};
    if ((protection & ~items_[i].most) != 0) return {end, fail(Errno::Access)};
    end = std::min(items_[i].range.end, range.end);
  }
  return {end, {}};
}

void Areas::lower(std::size_t index, std::uint64_t start) {
  bytes_ += items_[index].range.start - start;
  items_[index].range.start = start;
  join(index);
}

Answer<> Areas::copy_to(Areas& other) const {
  FB_TRY(other.items_.reserve(items_.size()));
  for (Area area : items_) {
    if (area.at_fork == AtFork::Nothing) continue;
    area.locked = false;
    other.bytes_ += area.range.size();
    FB_TRY(other.items_.push_back(std::move(area)));
    other.join(other.items_.size() - 1);
  }
  return {};
}

void Areas::clear() {
  items_.clear();
  bytes_ = 0;
}

}  // namespace fb::libos::posix::mm
