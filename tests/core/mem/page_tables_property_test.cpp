// PageTables against a std::map: random edits, addresses that meet and part at every level, a budget that
// runs out, and processors that use pages in the middle of edits. The HistoryMachine watches every step.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "core/mem/open_table.hpp"
#include "core/mem/page_tables.hpp"
#include "tests/core/mem/history_machine.hpp"

namespace fb::core::mem::test {
namespace {

constexpr std::array kPermissions{Permissions::read_only(), Permissions::read_write(),
                                  Permissions::read_execute()};

constexpr std::uint64_t k8K = 2 * kPageSize;

template <class T>
bool failed(const Result<T>& result, Error error) {
  return !result && result.error() == error;
}

AccessBits operator|(AccessBits a, AccessBits b) {
  return {.accessed = a.accessed || b.accessed, .dirty = a.dirty || b.dirty};
}

/// Two bits choose an index at each level; the last page of the half and its guard page are among them.
std::uint64_t address_of(unsigned choice) {
  constexpr std::array<std::array<std::uint64_t, 4>, 4> kIndices{
      {{0, 1, 510, 511}, {0, 1, 2, 511}, {0, 1, 256, 511}, {0, 1, 2, 255}}};
  std::uint64_t address = 0;
  for (unsigned level = 1; level <= 4; ++level) {
    address |= kIndices[level - 1][choice >> 2 * (level - 1) & 3] << shift(level);
  }
  return address;
}

/// The model: what is mapped, and what processors did to each page that nobody has reported yet.
struct World {
  World() {
    machine.processor = [this](PhysAddr table, TableIndex index) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      if (random >> 62 != 0) return;
      const LeafRef leaf{table, index};
      const AccessBits old = machine.peek(leaf).access();
      machine.touch(table, index, (random >> 61 & 1) != 0);
      const AccessBits now = machine.peek(leaf).access();
      uses = uses | AccessBits{.accessed = now.accessed && !old.accessed, .dirty = now.dirty && !old.dirty};
    };
  }

  /// Tables that the mapped pages need: one for each region of each size, and the root.
  [[nodiscard]] std::size_t tables_needed(const Mappings& mappings) const {
    std::set<std::pair<unsigned, std::uint64_t>> needed{{4, 0}};
    for (const auto& [address, mapping] : mappings) {
      for (unsigned level = 1; level < 4; ++level) needed.emplace(level, address >> shift(level + 1));
    }
    return needed.size();
  }
  [[nodiscard]] AccessBits access_of(std::uint64_t address) const { return machine.read(address).access(); }
  void become(Mappings next) {
    model = std::move(next);
    machine.settle();
  }

  void map(std::uint64_t address, std::uint64_t frame, std::uint64_t budget, Permissions permissions);
  void fill(std::uint64_t address, std::uint64_t count, Permissions permissions);
  void unmap(std::uint64_t address);
  void protect(std::uint64_t address, Permissions permissions);
  void query_clear(std::uint64_t address);
  void find(std::uint64_t address);
  void unmap_range(std::uint64_t from, std::uint64_t to, std::uint32_t steps);
  void drain();

