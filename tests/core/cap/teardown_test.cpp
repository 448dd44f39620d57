// The end of a space: all it held and gave goes, all it created is destroyed once, its pages come back
// (CAP-3).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

using Next = TestTeardown::Next;

struct Counts {
  int steps = 0, graces = 0;
};
template <class Destroy>
Counts run(TestTeardown& teardown, Destroy destroy) {
  Counts counts;
  for (Next next{}; next != Next::Done;) {
    next = teardown.step(no_bindings, destroy);
    (next == Next::Grace ? counts.graces : counts.steps) += 1;
  }
  return counts;
}

TEST(Teardown, of_an_empty_space_is_three_graces) {
  Domain domain(2);
  TestTeardown teardown(domain.space);
  const auto counts = run(teardown, [](TestSpace::Header&) { FAIL(); });
  EXPECT_EQ(counts.graces, 3);
  EXPECT_TRUE(domain.space.closed());
  EXPECT_EQ(domain.space.reserve().error(), Error::Gone);
}

TEST(Teardown, hands_back_every_page) {
  const auto before = Arena::in_use();
  {
    Domain domain(5);
    TestTeardown teardown(domain.space);
    run(teardown, [](TestSpace::Header&) {});
    std::set<Entry*> pages;
    while (auto* page = domain.space.take_chunk()) {
      EXPECT_TRUE(pages.insert(page).second);
      Arena::give(page);
    }
    EXPECT_EQ(pages.size(), 5U);
    EXPECT_EQ(domain.space.lookup_any(Handle(1, 1), Rights()).error(), Error::BadHandle);
  }
  EXPECT_EQ(Arena::in_use(), before);
}

TEST(Teardown, ends_what_was_given_to_others_and_leaves_what_others_created_CAP_3) {
  Domain dying(2);
  Domain other(2);
  auto mine = std::make_unique<Object>(kTypeA);
  Object theirs(kTypeB);
  const auto mine_there = *derive(dying.space, plant(dying.space, *mine), Right::Read, other.space);
  const auto root = plant(other.space, theirs);
  const auto theirs_here = *derive(other.space, root, Right::Read | Right::Grant, dying.space);
  const auto theirs_back = *derive(dying.space, theirs_here, Right::Read, other.space);
  TestTeardown teardown(dying.space);
  int destroyed = 0;
  run(teardown, [&](TestSpace::Header& object) {
    EXPECT_EQ(&object, mine.get());
    mine.reset();
    ++destroyed;
  });
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(dying.space.used(), 0U);
  EXPECT_EQ(other.space.used(), 1U);
  EXPECT_TRUE(other.space.lookup(root, kTypeB, Right::Read).has_value());
  EXPECT_EQ(other.space.lookup_any(mine_there, Rights()).error(), Error::Stale);
  EXPECT_EQ(other.space.lookup_any(theirs_back, Rights()).error(), Error::Stale);
}

TEST(Teardown, nothing_is_valid_after_its_second_grace_period_begins) {
  Domain dying(1);
  Domain other(1);
  Object object(kTypeA);
  const auto root = plant(dying.space, object);
  const auto there = *derive(dying.space, root, Right::Read, other.space);
  TestTeardown teardown(dying.space);
  const auto destroy = [](TestSpace::Header&) {};
  EXPECT_EQ(teardown.step(no_bindings, destroy), Next::Grace);  // closed
  EXPECT_TRUE(other.space.lookup_any(there, Rights()).has_value());
  EXPECT_EQ(teardown.step(no_bindings, destroy), Next::Step);  // its one chunk is cut
  EXPECT_EQ(dying.space.lookup_any(root, Rights()).error(), Error::Revoked);
  EXPECT_EQ(other.space.lookup_any(there, Rights()).error(), Error::Revoked);
  EXPECT_EQ(teardown.step(no_bindings, destroy), Next::Grace);
}

TEST(Teardown, waits_for_bindings_in_steps) {
  Domain domain(1);
  Object object(kTypeA);
  const auto root = plant(domain.space, object);
  int bindings = 5;
  domain.space.entry_of(root.slot())->bindings = &bindings;
  TestTeardown teardown(domain.space);
  int destroyed = 0;
  for (Next next{}; next != Next::Done;) {
    next = teardown.step(unbind_one, [&](TestSpace::Header&) { destroyed += bindings == 0 ? 1 : 100; });
  }
  EXPECT_EQ(bindings, 0);
  EXPECT_EQ(destroyed, 1);
}

TEST(Teardown, keeps_the_space_for_who_has_pinned_it_and_lets_nobody_pin_it_later_G4) {
  Domain domain(1);
  Object object(kTypeA);
  const auto root = plant(domain.space, object);
  ASSERT_TRUE(domain.space.pin());
  TestTeardown teardown(domain.space);
  const auto destroy = [](TestSpace::Header&) {};
  for (int i = 0; i < 200; ++i) ASSERT_NE(teardown.step(no_bindings, destroy), Next::Done);
  EXPECT_FALSE(domain.space.pin());
  TestSpace::Header* header = nullptr;
  EXPECT_EQ(TestTree::reap_step(domain.space, root, header, no_bindings), Reaped::Done);
  domain.space.unpin();
  EXPECT_EQ(teardown.step(no_bindings, destroy), Next::Done);
}

