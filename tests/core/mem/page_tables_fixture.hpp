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
  void TearDown() override { EXPECT_EQ(machine_.faults(), ""); }

  Result<LeafRef> map(std::uint64_t address, std::uint64_t frame,
                      Permissions permissions = Permissions::read_write()) {
    Mappings after = model_;
    after.try_emplace(address, Mapping{frame, permissions.writable(), permissions.executable(), false});
    machine_.expect(after);
    const auto leaf = tables_.map(VirtAddr(address), PhysAddr(frame), permissions, MemoryType::WriteBack);
    if (leaf) {
      model_ = std::move(after);
      machine_.settle();
    } else {
      machine_.settle_unchanged();
    }
    return leaf;
  }
  Result<Unmapped> unmap(std::uint64_t address) {
    model_.erase(address);
    machine_.expect(model_);
    const auto unmapped = tables_.unmap(VirtAddr(address), detached_);
    machine_.settle();
    return unmapped;
  }
  void drain() {
    machine_.shoot_down();
    detached_.drain();
  }

  HistoryMachine machine_;
  Tables tables_{machine_, machine_.root(), machine_.owner()};
  Detached detached_{machine_};
  Mappings model_;
};

template <class T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}

}  // namespace fb::core::mem::test
