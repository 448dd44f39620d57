// The 24 Hurwitz units: a group, and a Latin square.
#include "core/sync/hurwitz.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace fb::core::sync {
namespace {

// Hamilton's rules.
constexpr Hurwitz kK{0, 0, 0, 2};
constexpr Hurwitz kMinusOne{-2, 0, 0, 0};
static_assert(kI * kI == kMinusOne && kJ * kJ == kMinusOne && kK * kK == kMinusOne);
static_assert(kI * kJ == kK && kJ * kK == kI && kK * kI == kJ);
static_assert(!(kJ * kI == kK));
static_assert(kOmega * kOmega * kOmega == kOne);

constexpr HurwitzUnit unit(unsigned code) { return HurwitzUnit(code); }

/// Every Hurwitz quaternion of norm 1, by trying.
std::set<std::array<int, 4>> all_units() {
  std::set<std::array<int, 4>> found;
  for (int w = -2; w <= 2; ++w) {
    for (int x = -2; x <= 2; ++x) {
      for (int y = -2; y <= 2; ++y) {
        for (int z = -2; z <= 2; ++z) {
          const Hurwitz each{w, x, y, z};
          if (each.valid() && w * w + x * x + y * y + z * z == 4) found.insert({w, x, y, z});
        }
      }
    }
  }
  return found;
}

TEST(HurwitzUnit, the_codes_name_each_unit_once_C5_03) {
  std::set<std::array<int, 4>> named;
  for (unsigned code = 0; code != kUnits; ++code) {
    const auto value = unit(code).value();
    EXPECT_TRUE(value.valid());
    EXPECT_EQ(value.norm(), 1);
    named.insert({value.w2, value.x2, value.y2, value.z2});
  }
  EXPECT_EQ(named, all_units());
  EXPECT_EQ(named.size(), kUnits);
  EXPECT_EQ(unit(0).value(), kOne);
}

TEST(HurwitzUnit, they_are_closed_and_multiply_as_their_values_do) {
  for (unsigned a = 0; a != kUnits; ++a) {
    for (unsigned b = 0; b != kUnits; ++b) {
      ASSERT_LT((unit(a) * unit(b)).code(), kUnits);
      ASSERT_EQ((unit(a) * unit(b)).value(), unit(a).value() * unit(b).value());
    }
  }
}

TEST(HurwitzUnit, each_has_an_inverse_which_is_its_conjugate) {
  for (unsigned code = 0; code != kUnits; ++code) {
    const auto each = unit(code);
    EXPECT_EQ(each * each.inverse(), unit(0));
    EXPECT_EQ(each.inverse() * each, unit(0));
    EXPECT_EQ(each.inverse().value(), each.value().conjugate());
  }
}

TEST(HurwitzUnit, their_orders_are_those_of_the_binary_tetrahedral_group) {
  std::map<unsigned, unsigned> count;
  for (unsigned code = 0; code != kUnits; ++code) {
    unsigned order = 1;
    for (auto power = unit(code); power != unit(0); power = power * unit(code)) ++order;
    ++count[order];
  }
  const std::map<unsigned, unsigned> expected{{1, 1}, {2, 1}, {3, 8}, {4, 6}, {6, 8}};
  EXPECT_EQ(count, expected);  // none of 24, so no single turn visits all of them
}

// Why locks that share a waiting room differ by a turn: no two waiters of one lock are in one place, and one position of
// all 24 turned locks is in all 24 places.
TEST(HurwitzUnit, the_products_are_a_latin_square) {
  for (unsigned a = 0; a != kUnits; ++a) {
    std::set<unsigned> row;
    std::set<unsigned> column;
    for (unsigned b = 0; b != kUnits; ++b) {
      row.insert((unit(a) * unit(b)).code());
      column.insert((unit(b) * unit(a)).code());
    }
    EXPECT_EQ(row.size(), kUnits);
    EXPECT_EQ(column.size(), kUnits);
  }
}

TEST(HurwitzUnit, numbers_walk_through_all_of_them_again_and_again) {
  for (std::uint32_t start : {0U, 7U, 240U}) {
    std::set<unsigned> seen;
    for (std::uint32_t step = 0; step != kUnits; ++step) seen.insert(unit(start + step).code());
    EXPECT_EQ(seen.size(), kUnits);
    EXPECT_EQ(unit(start), unit(start + kUnits));
  }
}

Hurwitz any_hurwitz() {
  const auto small = rc::gen::inRange(-500, 500);
  const int odd = *rc::gen::inRange(0, 2);
  return {*small * 2 + odd, *small * 2 + odd, *small * 2 + odd, *small * 2 + odd};
}

RC_GTEST_PROP(Hurwitz, products_are_hurwitz_quaternions_and_associate, ()) {
  const auto a = any_hurwitz();
  const auto b = any_hurwitz();
  RC_ASSERT((a * b).valid());
  const auto c = unit(*rc::gen::inRange(0U, kUnits)).value();
  RC_ASSERT((a * b) * c == a * (b * c));
  RC_ASSERT(a * kOne == a && kOne * a == a);
}

RC_GTEST_PROP(Hurwitz, the_norm_is_multiplicative_so_a_turn_keeps_it, ()) {
  const auto a = any_hurwitz();
  const auto small = unit(*rc::gen::inRange(0U, kUnits)).value();
  RC_ASSERT((a * small).norm() == a.norm());
  RC_ASSERT((small * a).norm() == a.norm());
  const Hurwitz b{*rc::gen::inRange(-10, 10) * 2, *rc::gen::inRange(-10, 10) * 2, 0, 2};
  RC_ASSERT((a * b).norm() == a.norm() * b.norm());
}

RC_GTEST_PROP(Hurwitz, conjugation_turns_products_round, ()) {
  const auto a = any_hurwitz();
  const auto b = any_hurwitz();
  RC_ASSERT((a * b).conjugate() == b.conjugate() * a.conjugate());
  RC_ASSERT((a * a.conjugate()) == (Hurwitz{2 * a.norm(), 0, 0, 0}));
}

}  // namespace
}  // namespace fb::core::sync