TEST(Teardown, takes_over_what_an_abandoned_revoker_left_G4) {
  Domain domain(1);
  Object object(kTypeA);
  const auto root = plant(domain.space, object);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(derive(domain.space, root, Right::Read, domain.space).has_value());
  ASSERT_TRUE(TestTree::cut(domain.space.entry_of(root.slot())));
  TestSpace::Header* header = nullptr;
  ASSERT_EQ(TestTree::reap_step(domain.space, root, header, no_bindings), Reaped::Some);
  TestTeardown teardown(domain.space);
  int destroyed = 0;
  run(teardown, [&](TestSpace::Header&) { ++destroyed; });
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(domain.space.used(), 0U);
}

// Four domains that have derived from each other at random; revokers are at work; two domains are torn down
// at once, every loop taking its next step in random order. Freed memory is overwritten (arena) or reported
// (ASan).
RC_GTEST_PROP(TeardownModel, interleaved_with_other_teardowns_and_reapers_frees_all_exactly_once_CAP_3,
              (const std::vector<std::array<std::uint32_t, 3>>& derivations,
               const std::vector<std::uint32_t>& cuts)) {
  struct Given {
    std::size_t domain;
    Handle handle;
    std::size_t root;
    bool doomed;
    std::size_t parent;
  };
  const auto pages = Arena::in_use();
  std::array<std::unique_ptr<Domain>, 4> domains;
  std::array<std::unique_ptr<Object>, 4> objects;
  std::vector<Given> given;
  for (std::size_t i = 0; i < domains.size(); ++i) {
    domains.at(i) = std::make_unique<Domain>(3);
    objects.at(i) = std::make_unique<Object>(kTypeA);
    given.push_back({i, plant(domains.at(i)->space, *objects.at(i)), i, false, i});
  }
  for (const auto& [x, y, z] : derivations) {
    const auto from = given.at(x % given.size());
    const auto to = y % domains.size();
    const auto made = derive(domains.at(from.domain)->space, from.handle, Right::Read, domains.at(to)->space);
    if (made) given.push_back({to, *made, from.root, false, x % given.size()});
  }
  // Parents come before children, so one pass knows who is doomed: domains 0 and 1 die, and some are revoked.
  std::vector<std::size_t> works;
  for (const auto cut : cuts) {
    const auto at = domains.size() + cut % given.size();
    if (at >= given.size()) continue;
    if (TestTree::cut(domains.at(given[at].domain)->space.entry_of(given[at].handle.slot())))
      works.push_back(at);
    given[at].doomed = true;
  }
  for (auto& cap : given) cap.doomed = cap.doomed || cap.domain < 2 || given[cap.parent].doomed;

  std::array teardowns{TestTeardown(domains[0]->space), TestTeardown(domains[1]->space)};
  std::array<bool, 2> done{};
  std::array<int, 4> destroyed{};
  const auto destroy = [&](TestSpace::Header& header) {
    const auto at = std::ranges::find(objects, static_cast<Object*>(&header), &std::unique_ptr<Object>::get);
    ++destroyed.at(static_cast<std::size_t>(at - objects.begin()));
    at->reset();
  };
  auto random = *rc::gen::arbitrary<std::uint32_t>();
  while (!done[0] || !done[1] || !works.empty()) {
    random = random * 1664525U + 1013904223U;
    const auto choice = (random >> 16) % (2 + works.size());
    if (choice < 2) {
      if (!done.at(choice)) done.at(choice) = teardowns.at(choice).step(no_bindings, destroy) == Next::Done;
      continue;
    }
    // G4: a revoker does not go on in a closed space.
    const auto work = works.begin() + static_cast<std::ptrdiff_t>(choice - 2);
    auto& space = domains.at(given[*work].domain)->space;
    TestSpace::Header* header = nullptr;
    if (space.closed() ||
        TestTree::reap_step(space, given[*work].handle, header, no_bindings) != Reaped::Some) {
      works.erase(work);
    }
  }
  RC_ASSERT(destroyed == (std::array{1, 1, 0, 0}));
  domains[0].reset();
  domains[1].reset();
  std::array<std::uint32_t, 4> used{};
  for (const auto& cap : given) {
    if (cap.domain < 2) continue;
    const auto found = domains.at(cap.domain)->space.lookup_any(cap.handle, Rights());
    RC_ASSERT(found.has_value() == !cap.doomed);
    used.at(cap.domain) += cap.doomed ? 0 : 1;
  }
  for (std::size_t i = 2; i < domains.size(); ++i) RC_ASSERT(domains.at(i)->space.used() == used.at(i));
  for (auto& domain : domains) domain.reset();
  RC_ASSERT(Arena::in_use() == pages);
}

}  // namespace
}  // namespace fb::core::cap::test
