#include "tests/system/harness/child.hpp"

#include "libos/rt/environment.hpp"

namespace fb::test {

Child::Child(ChildOptions options, Where where) : own_space_(options.own_space) {
  const auto& e = libos::rt::environment();
  budget_ = need(abi::calls::budget_create(e.budget, options.pages), where);
  domain_ = need(abi::calls::domain_create(budget_, options.authorities), where);
  space_ = own_space_ ? need(abi::calls::address_space_create(), where) : e.space;
  if (own_space_) need(map_image(space_), where);
}

void Child::destroy() {
  if (!domain_.none()) static_cast<void>(abi::calls::cap_drop(std::exchange(domain_, {})));
  if (own_space_ && !space_.none()) static_cast<void>(abi::calls::cap_drop(std::exchange(space_, {})));
  if (!budget_.none()) static_cast<void>(abi::calls::cap_drop(std::exchange(budget_, {})));
}

}  // namespace fb::test
