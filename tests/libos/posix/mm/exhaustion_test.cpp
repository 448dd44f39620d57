// Random programs while frames, page tables and the heap come to their ends.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <new>
#include <optional>

#include "tests/libos/posix/mm/machine.hpp"

namespace {

/// How many more allocations that may fail succeed.
std::uint64_t heap_left = ~std::uint64_t{0};

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (heap_left == 0) return nullptr;
  --heap_left;
  try {
    return ::operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace fb::libos::posix::mm::test {
namespace {

std::uint64_t pick(std::uint64_t below) { return *rc::gen::inRange<std::uint64_t>(0, below); }

struct Choice {
  std::uint64_t kind = pick(9);
  VirtAddr first = at(pick(8));
  ByteCount length = pages(1 + pick(4));
  std::uint32_t type = pick(3) == 0 ? kMapShared : kMapPrivate;
  std::uint32_t protection = static_cast<std::uint32_t>(pick(8));
  VirtAddr to = at(256 * pick(8) + 250 + pick(6));  // across what the heap is asked for at once
};

/// False when it fails; then nothing may have changed that the program can see.
bool perform(Space& space, const Choice& choice) {
  const auto& [kind, first, length, type, protection, to] = choice;
  switch (kind) {
    case 0:
    case 1:
      return space
          .mmap({.address = first,
                 .length = length,
                 .protection = kRw,
                 .flags = type | kMapFixed | kMapAnonymous | (kind == 0 ? kMapPopulate : 0)})
          .has_value();
    case 2:
      return space.munmap(first, length).has_value();
    case 3:
      return space
          .mremap({.address = first, .old_length = pages(1), .new_length = length, .flags = kRemapMayMove})
          .has_value();
    case 4:
      return space
          .mremap({.address = first,
                   .old_length = length,
                   .new_length = length,
                   .flags = kRemapMayMove | kRemapDontUnmap,
                   .new_address = to})
          .has_value();
    case 5:
      return space.mprotect(first, length, protection).has_value();
    case 6:
      return space.fault(first, Touch::Read).has_value();
    default:
      return space.fault(first, Touch::Write).has_value();
  }
}

TEST(Remap, that_fails_half_way_has_moved_nothing_C4_10) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2))));
  ASSERT_TRUE(put(space, at(0), 1) && put(space, at(1), 2));
  // The records of the new pages come from the heap in two parts.
  const Space::RemapRequest request{.address = at(0),
                                    .old_length = pages(2),
                                    .new_length = pages(2),
                                    .flags = kRemapMayMove | kRemapFixed,
                                    .new_address = at(255)};
  std::uint64_t failures = 0;
  for (bool moved = false; !moved; ++failures) {
    heap_left = failures;
    const auto answer = space.mremap(request);
    heap_left = ~std::uint64_t{0};
    moved = answer.has_value();
    EXPECT_EQ(space.resident().raw(), 2U);
    EXPECT_EQ(space.size(), pages(2));
    EXPECT_EQ(byte_at(space, at(moved ? 255 : 0)), 1);
    EXPECT_EQ(byte_at(space, at(moved ? 256 : 1)), 2);
    EXPECT_EQ(process.frames.count(space.page(at(moved ? 255 : 0))->frame), 1U);
    EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  }
  EXPECT_GE(failures, 3U);
}

RC_GTEST_PROP(Spaces, lose_nothing_when_memory_ends_C4_10, ()) {
  posix::test::MemorySource source;
  Frames frames(source, 8);
  Machine machine, child_machine;
  {
    Space space(frames, machine, Limits{});
    std::optional<Space> child;
    const auto steps = *rc::gen::inRange(0, 60);
    for (int i = 0; i < steps; ++i) {
      Space& some = child && pick(2) == 0 ? *child : space;
      const Choice choice;
      const auto size = some.size();
      const auto resident = some.resident();
      const auto heap = pick(6);
      machine.maps_left = child_machine.maps_left = pick(4);
      if (pick(8) == 0) {
        child.reset();
        heap_left = heap;
        if (auto made = space.fork(child_machine)) child.emplace(std::move(*made));
        heap_left = ~std::uint64_t{0};
      } else {
        heap_left = heap;
        const bool done = perform(some, choice);
        heap_left = ~std::uint64_t{0};
        if (!done && choice.kind < 6) RC_ASSERT(some.size() == size && some.resident() == resident);
      }
      RC_ASSERT(machine.fault_of(space, frames) == std::nullopt);
      if (child) RC_ASSERT(child_machine.fault_of(*child, frames) == std::nullopt);
    }
  }
  RC_ASSERT(frames.used() == 0U && machine.entries.empty() && child_machine.entries.empty());
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
