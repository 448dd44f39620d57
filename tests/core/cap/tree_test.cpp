// Derivation, revocation, affine capabilities and clean-up by several reapers (CAP-2, CAP-3, CAP-5).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

class TreeTest : public ::testing::Test {
 protected:
  Domain a_{2}, b_{2};
  Object object_{kTypeA};

  static Entry* entry(Domain& domain, Handle handle) { return domain.space.entry_of(handle.slot()); }
  static bool valid(Domain& domain, Handle handle) {
    return domain.space.lookup_any(handle, Rights()).has_value();
  }
  static Error refusal(Domain& domain, Handle handle) {
    const auto found = domain.space.lookup_any(handle, Rights());
    return found ? Error::BadCall : found.error();
  }
  static Handle must_derive(Domain& from, Handle source, Domain& to,
                            Rights mask = kAllRights.without(Right::Once)) {
    const auto made = derive(from.space, source, mask, to.space);
    EXPECT_TRUE(made.has_value());
    return made.value_or(Handle());
  }
  static void cut(Domain& domain, Handle handle) {
    const auto found = domain.space.lookup_any(handle, Rights());
    ASSERT_TRUE(found.has_value());
    ASSERT_TRUE(TestTree::cut(found->entry));
  }
  static Reaped step(Domain& domain, Handle handle) {
    TestSpace::Header* object = nullptr;
    return TestTree::reap_step(domain.space, handle, object, no_bindings);
  }
};

RC_GTEST_FIXTURE_PROP(TreeTest, derived_rights_are_those_of_the_source_in_the_mask_CAP_2,
                      (std::uint64_t held, const std::vector<std::uint64_t>& masks)) {
  auto rights = Rights(held).meet(kAllRights).without(Right::Once);
  auto handle = plant(a_.space, object_, Rights(held).without(Right::Once));
  for (const auto mask : masks) {
    const auto made = derive(a_.space, handle, Rights(mask), a_.space);
    if (!made) RC_SUCCEED("deep or full");
    handle = *made;
    const auto lower = rights.meet(Rights(mask));
    RC_ASSERT(lower.within(rights));
    rights = lower;
    RC_ASSERT(entry(a_, handle)->rights() == rights);
    RC_ASSERT(a_.space.lookup(handle, kTypeA, rights).has_value());
    for (unsigned bit = 0; bit < 32; ++bit) {
      const Rights one(std::uint64_t{1} << bit);
      RC_ASSERT(a_.space.lookup_any(handle, one).has_value() == rights.has(one));
    }
  }
}

TEST_F(TreeTest, derivation_ends_at_32_levels) {
  auto handle = plant(a_.space, object_);
  for (int level = 1; level < kMaxDepth; ++level) handle = must_derive(a_, handle, a_);
  EXPECT_TRUE(valid(a_, handle));
  EXPECT_EQ(entry(a_, handle)->depth, kMaxDepth - 1);
  EXPECT_EQ(derive(a_.space, handle, kAllRights, b_.space).error(), Error::TooDeep);
  EXPECT_EQ(b_.space.used(), 0U);
  // The walk reaches the root from there.
  const auto other = plant(b_.space, object_);
  cut(b_, other);
  EXPECT_TRUE(valid(a_, handle));
}

TEST_F(TreeTest, revocation_ends_all_below_and_nothing_else_CAP_3) {
  const auto root = plant(a_.space, object_);
  const auto left = must_derive(a_, root, a_);
  const auto left_far = must_derive(a_, left, b_);
  const auto left_far_below = must_derive(b_, left_far, b_);
  const auto right = must_derive(a_, root, b_);
  const auto before = object_.epoch.load();
  cut(a_, left);
  EXPECT_NE(object_.epoch.load(), before);
  EXPECT_EQ(refusal(a_, left), Error::Revoked);
  EXPECT_EQ(refusal(b_, left_far), Error::Revoked);
  EXPECT_EQ(refusal(b_, left_far_below), Error::Revoked);
  EXPECT_EQ(derive(b_.space, left_far, kAllRights, b_.space).error(), Error::Revoked);
  EXPECT_TRUE(valid(a_, root));
  EXPECT_TRUE(valid(b_, right));
  EXPECT_EQ(reap_all(a_.space, left), nullptr);
  for (const auto handle : {left_far, left_far_below}) EXPECT_EQ(refusal(b_, handle), Error::Stale);
  EXPECT_EQ(a_.space.used(), 1U);
  EXPECT_EQ(b_.space.used(), 1U);
  EXPECT_TRUE(valid(b_, right));
}

