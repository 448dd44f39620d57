// Domains and the budgets they live on.
#pragma once

#include "core/cap/teardown.hpp"
#include "core/list/list.hpp"
#include "kernel/object/context.hpp"

namespace fb::kernel::object {

/// A protection domain: one capability space, one budget, a ceiling on authority (CAP-8).
struct Domain : Object {
  static constexpr auto kType = ObjectType::Domain;
  Domain(Budget& payer_budget, Budget& living, core::cap::Authorities a)
      : Object(kType, payer_budget), budget(&living), authorities(a) {}
  const std::uint64_t identity = CapMachine::next_epoch();  ///< never that of another: memory is used again
  Budget* budget;                                           ///< pays for what this domain makes and receives
  core::cap::Authorities authorities;
  CapSpace space;
  core::cap::Teardown<CapMachine> teardown{space};
  core::list::List<Context, &Context::in_domain> contexts;  ///< guarded by `lock` of this object
  core::list::ListLink on_budget;
};

/// A node of the tree of reservations (CAP-6), with the memory of the objects it pays for.
struct Budget : Object {
  static constexpr auto kType = ObjectType::Budget;
  Budget(Budget& payer_budget, Budget* above, unsigned levels)
      : Object(kType, payer_budget), parent(above), depth(levels) {}
  mem::Account account;
  Budget* parent;  ///< null: the root
  unsigned depth;  ///< below the root; at most kMaxBudgetDepth
  core::list::ListLink sibling;
  core::list::List<Domain, &Domain::on_budget> domains;  ///< guarded by Kernel::budget_lock, as is the tree
  core::list::List<Budget, &Budget::sibling> children;
  Cleanup victims;  ///< while it is being destroyed
};

inline constexpr unsigned kMaxBudgetDepth = 16;

}  // namespace fb::kernel::object
