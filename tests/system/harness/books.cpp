#include "tests/system/harness/books.hpp"

#include "libos/rt/environment.hpp"
#include "tests/system/harness/raw.hpp"

namespace fb::test {
namespace {

constexpr unsigned kPatience = 3000;  // looks

}  // namespace

Books books() {
  const auto used = abi::calls::budget_query(libos::rt::environment().budget).value_or(0);
  return {abi::calls::machine_info(abi::Info::FreePages).value_or(0), used & 0xffff'ffff};
}

void grow_space(std::uint32_t count) {
  const auto event = need(abi::calls::event_create());
  for (std::uint32_t i = 0; i != count; ++i) need(abi::calls::cap_derive(event, core::cap::Rights()));
  static_cast<void>(abi::calls::cap_drop(event));
}

bool check_books(const Books& before, Where where) {
  Books now = books();
  for (unsigned i = 0; i != kPatience && now != before; ++i) {
    i < 100 ? static_cast<void>(abi::calls::yield()) : nap();
    now = books();
  }
  if (now == before) return true;
  char line[160];
  report_failure(where, core::text::format_to(line, "the books do not balance: free pages ",
                                              before.free_pages, " -> ", now.free_pages, ", budget used ",
                                              before.budget_used, " -> ", now.budget_used));
  return false;
}

}  // namespace fb::test
