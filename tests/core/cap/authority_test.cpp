// Rights and authorities are lattices; authority only goes down (CAP-2, CAP-8, E3.01-E3.04).
#include "core/cap/authority.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string_view>
#include <vector>

namespace fb::core::cap {
namespace {

using Set = Authorities;

RC_GTEST_PROP(AuthorityLattice, join_and_meet_commute_associate_and_absorb_E3_01,
              (std::uint64_t x, std::uint64_t y, std::uint64_t z)) {
  const Set a(x);
  const Set b(y);
  const Set c(z);
  RC_ASSERT(a.join(b) == b.join(a));
  RC_ASSERT(a.meet(b) == b.meet(a));
  RC_ASSERT(a.join(b).join(c) == a.join(b.join(c)));
  RC_ASSERT(a.meet(b).meet(c) == a.meet(b.meet(c)));
  RC_ASSERT(a.join(a.meet(b)) == a);
  RC_ASSERT(a.meet(a.join(b)) == a);
  RC_ASSERT(a.meet(b.join(c)) == a.meet(b).join(a.meet(c)));
}

RC_GTEST_PROP(AuthorityLattice, inclusion_is_the_order_of_meet_and_join_E3_01,
              (std::uint64_t x, std::uint64_t y)) {
  const Set a(x);
  const Set b(y);
  RC_ASSERT(a.within(a));
  RC_ASSERT(a.within(b) == (a.meet(b) == a));
  RC_ASSERT(a.within(b) == (a.join(b) == b));
  RC_ASSERT(!(a.within(b) && b.within(a)) || a == b);
  RC_ASSERT(a.meet(b).within(a) && a.within(a.join(b)));
  RC_ASSERT(b.has(a) == a.within(b));
  RC_ASSERT(a.without(b).meet(b).empty() && a.without(b).join(a.meet(b)) == a);
}

struct Element {
  std::string_view name;
  Set set;
  /// One column per element, in this order: 'x' where the row's element dominates the column's.
  std::string_view dominates;
};
constexpr std::array kElements = {
    //                                   RSLU KIFNAD
    Element{"ROOT", kRootAuthority, "xxxx xxxxxx"},     Element{"SYSTEM", kSystemAuthority, ".x.. xx...."},
    Element{"LIBOS", kLibosAuthority, "..x. ..xx.x"},   Element{"USER", kUserAuthority, "...x .x..xx"},
    Element{"KERNEL", kKernelAuthority, ".... x....."}, Element{"IPC", kIpcAuthority, ".... .x...."},
    Element{"FILE", kFileAuthority, ".... ..x..x"},     Element{"NET", kNetAuthority, ".... ...x.."},
    Element{"APP", kAppAuthority, ".... .x..x."},       Element{"DATA", kDataAuthority, ".... .....x"},
};

TEST(AuthorityLattice, dominance_is_the_table_of_three_zone_harmony_E3_01) {
  for (const auto& row : kElements) {
    std::size_t column = 0;
    for (const char mark : row.dominates) {
      if (mark == ' ') continue;
      const auto& other = kElements.at(column++);
      EXPECT_EQ(row.set.has(other.set), mark == 'x') << row.name << " and " << other.name;
    }
    EXPECT_EQ(column, kElements.size());
  }
}

TEST(AuthorityLattice, root_is_the_join_of_the_zones_and_zones_of_their_parts_E3_01) {
  EXPECT_EQ(kRootAuthority, kSystemAuthority | kLibosAuthority | kUserAuthority);
  EXPECT_EQ(kSystemAuthority, kKernelAuthority | kIpcAuthority);
  EXPECT_TRUE(kLibosAuthority.has(kFileAuthority | kNetAuthority));
  EXPECT_EQ(kUserAuthority, kAppAuthority | kDataAuthority);
  EXPECT_EQ(kSystemAuthority.meet(kUserAuthority), kIpcAuthority);
  EXPECT_EQ(kLibosAuthority.meet(kUserAuthority), kDataAuthority | Authority::Socket);
  EXPECT_TRUE(kSystemAuthority.meet(kLibosAuthority).empty());
}

TEST(AuthorityCeiling,
     every_authority_is_below_the_ceiling_of_its_zone_and_above_no_lower_one_E3_02_E3_03_E3_04) {
#define FB_AUTHORITY(name, cname, bit, lowest, text)                                           \
  for (const auto zone : {Zone::Kernel, Zone::Libos, Zone::User}) {                            \
    EXPECT_EQ(ceiling(zone).has(Authority::name), zone <= Zone::lowest) << #name << ": " text; \
  }
#include "core/cap/authorities.def"
#undef FB_AUTHORITY
  EXPECT_TRUE(ceiling(Zone::User).within(ceiling(Zone::Libos)));
  EXPECT_TRUE(ceiling(Zone::Libos).within(ceiling(Zone::Kernel)));
}

TEST(AuthorityCeiling, a_lower_zone_cannot_obtain_a_higher_zones_authority_CAP_8) {
  constexpr Standing root{Zone::Kernel, kRootAuthority};
  EXPECT_EQ(lower(root, Zone::Kernel, kRootAuthority), root);
  EXPECT_FALSE(lower(root, Zone::Libos, kRootAuthority).authorities.has(Authority::Hardware));
  EXPECT_FALSE(lower(root, Zone::User, kRootAuthority).authorities.has(Authority::Scheduler));
  const auto user = lower(root, Zone::User, kRootAuthority);
  EXPECT_EQ(lower(user, Zone::Kernel, kRootAuthority), user);
}

// Any tree of domains, each made by an earlier one with whatever zone and authorities it likes to ask for.
RC_GTEST_PROP(AuthorityCeiling, no_sequence_of_creations_lifts_a_domain_CAP_8, ()) {
  std::vector<Standing> domains{{Zone::Kernel, kRootAuthority}};
  const auto steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const auto creator = domains.at(*rc::gen::inRange<std::size_t>(0, domains.size()));
    const auto zone = *rc::gen::element(Zone::Kernel, Zone::Libos, Zone::User);
    const Set asked(*rc::gen::arbitrary<std::uint64_t>());
    const auto made = lower(creator, zone, asked);
    RC_ASSERT(made.authorities.within(creator.authorities));
    RC_ASSERT(made.authorities.within(ceiling(zone)));
    RC_ASSERT(made.authorities.within(ceiling(made.zone)));
    RC_ASSERT(made.authorities.within(asked));
    RC_ASSERT(made.zone >= creator.zone && made.zone >= zone);
    domains.push_back(made);
  }
}

TEST(Rights, every_right_has_a_bit_of_its_own_C3_03) {
  std::uint64_t seen = 0;
#define FB_RIGHT(name, cname, bit, text)          \
  EXPECT_EQ(seen& Rights(Right::name).raw(), 0U); \
  seen |= Rights(Right::name).raw();
#include "core/cap/rights.def"
#undef FB_RIGHT
  EXPECT_EQ(Rights(seen), kAllRights);
  EXPECT_EQ(seen >> 32, 0U) << "cap_query gives rights 32 bits, and types take the others (demand)";
}

}  // namespace
}  // namespace fb::core::cap