TEST_F(TreeTest, a_late_derive_from_a_cut_source_fails_CAP_3) {
  const auto root = plant(a_.space, object_);
  const auto child = must_derive(a_, root, a_);
  const auto found = a_.space.lookup_any(child, Rights());
  auto* fresh = must_reserve(b_.space);
  cut(a_, root);
  EXPECT_EQ(TestTree::derive(found->entry, kAllRights, fresh).error(), Error::Revoked);
  b_.space.release(fresh);
  EXPECT_EQ(reap_all(a_.space, root), &object_);
  EXPECT_EQ(b_.space.used(), 0U);
}

TEST_F(TreeTest, only_the_first_cut_counts) {
  const auto root = plant(a_.space, object_);
  EXPECT_TRUE(TestTree::cut(entry(a_, root)));
  EXPECT_FALSE(TestTree::cut(entry(a_, root)));
}

TEST_F(TreeTest, clean_up_removes_leaves_first_one_a_step) {
  const auto root = plant(a_.space, object_);
  const auto child = must_derive(a_, root, b_);
  must_derive(b_, child, b_);
  must_derive(a_, root, a_);
  cut(a_, root);
  TestSpace::Header* object = nullptr;
  for (unsigned left = 3; left > 0; --left) {
    EXPECT_EQ(TestTree::reap_step(a_.space, root, object, no_bindings), Reaped::Some);
    EXPECT_EQ(a_.space.used() + b_.space.used(), left);
    EXPECT_EQ(object, nullptr);
  }
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, no_bindings), Reaped::Root);
  EXPECT_EQ(object, &object_);
  EXPECT_EQ(object_.root, nullptr);
}

TEST_F(TreeTest, bindings_go_before_their_entry) {
  const auto root = plant(a_.space, object_);
  int bindings = 3;
  entry(a_, root)->bindings = &bindings;
  cut(a_, root);
  TestSpace::Header* object = nullptr;
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, unbind_one), Reaped::Some);
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, unbind_one), Reaped::Some);
  EXPECT_EQ(a_.space.used(), 1U);
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, unbind_one), Reaped::Root);
  EXPECT_EQ(bindings, 0);
}

// Not all that a capability holds up hangs on its entry: a gate call under way, say, is found through the
// object.
TEST_F(TreeTest, clean_up_asks_about_entries_without_bindings_too) {
  const auto root = plant(a_.space, object_);
  must_derive(a_, root, b_);
  cut(a_, root);
  int asked = 0;
  const auto not_at_first = [&](Entry* held) { return held->bindings == nullptr && ++asked % 2 == 0; };
  TestSpace::Header* object = nullptr;
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, not_at_first), Reaped::Some);
  EXPECT_EQ(b_.space.used(), 1U) << "it was not done yet";
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, not_at_first), Reaped::Some);
  EXPECT_EQ(b_.space.used(), 0U);
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, not_at_first), Reaped::Some);
  EXPECT_EQ(TestTree::reap_step(a_.space, root, object, not_at_first), Reaped::Root);
  EXPECT_EQ(asked, 4);
}

TEST_F(TreeTest, reaping_what_is_not_cut_or_gone_does_nothing) {
  const auto root = plant(a_.space, object_);
  EXPECT_EQ(step(a_, root), Reaped::Done);
  EXPECT_TRUE(valid(a_, root));
  for (const auto handle : {Handle(), Handle(64, 1), Handle(kMaxSlots - 1, 9), Handle(~std::uint64_t{0})}) {
    EXPECT_EQ(step(a_, handle), Reaped::Done);
  }
}

// Two revokers at once: the one of the descendant is overtaken, and its slot is reused before it looks again.
TEST_F(TreeTest, a_reaper_whose_entry_was_reaped_and_reused_by_others_ends_without_harm_CAP_3) {
  const auto root = plant(a_.space, object_);
  const auto middle = must_derive(a_, root, a_);
  const auto low = must_derive(a_, middle, b_);
  must_derive(b_, low, b_);
  cut(b_, low);
  cut(a_, middle);
  EXPECT_EQ(step(b_, low), Reaped::Some);
  EXPECT_EQ(reap_all(a_.space, middle), nullptr);
  Object other(kTypeB);
  const auto reuse = plant(b_.space, other);
  EXPECT_EQ(reuse.slot(), low.slot());
  cut(b_, reuse);  // even dead: it is another generation, and another reaper's
  EXPECT_EQ(step(b_, low), Reaped::Done);
  EXPECT_EQ(b_.space.used(), 1U);
  EXPECT_EQ(reap_all(b_.space, reuse), &other);
}

