// One address space on a HistoryMachine, with the model of what it should hold.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "tests/core/mem/history_machine.hpp"

namespace fb::core::mem::test {

using Tables = PageTables<HistoryMachine>;
using Detached = DetachedTables<HistoryMachine>;

inline constexpr MemoryType kWriteBack = MemoryType::WriteBack;
inline constexpr std::uint64_t k2M = std::uint64_t{1} << 21;
inline constexpr std::uint64_t k1G = std::uint64_t{1} << 30;
inline constexpr std::uint64_t k512G = std::uint64_t{1} << 39;

class PageTablesTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(machine.faults(), ""); }

  Result<LeafRef> map(std::uint64_t address, std::uint64_t frame,
                      Permissions permissions = Permissions::read_write()) {
    Mappings after = model;
    after.try_emplace(address, Mapping{frame, permissions.writable(), permissions.executable(), false});
    machine.expect(after);
    const auto leaf = tables.map(VirtAddr(address), PhysAddr(frame), permissions, MemoryType::WriteBack);
    if (leaf) {
      model = std::move(after);
      machine.settle();
    } else {
      machine.settle_unchanged();
    }
    return leaf;
  }
  Result<Unmapped> unmap(std::uint64_t address) {
    model.erase(address);
    machine.expect(model);
    const auto unmapped = tables.unmap(VirtAddr(address), detached);
    machine.settle();
    return unmapped;
  }
  void drain() {
    machine.shoot_down();
    detached.drain();
  }

  HistoryMachine machine;
  Tables tables{machine, machine.root(), machine.owner()};
  Detached detached{machine};
  Mappings model;
};

template <class T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}

}  // namespace fb::core::mem::test