  HistoryMachine machine;
  PageTables<HistoryMachine> tables{machine, machine.root(), machine.owner()};
  DetachedTables<HistoryMachine> detached{machine};
  Mappings model;
  AccessBits uses;  // by processors, during this edit
  std::uint64_t random = 1;
};

Mapping mapping_of(std::uint64_t frame, Permissions permissions, MemoryType type) {
  return {frame, permissions.writable(), permissions.executable(), type == MemoryType::Uncached};
}

void World::map(std::uint64_t address, std::uint64_t frame, std::uint64_t budget, Permissions permissions) {
  const MemoryType type = frame % k8K == 0 ? MemoryType::WriteBack : MemoryType::Uncached;
  Mappings next = model;
  const bool fresh = next.try_emplace(address, mapping_of(frame, permissions, type)).second;
  const std::size_t needed = tables_needed(next) - tables_needed(model);
  machine.set_budget(budget);
  const std::size_t before = machine.tables();
  if (address < kUserEnd) machine.expect(next);
  const auto leaf = tables.map(VirtAddr(address), PhysAddr(frame), permissions, type);
  if (leaf) {
    RC_ASSERT(address < kUserEnd && fresh && needed <= budget);
    RC_ASSERT(machine.peek(*leaf) == Pte::leaf(PhysAddr(frame), permissions, type));
    RC_ASSERT(machine.tables() == before + needed);
    return become(std::move(next));
  }
  const Error expected = address >= kUserEnd ? Error::BadAddress : fresh ? Error::NoMemory : Error::Mapped;
  RC_ASSERT(leaf.error() == expected);
  RC_ASSERT(expected != Error::NoMemory || needed > budget);
  RC_ASSERT(machine.tables() == before);
  machine.settle_unchanged();
}

void World::fill(std::uint64_t address, std::uint64_t count, Permissions permissions) {
  Mappings next = model;
  std::uint64_t fitting = 0;
  const bool there = std::ranges::any_of(
      model, [&](const auto& page) { return same_table(VirtAddr(page.first), VirtAddr(address)); });
  for (; there && fitting < count; ++fitting) {
    const std::uint64_t page = address + fitting * kPageSize;
    const bool inside = page < kUserEnd && same_table(VirtAddr(page), VirtAddr(address));
    const Mapping mapping = mapping_of(page ^ 0x7000, permissions, MemoryType::WriteBack);
    if (!inside || !next.try_emplace(page, mapping).second) break;
  }
  machine.expect(next);
  const auto table = tables.leaf_table(VirtAddr(address));
  RC_ASSERT(table.has_value() == (there && address < kUserEnd));
  if (table) {
    OpenTable open(machine, *table);
    for (std::uint64_t i = 0; i < fitting; ++i) {
      const std::uint64_t page = address + i * kPageSize;
      RC_ASSERT(
          open.map(index(VirtAddr(page), 1), PhysAddr(page ^ 0x7000), permissions, MemoryType::WriteBack));
      RC_ASSERT(!open.map(index(VirtAddr(page), 1), PhysAddr(0), permissions, MemoryType::WriteBack));
    }
  }
  become(std::move(next));
}

void World::unmap(std::uint64_t address) {
  const AccessBits before = access_of(address);
  Mappings next = model;
  next.erase(address);
  machine.expect(next);
  machine.set_budget(0);
  const auto unmapped = tables.unmap(VirtAddr(address), detached);
  const auto old = model.find(address);
  if (old == model.end()) {
    RC_ASSERT(failed(unmapped, address < kUserEnd ? Error::NotMapped : Error::BadAddress));
    return machine.settle_unchanged();
  }
  RC_ASSERT(unmapped.has_value());
  RC_ASSERT(unmapped->frame.raw() == old->second.frame);
  RC_ASSERT(unmapped->access == (before | uses));
  become(std::move(next));
}

void World::protect(std::uint64_t address, Permissions permissions) {
  const AccessBits before = access_of(address);
  Mappings next = model;
  const auto page = next.find(address);
  const Mapping old = page == next.end() ? Mapping{} : page->second;
  if (page != next.end()) {
    page->second.write = permissions.writable();
    page->second.execute = permissions.executable();
  }
  machine.expect(next);
  const auto flush = tables.protect(VirtAddr(address), permissions);
  if (page == next.end()) {
    RC_ASSERT(failed(flush, address < kUserEnd ? Error::NotMapped : Error::BadAddress));
    return machine.settle_unchanged();
  }
  const bool taken = (old.write && !permissions.writable()) || (old.execute && !permissions.executable());
  RC_ASSERT(flush.has_value() && *flush == taken);
  RC_ASSERT(access_of(address) == (before | uses));
  become(std::move(next));
}

void World::query_clear(std::uint64_t address) {
  const AccessBits before = access_of(address);
  const auto reported = tables.query_clear(VirtAddr(address));
  if (!model.contains(address)) {
    RC_ASSERT(failed(reported, address < kUserEnd ? Error::NotMapped : Error::BadAddress));
    return;
  }
  // Each use is reported now or still there to be reported; none is invented.
  RC_ASSERT((*reported | access_of(address)) == (before | uses));
  machine.settle_unchanged();
}

void World::find(std::uint64_t address) {
  const auto found = tables.find(VirtAddr(address));
  const auto page = model.find(address);
  if (page == model.end()) {
    RC_ASSERT(failed(found, address < kUserEnd ? Error::NotMapped : Error::BadAddress));
    return;
  }
  RC_ASSERT(mapping_of(found->frame.raw(), found->permissions, found->type) == page->second);
  RC_ASSERT(machine.peek(found->leaf).address() == found->frame);
}

void World::unmap_range(std::uint64_t from, std::uint64_t to, std::uint32_t steps) {
  Mappings next = model;
  std::vector<std::uint64_t> expected;
  std::erase_if(next, [&](const auto& page) {
    const bool gone = page.first >= from && page.first < to;
    if (gone) expected.push_back(page.first);
    return gone;
  });
  machine.expect(next);
  machine.set_budget(0);
  std::vector<std::uint64_t> seen;
  VirtAddr position{from};
  while (position.raw() < std::min(to, kUserEnd)) {
    const auto leaf = tables.next(position, Steps(steps));
    if (!leaf || position.raw() >= to) continue;
    seen.push_back(position.raw());
    const auto gone = tables.unmap(position, detached);
    RC_ASSERT(gone.has_value() && gone->leaf == *leaf);
    RC_ASSERT(gone->frame.raw() == model.at(position.raw()).frame);
  }
  RC_ASSERT(seen == expected);
  become(std::move(next));
}

void World::drain() {
  machine.shoot_down();
  detached.drain();
  RC_ASSERT(machine.tables() == tables_needed(model));
}

using Command = std::tuple<unsigned, unsigned, unsigned, unsigned>;  // what, address, another address, how

RC_GTEST_PROP(PageTablesProperty, agrees_with_a_map_at_every_step_C1_02, ()) {
  World world;
  const auto address =
      rc::gen::oneOf(rc::gen::inRange(0U, 256U), rc::gen::inRange(0U, 20U), rc::gen::inRange(236U, 256U));
  const auto commands = *rc::gen::container<std::vector<Command>>(
      rc::gen::tuple(rc::gen::inRange(0U, 20U), address, address, rc::gen::inRange(0U, 6U)));
  for (const auto& [what, first, second, how] : commands) {
    const std::uint64_t page = address_of(first);
    const Permissions permissions = kPermissions[how % 3];
    world.uses = {};
    if (what < 8) {
      world.map(page, address_of(second), how, permissions);
    } else if (what == 8) {
      world.fill(page, how, permissions);
    } else if (what < 13) {
      world.unmap(page);
    } else if (what < 15) {
      world.protect(page, permissions);
    } else if (what < 17) {
      world.query_clear(page);
    } else if (what == 17) {
      world.find(page);
    } else if (what == 18) {
      world.unmap_range(page, address_of(second), how * 40 + 1);
    } else {
      world.drain();
    }
    RC_ASSERT(world.machine.faults() == "");
  }
  world.unmap_range(0, kUserEnd, 300);
  world.drain();
  RC_ASSERT(world.machine.tables() == 1U);
  RC_ASSERT(world.machine.faults() == "");
}

}  // namespace
}  // namespace fb::core::mem::test
