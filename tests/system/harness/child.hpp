// A domain below this one, with a budget and an address space of its own in which this image is mapped.
#pragma once

#include "tests/system/harness/image.hpp"
#include "tests/system/harness/worker.hpp"

namespace fb::test {

using BudgetCap = abi::Cap<abi::ObjectType::Budget>;

struct ChildOptions {
  core::PageCount pages{64};  ///< its budget
  core::cap::Authorities authorities = core::cap::ceiling(core::cap::Zone::User);
  bool own_space = true;  ///< false: it runs in this program's address space
};

/// Destroyed with everything in it. Workers of it must have gone before.
class Child {
 public:
  explicit Child(ChildOptions options = {}, Where where = Where::current());
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { destroy(); }

  [[nodiscard]] BudgetCap budget() const { return budget_; }
  [[nodiscard]] DomainCap domain() const { return domain_; }
  [[nodiscard]] SpaceCap space() const { return space_; }

  /// The handle, valid in the child, of what is derived from `cap`.
  template <abi::ObjectType T>
  std::uint64_t give(abi::Cap<T> cap, core::cap::Rights rights, Where where = Where::current()) {
    return need(abi::calls::cap_derive(cap, rights, domain_), where).raw();
  }
  void destroy();
  /// The test has dropped it itself.
  void forget_domain() { domain_ = {}; }
  void forget_budget() { budget_ = {}; }

 private:
  BudgetCap budget_;
  DomainCap domain_;
  SpaceCap space_;
  bool own_space_;
};

}  // namespace fb::test