TEST_F(TreeTest, alternating_reapers_of_ancestor_and_descendant_both_end_and_one_gets_the_object) {
  const auto root = plant(a_.space, object_);
  const auto child = must_derive(a_, root, b_);
  for (int i = 0; i < 10; ++i) must_derive(b_, child, i % 2 == 0 ? a_ : b_);
  cut(b_, child);
  cut(a_, root);
  int roots = 0;
  int running = 2;
  for (bool first = true; running > 0; first = !first) {
    const auto result = first ? step(a_, root) : step(b_, child);
    if (result == Reaped::Root) ++roots;
    running = result == Reaped::Some ? 2 : running - 1;
    ASSERT_LE(roots, 1);
  }
  EXPECT_EQ(roots, 1);
  EXPECT_EQ(a_.space.used() + b_.space.used(), 0U);
}

TEST_F(TreeTest, a_once_capability_is_used_once_CAP_5) {
  const auto root = plant(a_.space, object_);
  const auto once = must_derive(a_, root, b_, Right::Invoke | Right::Once);
  EXPECT_EQ(b_.space.lookup(once, kTypeA, Right::Write).error(), Error::Denied) << "a refusal is no use";
  const auto use = b_.space.lookup(once, kTypeA, Right::Invoke);
  ASSERT_TRUE(use.has_value());
  EXPECT_EQ(refusal(b_, once), Error::Consumed);
  EXPECT_FALSE(TestTree::settle(use->entry, false));
  const auto again = b_.space.lookup(once, kTypeA, Right::Invoke);
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(TestTree::settle(again->entry, true));
  EXPECT_FALSE(valid(b_, once));
  EXPECT_EQ(reap_all(b_.space, once), nullptr);
  EXPECT_EQ(refusal(b_, once), Error::Stale);
  EXPECT_EQ(b_.space.used(), 0U);
}

TEST_F(TreeTest, the_machine_is_told_of_claims_and_of_nothing_else_CAP_5) {
  const auto root = plant(a_.space, object_);
  const auto once = must_derive(a_, root, b_, Right::Invoke | Right::Once);
  TestMachine::last_claimed = nullptr;
  EXPECT_TRUE(valid(a_, root));
  EXPECT_FALSE(b_.space.lookup(once, kTypeA, Right::Write).has_value());
  EXPECT_EQ(TestMachine::last_claimed, nullptr);
  EXPECT_TRUE(valid(b_, once));
  EXPECT_EQ(std::exchange(TestMachine::last_claimed, nullptr), entry(b_, once));
  EXPECT_EQ(refusal(b_, once), Error::Consumed);
  EXPECT_EQ(TestMachine::last_claimed, nullptr);
}

TEST_F(TreeTest, the_creating_capability_is_not_used_up_by_holding_once_CAP_5) {
  const auto root = plant(a_.space, object_, Right::Invoke | Right::Once);
  for (int i = 0; i < 3; ++i) {
    const auto found = a_.space.lookup_any(root, Right::Invoke);
    ASSERT_TRUE(found.has_value());
    EXPECT_FALSE(TestTree::settle(found->entry, true)) << "settle is for _ONCE only";
  }
}

TEST_F(TreeTest, a_once_capability_cannot_be_doubled_or_loosened_by_deriving_CAP_5) {
  const auto root = plant(a_.space, object_);
  const auto once = must_derive(a_, root, b_, kAllRights);
  EXPECT_EQ(derive(b_.space, once, kAllRights, b_.space).error(), Error::Denied);
  EXPECT_EQ(derive(b_.space, once, kAllRights.without(Right::Once), a_.space).error(), Error::Denied);
  EXPECT_TRUE(valid(b_, once)) << "the attempt did not use it up";
  EXPECT_EQ(a_.space.used() + b_.space.used(), 2U);
}

TEST_F(TreeTest, a_use_that_revocation_overtook_is_not_restored_CAP_3_CAP_5) {
  const auto root = plant(a_.space, object_);
  const auto once = must_derive(a_, root, b_, kAllRights);
  const auto use = b_.space.lookup_any(once, Rights());
  ASSERT_TRUE(use.has_value());
  ASSERT_TRUE(TestTree::cut(use->entry));
  EXPECT_FALSE(TestTree::settle(use->entry, false));
  EXPECT_EQ(refusal(b_, once), Error::Revoked);
  EXPECT_EQ(reap_all(b_.space, once), nullptr);
}

TEST_F(TreeTest, an_old_hint_in_a_reused_entry_does_not_hide_a_revocation_CAP_3) {
  const auto root = plant(a_.space, object_);
  const auto low = must_derive(a_, root, b_);
  const auto old_epoch = object_.epoch.load();
  cut(a_, must_derive(a_, root, a_));  // an epoch later
  // A walker that read the epoch long ago stores it only now.
  entry(b_, low)->checked.store(old_epoch);
  EXPECT_TRUE(valid(b_, low));
  cut(a_, root);
  entry(b_, low)->checked.store(old_epoch);
  EXPECT_EQ(refusal(b_, low), Error::Revoked);
}

}  // namespace
}  // namespace fb::core::cap::test
