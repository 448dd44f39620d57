// A machine for PageTables that watches every step: after each store and exchange it walks the tables as
// hardware would, and checks what no instant may break. It records what it did, for a failure to be read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/mem/page_tables.hpp"

namespace fb::core::mem::test {

/// What a hardware walk of one page finds; A and D aside.
struct Mapping {
  std::uint64_t frame = 0;
  bool write = false;
  bool execute = false;
  bool uncached = false;
  auto operator<=>(const Mapping&) const = default;
};
using Mappings = std::map<std::uint64_t, Mapping>;  // by address; absent: not mapped

/// Any violation ends up in `faults()`; the test asserts that it stays empty.
class HistoryMachine {
 public:
  struct Space {};
  using Owner = const Space*;

  static constexpr std::uint64_t kFirstTable = 0x1000;  // frame numbers of tables begin here
  static constexpr std::uint64_t kTables = 4096;

  HistoryMachine();

  // The policy that PageTables asks for.
  Pte load(PhysAddr table, TableIndex index);
  void store(PhysAddr table, TableIndex index, Pte entry);
  Pte exchange(PhysAddr table, TableIndex index, Pte entry);
  Result<PhysAddr> allocate_table(TableLevel level, VirtAddr base, Owner owner);
  void free_table(PhysAddr table, TableLevel level);
  Frame& frame(PhysAddr table);

  // What the test does to it.
  [[nodiscard]] PhysAddr root() const { return PhysAddr(FrameNumber(kFirstTable)); }
  [[nodiscard]] Owner owner() const { return &space_; }
  /// How many more tables there may be.
  void set_budget(std::uint64_t tables) { limit_ = tables_.size() + tables; }
  /// From here to `settle` a page reads as it does now or, once changed, as in `after`.
  void expect(Mappings after);
  /// The edit is over: exactly what was expected holds, `live` counts are right, no table is empty.
  void settle();
  /// The edit failed: it may have changed nothing, ever.
  void settle_unchanged();
  /// Every TLB and paging-structure cache forgets: tables that are detached by now may be freed.
  void shoot_down();
  /// Runs just before and just after each exchange, with the entry it is about, as another processor might.
  std::function<void(PhysAddr, TableIndex)> processor;
  /// A processor uses the page of this leaf; does nothing if it is not present.
  void touch(PhysAddr table, TableIndex index, bool dirty);

  [[nodiscard]] Pte peek(LeafRef leaf) const;
  /// What a hardware walk ends at; not present if it ends early. Moves no cursor and counts no load.
  [[nodiscard]] Pte read(std::uint64_t address) const;
  [[nodiscard]] std::size_t tables() const { return tables_.size(); }
  [[nodiscard]] std::uint64_t loads() const { return loads_; }
  [[nodiscard]] std::string faults() const;

 private:
  struct Table {
    unsigned level = 0;
    std::uint64_t base = 0;
    bool reachable = false;
    bool linked = false;                   // has been reachable
    bool stale = false;                    // a processor may still have a path to it
    std::map<std::uint32_t, Pte> entries;  // those that are not zero
  };
  struct Walk {
    Mappings pages;
    std::set<std::uint64_t> reached;
  };

  Table* table_at(PhysAddr table, const char* what);
  void write(PhysAddr table, TableIndex index, Pte entry);
  void walk(std::uint64_t table, unsigned level, std::uint64_t base, Walk& into);
  void check();
  void check_entries();
  void check_translations(const Mappings& now);
  void fault(std::string what) { faults_.push_back(std::move(what)); }
  void note(const char* what, PhysAddr table, std::uint64_t index, std::uint64_t value);

  Space space_;
  std::map<std::uint64_t, Table> tables_;  // by physical address
  std::vector<Frame> frames_;
  std::set<std::uint64_t> free_tables_;
  std::uint64_t limit_ = kTables;
  std::uint64_t loads_ = 0;
  Mappings before_;
  Mappings after_;
  std::set<std::uint64_t> changed_;  // pages that read as after_ already
  std::vector<std::string> history_;
  std::vector<std::string> faults_;
};

}  // namespace fb::core::mem::test
