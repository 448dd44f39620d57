// From an embedded member back to the object that embeds it: what every intrusive structure needs.
#pragma once

#include <bit>
#include <cstddef>

namespace fb::core::list {

/// The `Owner` whose member `where` is `member`. The member must really be embedded in an Owner.
template <class Owner, class Member>
[[nodiscard]] Owner& owner_of(Member& member, Member Owner::* where) {
  // A pointer to a data member is its offset (Itanium C++ ABI 2.3); offsetof takes no member pointer.
  const auto offset = std::bit_cast<std::ptrdiff_t>(where);
  return *reinterpret_cast<Owner*>(reinterpret_cast<std::byte*>(&member) - offset);
}

}  // namespace fb::core::list
