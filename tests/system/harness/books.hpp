// The books: what the machine and this budget say is used, before and after.
#pragma once

#include "tests/system/harness/tap.hpp"

namespace fb::test {

struct Books {
  std::uint64_t free_pages;   ///< of the machine
  std::uint64_t budget_used;  ///< by this domain's budget and what it lent to children
  bool operator==(const Books&) const = default;
};

Books books();

/// Makes this domain's capability space large enough for `count` more capabilities at once: it never shrinks, and must
/// not grow between two looks at the books.
void grow_space(std::uint32_t count);

/// The books are as they were. Clean-up that other CPUs still do for ended contexts is waited for, within bounds that
/// do not depend on the clock.
bool check_books(const Books& before, Where where = Where::current());

}  // namespace fb::test
