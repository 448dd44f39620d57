// The head of every object of the kernel zone (DESIGN §5), and the simplest of them.
#pragma once

#include <atomic>

#include "kernel/mem/tables.hpp"
#include "kernel/object/binding.hpp"

namespace fb::kernel::object {

struct Budget;

/// Storage is charged to `payer`. An object lives until its creating capability has been revoked, a grace period has
/// passed and clean-up (reap/) has come to it.
struct Object : core::cap::ObjectHeader<CapMachine::Lock> {
  Object(ObjectType t, Budget& budget) : payer(&budget) { type = type_number(t); }
  [[nodiscard]] ObjectType kind() const { return static_cast<ObjectType>(type.raw()); }

  Budget* payer;
  Object* next_dying = nullptr;  ///< in a Cleanup
  bool graced = false;           ///< in a Cleanup: the grace period before it may be taken apart is over
  bool unlinked = false;         ///< in a Cleanup: no queue leads to it any more
};

/// A run of physical frames.
struct Pages : Object {
  static constexpr auto kType = ObjectType::Pages;
  Pages(Budget& budget, core::FrameNumber f, core::PageCount n, bool paid)
      : Object(kType, budget), first(f), count(n), paid_for(paid) {}
  core::FrameNumber first;
  core::PageCount count;
  bool paid_for;              ///< false: the boot archive, which no budget holds
  Rights creating{};          ///< rights of the creating capability
  core::PageCount zeroed{0};  ///< how far, while it is being made
};

struct AddressSpace : Object, mem::TableOwner {
  static constexpr auto kType = ObjectType::AddressSpace;
  AddressSpace(Budget& budget, mem::Account& account, mem::TableMachine& machine, core::PhysAddr root_table)
      : Object(kType, budget),
        mem::TableOwner{&account},
        root(root_table),
        tables(machine, root_table, this) {}
  core::PhysAddr root;  ///< what CR3 gets
  arch::RankedLock<arch::Rank::AddressSpace> table_lock;
  mem::PageTables tables;      ///< guarded by table_lock
  core::VirtAddr torn_down{};  ///< how far, while it is being destroyed
};

}  // namespace fb::kernel::object
