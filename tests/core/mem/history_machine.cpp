#include "tests/core/mem/history_machine.hpp"

#include <format>

namespace fb::core::mem::test {

HistoryMachine::HistoryMachine() : frames_(kTables) {
  for (std::uint64_t i = 1; i < kTables; ++i) {
    free_tables_.insert(PhysAddr(FrameNumber(kFirstTable + i)).raw());
  }
  Table& root = tables_[this->root().raw()];
  root.level = 4;
  root.reachable = root.linked = root.stale = true;
  // The kernel half: the editor has no business there.
  root.entries[256] = Pte::table(PhysAddr(0xdead000));
  root.entries[511] = Pte::table(PhysAddr(0xbeef000));
}

Pte HistoryMachine::load(PhysAddr table, TableIndex index) {
  ++loads_;
  const Table* found = table_at(table, "load");
  if (found == nullptr) return Pte();
  const auto entry = found->entries.find(index.raw());
  return entry == found->entries.end() ? Pte() : entry->second;
}

void HistoryMachine::store(PhysAddr table, TableIndex index, Pte entry) {
  note("store", table, index.raw(), entry.raw());
  write(table, index, entry);
  check();
}

Pte HistoryMachine::exchange(PhysAddr table, TableIndex index, Pte entry) {
  note("exchange", table, index.raw(), entry.raw());
  if (processor) processor(table, index);
  const Pte old = peek({table, index});
  write(table, index, entry);
  if (processor) processor(table, index);
  check();
  return old;
}

Result<PhysAddr> HistoryMachine::allocate_table(TableLevel level, VirtAddr base, Owner owner) {
  note("allocate", {}, static_cast<std::uint64_t>(level), base.raw());
  if (owner != &space_) fault("allocate_table: not the owner");
  if (level == TableLevel::Root) fault("allocate_table: a root");
  if (tables_.size() >= limit_) return fail(Error::NoMemory);
  const std::uint64_t table = *free_tables_.begin();
  free_tables_.erase(free_tables_.begin());
  tables_[table] = Table{.level = static_cast<unsigned>(level), .base = base.raw(), .entries = {}};
  frame(PhysAddr(table)) = Frame{.state = FrameState::Table};
  return PhysAddr(table);
}

void HistoryMachine::free_table(PhysAddr table, TableLevel level) {
  note("free", table, static_cast<std::uint64_t>(level), 0);
  const Table* found = table_at(table, "free");
  if (found == nullptr) return;
  if (found->level != static_cast<unsigned>(level)) fault("free_table: wrong level");
  if (found->stale) fault("free_table: before the shootdown");
  if (!found->entries.empty()) fault("free_table: not empty");
  tables_.erase(table.raw());
  free_tables_.insert(table.raw());
  check();
}

Frame& HistoryMachine::frame(PhysAddr table) {
  if (table_at(table, "frame") == nullptr) return frames_.front();
  return frames_[table.frame().raw() - kFirstTable];
}

void HistoryMachine::expect(Mappings after) {
  after_ = std::move(after);
  changed_.clear();
}

void HistoryMachine::settle() {
  before_ = after_;
  changed_.clear();
  check();
  for (const auto& [address, table] : tables_) {
    const bool detached = table.linked && !table.reachable;
    if (table.level == 4 || detached) continue;
    if (!table.linked) fault(std::format("table {:x} was left behind", address));
    if (table.entries.empty()) fault(std::format("table {:x} is empty", address));
    if (frame(PhysAddr(address)).live != table.entries.size()) fault(std::format("live of {:x}", address));
  }
}

void HistoryMachine::settle_unchanged() {
  after_ = before_;
  settle();
}

void HistoryMachine::shoot_down() {
  for (auto& [address, table] : tables_) table.stale = table.reachable;
}

void HistoryMachine::touch(PhysAddr table, TableIndex index, bool dirty) {
  const auto found = tables_.find(table.raw());
  if (found == tables_.end() || found->second.level != 1) return;
  const auto entry = found->second.entries.find(index.raw());
  if (entry == found->second.entries.end()) return;
  const bool writes = dirty && entry->second.permissions().writable();
  entry->second = Pte(entry->second.raw() | Pte::kAccessed | (writes ? Pte::kDirty : 0));
}

Pte HistoryMachine::peek(LeafRef leaf) const {
  const auto table = tables_.find(leaf.table.raw());
  if (table == tables_.end()) return Pte();
  const auto entry = table->second.entries.find(leaf.index.raw());
  return entry == table->second.entries.end() ? Pte() : entry->second;
}

Pte HistoryMachine::read(std::uint64_t address) const {
  PhysAddr table = root();
  for (unsigned level = 4; level > 1; --level) {
    const Pte entry = peek({table, index(VirtAddr(address), level)});
    if (!entry.present()) return Pte();
    table = entry.address();
  }
  return peek({table, index(VirtAddr(address), 1)});
}

std::string HistoryMachine::faults() const {
  if (faults_.empty()) return {};
  std::string text = "\n";
  for (const std::string& line : history_) text += "  " + line + '\n';
  for (const std::string& line : faults_) text += "  FAULT " + line + '\n';
  return text;
}

HistoryMachine::Table* HistoryMachine::table_at(PhysAddr table, const char* what) {
  const auto found = tables_.find(table.raw());
  if (found != tables_.end()) return &found->second;
  fault(std::format("{}: {:x} is no table", what, table.raw()));
  return nullptr;
}

void HistoryMachine::write(PhysAddr table, TableIndex index, Pte entry) {
  Table* found = table_at(table, "write");
  if (found == nullptr) return;
  if (index.raw() >= (found->level == 4 ? 256U : 512U)) fault(std::format("write: index {}", index.raw()));
  if (entry == Pte()) {
    found->entries.erase(index.raw());
  } else {
    found->entries[index.raw()] = entry;
  }
}

/// Checks on the way that each table is where its level and base say.
void HistoryMachine::walk(std::uint64_t table, unsigned level, std::uint64_t base, Walk& into) {
  const auto found = tables_.find(table);
  if (found == tables_.end()) return fault(std::format("a walk reaches {:x}, which is no table", table));
  if (!into.reached.insert(table).second) return fault(std::format("{:x} is linked twice", table));
  const bool in_place = found->second.level == level && found->second.base == base;
  if (!in_place) fault(std::format("{:x} is not where its level and base say", table));
  for (const auto& [index, entry] : found->second.entries) {
    if (!entry.present() || (level == 4 && index >= 256)) continue;
    const std::uint64_t address = base | std::uint64_t{index} << shift(level);
    if (level > 1) {
      walk(entry.address().raw(), level - 1, address, into);
    } else {
      into.pages[address] = {.frame = entry.address().raw(),
                             .write = (entry.raw() & Pte::kWritable) != 0,
                             .execute = (entry.raw() & Pte::kNoExecute) == 0,
                             .uncached = (entry.raw() & Pte::kCacheDisable) != 0};
    }
  }
}

void HistoryMachine::check() {
  Walk now;
  walk(root().raw(), 4, 0, now);
  for (auto& [address, table] : tables_) {
    table.reachable = now.reached.contains(address);
    const bool new_now = table.reachable && !table.linked;
    if (new_now && table.entries.empty()) fault(std::format("{:x} linked too early", address));
    table.linked |= table.reachable;
    table.stale |= table.reachable;
    // A processor with an old path to a detached table must find nothing.
    const bool detached = table.linked && !table.reachable;
    if (detached && !table.entries.empty()) fault(std::format("{:x} is detached and not empty", address));
  }
  check_entries();
  check_translations(now.pages);
}

void HistoryMachine::check_entries() {
  for (const auto& [address, table] : tables_) {
    for (const auto& [index, entry] : table.entries) {
      if (!entry.present()) fault(std::format("{:x}[{}] is neither present nor zero", address, index));
      if (table.level == 4 && index >= 256) continue;
      if (!(entry.raw() & Pte::kUser)) fault(std::format("{:x}[{}] is not of the user", address, index));
      if (table.level > 1 && !tables_.contains(entry.address().raw())) {
        fault(std::format("{:x}[{}] points at no table", address, index));
      }
      const bool write_execute = (entry.raw() & Pte::kWritable) != 0 && (entry.raw() & Pte::kNoExecute) == 0;
      if (table.level == 1 && write_execute) fault(std::format("{:x}[{}] breaks W^X", address, index));
    }
  }
}

/// Each page reads as before the edit, or, from some instant on, as after it.
void HistoryMachine::check_translations(const Mappings& now) {
  std::set<std::uint64_t> pages;
  for (const Mappings* some : {&now, &std::as_const(before_), &std::as_const(after_)}) {
    for (const auto& [address, mapping] : *some) pages.insert(address);
  }
  const auto read = [](const Mappings& from, std::uint64_t address) {
    const auto found = from.find(address);
    return found == from.end() ? Mapping{.frame = 1} : found->second;  // 1: not mapped
  };
  for (const std::uint64_t address : pages) {
    const Mapping seen = read(now, address);
    if (seen == read(after_, address)) {
      changed_.insert(address);
    } else if (seen != read(before_, address) || changed_.contains(address)) {
      fault(std::format("page {:x} reads neither old nor new, or old again", address));
    }
  }
}

void HistoryMachine::note(const char* what, PhysAddr table, std::uint64_t index, std::uint64_t value) {
  history_.push_back(std::format("{} {:x} {} {:x}", what, table.raw(), index, value));
}

}  // namespace fb::core::mem::test
