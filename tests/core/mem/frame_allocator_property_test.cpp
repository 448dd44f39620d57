// FrameAllocator against a naive model, one byte per frame; its invariants after every step.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>
#include <vector>

#include "tests/core/mem/frame_memory.hpp"

namespace fb::core::mem::test {
namespace {

enum class Use : std::uint8_t { Foreign, Free, Allocated };
using Model = std::vector<Use>;

bool all_are(const Model& model, std::uint64_t first, std::uint64_t count, Use use) {
  if (first > model.size() || count > model.size() - first) return false;
  const auto from = model.begin() + static_cast<std::ptrdiff_t>(first);
  return std::all_of(from, from + static_cast<std::ptrdiff_t>(count), [&](Use u) { return u == use; });
}

/// The largest order of an aligned, wholly free block; -1 when there is none.
int largest_order(const Model& model) {
  for (unsigned order = kMaxOrder + 1; order-- > 0;) {
    for (std::uint64_t at = 0; at < model.size(); at += std::uint64_t{1} << order) {
      if (all_are(model, at, std::uint64_t{1} << order, Use::Free)) return static_cast<int>(order);
    }
  }
  return -1;
}

/// Free blocks are disjoint, aligned, cover exactly the free frames, and no two buddies are both free.
std::vector<bool> check_blocks(const Memory& memory, const Model& model) {
  std::vector<bool> inside(model.size(), false);  // strictly: not the first of its free block
  std::vector<bool> covered(model.size(), false);
  for (std::uint64_t at = 0; at < model.size(); ++at) {
    const Frame& head = memory.frames[at];
    if (head.order == kNoOrder) continue;
    const std::uint64_t size = std::uint64_t{1} << head.order;
    RC_ASSERT(at % size == 0U);
    RC_ASSERT(all_are(model, at, size, Use::Free));
    RC_ASSERT(head.state == FrameState::Free);
    for (std::uint64_t i = at; i < at + size; ++i) {
      RC_ASSERT(!covered[i]);
      covered[i] = true;
      inside[i] = i != at;
    }
    if (head.next != kNoFrame) {
      RC_ASSERT(memory.frames[head.next].prev == at);
      RC_ASSERT(memory.frames[head.next].order == head.order);
    }
    const std::uint64_t buddy = at ^ size;
    if (head.order < kMaxOrder && buddy < model.size()) RC_ASSERT(memory.frames[buddy].order != head.order);
  }
  for (std::uint64_t i = 0; i < model.size(); ++i) RC_ASSERT(covered[i] == (model[i] == Use::Free));
  return inside;
}

void check_invariants(const Memory& memory, const Model& model) {
  const std::vector<bool> inside = check_blocks(memory, model);
  for (unsigned order = 0; order <= kMaxOrder; ++order) {
    const std::uint64_t size = std::uint64_t{1} << order;
    for (std::uint64_t at = 0; at < model.size(); at += size) {
      const bool hole = (memory.frames[at].holes >> order & 1) != 0;
      const unsigned free_order = memory.frames[at].order;
      const bool in_larger = free_order == kNoOrder ? inside[at] : order < free_order;
      RC_ASSERT(hole == (!in_larger && !all_are(model, at, size, Use::Allocated)));
    }
  }
  const auto free = static_cast<std::uint64_t>(std::count(model.begin(), model.end(), Use::Free));
  const auto foreign = static_cast<std::uint64_t>(std::count(model.begin(), model.end(), Use::Foreign));
  RC_ASSERT(memory.allocator.free_pages() == pages(free));
  RC_ASSERT(memory.allocator.total_pages() == pages(model.size() - foreign));
  const int largest = largest_order(model);
  RC_ASSERT(memory.allocator.largest_free_run() == pages(largest < 0 ? 0 : std::uint64_t{1} << largest));
}

void try_allocate(Memory& memory, Model& model, std::uint64_t count, std::uint32_t salt) {
  const int largest = largest_order(model);
  const auto run = memory.allocator.allocate(pages(count));
  if (count == 0) {
    RC_ASSERT(failed(run, Error::BadArgument));
    return;
  }
  const std::uint64_t rounded = std::bit_ceil(count);
  if (largest < 0 || rounded > std::uint64_t{1} << largest) {
    RC_ASSERT(failed(run, Error::NoMemory));
    return;
  }
  RC_ASSERT(run.has_value());
  RC_ASSERT(run->raw() % rounded == 0U);
  RC_ASSERT(all_are(model, run->raw(), count, Use::Free));
  const Frame& head = memory.frames[run->raw()];
  RC_ASSERT(head.state == FrameState::Kernel && head.live == 0 && head.owner == nullptr && head.aux == 0U);
  std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(run->raw()), count, Use::Allocated);
  scribble(memory, run->raw(), count, salt);
}

void try_free(Memory& memory, Model& model, std::uint64_t first, std::uint64_t count) {
  const auto freed = memory.allocator.free(frame(first), pages(count));
  if (count == 0) {
    RC_ASSERT(failed(freed, Error::BadArgument));
  } else if (!all_are(model, first, count, Use::Allocated)) {
    RC_ASSERT(failed(freed, Error::BadRange));
  } else {
    RC_ASSERT(freed.has_value());
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, Use::Free);
  }
}

void try_add(Memory& memory, Model& model, std::uint64_t first, std::uint64_t count) {
  const auto added = memory.allocator.add_range(frame(first), pages(count));
  if (first < model.size() && all_are(model, first, count, Use::Foreign)) {
    RC_ASSERT(added.has_value());
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, Use::Free);
  } else {
    RC_ASSERT(failed(added, Error::BadRange));
  }
}

using Command = std::tuple<unsigned, unsigned, unsigned>;  // what, first, count

rc::Gen<std::vector<Command>> commands() {
  return rc::gen::container<std::vector<Command>>(
      rc::gen::tuple(rc::gen::inRange(0U, 10U), rc::gen::inRange(0U, 300U),
                     rc::gen::oneOf(rc::gen::inRange(0U, 6U), rc::gen::inRange(0U, 80U))));
}

RC_GTEST_PROP(FrameAllocatorProperty, agrees_with_a_byte_per_frame_model_C1_02, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(1, 280);
  Memory memory(size);
  Model model(size, Use::Foreign);
  const auto within = rc::gen::inRange<std::uint64_t>(0, size);
  try_add(memory, model, *within, *within);
  std::uint32_t salt = 0;
  for (const auto& [what, first, count] : *commands()) {
    if (what < 5) {
      try_allocate(memory, model, count, ++salt);
    } else if (what < 9) {
      try_free(memory, model, first, count);
    } else {
      try_add(memory, model, first, count);
    }
    check_invariants(memory, model);
  }
  // Whatever happened, all that was added comes back as the largest blocks there can be.
  for (std::uint64_t i = 0; i < size; ++i) {
    if (model[i] == Use::Allocated) try_free(memory, model, i, 1);
  }
  check_invariants(memory, model);
}

}  // namespace
}  // namespace fb::core::mem::test
