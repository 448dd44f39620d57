// Two CPUs, one interleaving each: the other one acts at the worst moment, the same way every time.
#include <gtest/gtest.h>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

class InterleavingTest : public ::testing::Test {
 public:
  ~InterleavingTest() override {
    EXPECT_FALSE(before_lock || before_step_of_walk) << "the moment never came";
  }

 protected:
  Domain a_{1}, b_{1};
  Object object_{kTypeA};
  Handle root_ = plant(a_.space, object_);

  static Entry* entry(Domain& domain, Handle handle) { return domain.space.entry_of(handle.slot()); }
  static Handle must_derive(Domain& from, Handle source, Domain& to,
                            Rights mask = kAllRights.without(Right::Once)) {
    return derive(from.space, source, mask, to.space).value_or(Handle());
  }
  static Result<Checked> look(Domain& domain, Handle handle) {
    return domain.space.lookup_any(handle, Rights());
  }
};

TEST_F(InterleavingTest, a_once_capability_claimed_during_the_walk_of_another_claim_is_consumed_CAP_5) {
  const auto once = must_derive(a_, root_, b_, kAllRights);
  bool other_won = false;
  before_step_of_walk = [&] { other_won = look(b_, once).has_value(); };
  EXPECT_EQ(look(b_, once).error(), Error::Consumed);
  EXPECT_TRUE(other_won);
}

TEST_F(InterleavingTest, a_once_capability_revoked_during_the_walk_is_not_claimed_CAP_3_CAP_5) {
  const auto once = must_derive(a_, root_, b_, kAllRights);
  before_step_of_walk = [&] { TestTree::cut(entry(b_, once)); };
  EXPECT_FALSE(look(b_, once).has_value());
  EXPECT_EQ(look(b_, once).error(), Error::Revoked);
}

// The lookup began after the grace period of the ancestor's revocation, so nothing keeps its entries from
// being reused under it. Here all that the walk will read is reused by live capabilities; only the tag has
// moved on.
TEST_F(InterleavingTest, a_walk_over_entries_that_are_reused_under_it_finds_nothing_CAP_4) {
  const auto middle = must_derive(a_, root_, a_);
  const auto low = must_derive(a_, middle, b_);
  Object other(kTypeB);
  Handle reuse;
  ASSERT_TRUE(TestTree::cut(entry(a_, middle)));
  before_step_of_walk = [&] {
    reap_all(a_.space, middle);
    reuse = must_derive(a_, plant(a_.space, other), b_);
  };
  EXPECT_EQ(look(b_, low).error(), Error::Stale);
  EXPECT_EQ(reuse.slot(), low.slot());
  const auto found = look(b_, reuse);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(&object_in(*found), &other);
}

// The same, with the same object: what the old walk remembers in the reused entry must not outlive a
// revocation.
TEST_F(InterleavingTest, what_an_overtaken_walk_remembers_does_not_hide_a_later_revocation_CAP_3) {
  const auto middle = must_derive(a_, root_, a_);
  const auto low = must_derive(a_, middle, b_);
  Handle reuse_middle;
  Handle reuse;
  ASSERT_TRUE(TestTree::cut(entry(a_, middle)));
  before_step_of_walk = [&] {
    reap_all(a_.space, middle);
    reuse_middle = must_derive(a_, root_, a_);
    reuse = must_derive(a_, reuse_middle, b_);
  };
  EXPECT_EQ(look(b_, low).error(), Error::Stale);
  EXPECT_EQ(reuse.slot(), low.slot());
  EXPECT_TRUE(look(b_, reuse).has_value());
  ASSERT_TRUE(TestTree::cut(entry(a_, reuse_middle)));
  EXPECT_EQ(look(b_, reuse).error(), Error::Revoked);
}

TEST_F(InterleavingTest, a_revocation_between_check_and_derive_wins_CAP_3) {
  const auto low = must_derive(a_, root_, a_);
  auto* fresh = must_reserve(b_.space);
  before_lock = [&] { TestTree::cut(entry(a_, root_)); };
  EXPECT_EQ(TestTree::derive(entry(a_, low), kAllRights, fresh).error(), Error::Revoked);
  b_.space.release(fresh);
}

TEST_F(InterleavingTest, a_reaper_overtaken_before_its_lock_leaves_the_reused_entry_alone) {
  const auto low = must_derive(a_, root_, b_);
  ASSERT_TRUE(TestTree::cut(entry(b_, low)));
  Object other(kTypeB);
  Handle reuse;
  before_lock = [&] {
    reap_all(b_.space, low);
    reuse = plant(b_.space, other);
  };
  TestSpace::Header* object = nullptr;
  EXPECT_EQ(TestTree::reap_step(b_.space, low, object, no_bindings), Reaped::Done);
  EXPECT_EQ(object, nullptr);
  EXPECT_EQ(reuse.slot(), low.slot());
  EXPECT_TRUE(look(b_, reuse).has_value());
}

TEST_F(InterleavingTest, of_two_reapers_of_a_creating_capability_one_gets_the_object) {
  ASSERT_TRUE(TestTree::cut(entry(a_, root_)));
  Object* got = nullptr;
  before_lock = [&] { got = reap_all(a_.space, root_); };
  TestSpace::Header* object = nullptr;
  EXPECT_EQ(TestTree::reap_step(a_.space, root_, object, no_bindings), Reaped::Done);
  EXPECT_EQ(got, &object_);
  EXPECT_EQ(object, nullptr);
}

TEST_F(InterleavingTest, a_settlement_that_revocation_overtook_owes_no_second_clean_up_CAP_5) {
  const auto once = must_derive(a_, root_, b_, kAllRights);
  const auto use = look(b_, once);
  ASSERT_TRUE(use.has_value());
  bool cut = false;
  before_lock = [&] { cut = TestTree::cut(entry(b_, once)); };
  EXPECT_FALSE(TestTree::settle(use->entry, true));
  EXPECT_TRUE(cut);
  EXPECT_EQ(b_.space.used(), 1U);
}

TEST_F(InterleavingTest, what_is_derived_while_its_space_closes_goes_with_the_space) {
  auto* fresh = must_reserve(b_.space);
  Teardown<TestMachine> teardown(b_.space);
  using Next = Teardown<TestMachine>::Next;
  const auto step = [&] { return teardown.step(no_bindings, [](TestSpace::Header&) {}); };
  before_lock = [&] { EXPECT_EQ(step(), Next::Grace); };  // which is not over before we have left
  const auto derived = TestTree::derive(entry(a_, root_), kAllRights.without(Right::Once), fresh);
  ASSERT_TRUE(derived.has_value());
  EXPECT_TRUE(b_.space.lookup_any(*derived, Rights()).has_value());
  EXPECT_EQ(step(), Next::Step);
  EXPECT_EQ(b_.space.lookup_any(*derived, Rights()).error(), Error::Revoked);
  while (step() != Next::Done) {
  }
  EXPECT_EQ(b_.space.lookup_any(*derived, Rights()).error(), Error::Stale);
  EXPECT_EQ(b_.space.used(), 0U);
}

}  // namespace
}  // namespace fb::core::cap::test
