// The capability space: slots, generations, lookups and what they refuse (CAP-1, CAP-4, CAP-7).
#include <gtest/gtest.h>

#include <set>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

class SpaceTest : public ::testing::Test {
 protected:
  Domain domain_{1};
  TestSpace& space_ = domain_.space;
  Object object_{kTypeA};

  Error refusal(Handle handle, TypeNumber type = kTypeA, Rights need = Rights()) {
    const auto found = space_.lookup(handle, type, need);
    EXPECT_FALSE(found.has_value());
    return found ? Error::BadCall : found.error();
  }
  void revoke(Handle handle) {
    const auto found = space_.lookup_any(handle, Rights());
    ASSERT_TRUE(found.has_value());
    ASSERT_TRUE(TestTree::cut(found->entry));
    reap_all(space_, handle);
  }
};

TEST_F(SpaceTest, finds_what_was_planted_CAP_7) {
  const auto handle = plant(space_, object_, Right::Read | Right::Map);
  const auto found = space_.lookup(handle, kTypeA, Right::Read | Right::Map);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(&object_in(*found), &object_);
  EXPECT_EQ(found->entry->rights(), Right::Read | Right::Map);
  EXPECT_TRUE(space_.lookup_any(handle, Right::Read).has_value());
  EXPECT_EQ(refusal(handle, kTypeA, Right::Write), Error::Denied);
  EXPECT_EQ(refusal(handle, kTypeA, Right::Read | Right::Write), Error::Denied);
  EXPECT_EQ(refusal(handle, kTypeB, Right::Read), Error::WrongType);
  EXPECT_EQ(space_.lookup_any(handle, Right::Write).error(), Error::Denied);
}

TEST_F(SpaceTest, refuses_handles_that_were_never_given_CAP_1) {
  const auto handle = plant(space_, object_);
  for (const std::uint64_t forged : {
           std::uint64_t{0},
           std::uint64_t{1},
           ~std::uint64_t{0},
           std::uint64_t{1} << 63,
           Handle(0, 1).raw(),
           Handle(64, 1).raw(),
           Handle(65, 1).raw(),  // a header, no chunk, its first entry
           Handle(kMaxSlots, 1).raw(),
           Handle(~std::uint32_t{0}, 1).raw(),
           Handle(handle.slot(), handle.generation() + 1).raw(),
           Handle(handle.slot(), 0).raw(),
           Handle(handle.slot() + 1, 1).raw(),  // a free slot
           Tag::never_live().raw(),
           Tag(0, EntryState::Retired).raw(),
       }) {
    EXPECT_EQ(refusal(Handle(forged)), Error::BadHandle) << std::hex << forged;
    EXPECT_EQ(space_.lookup_any(Handle(forged), Rights()).error(), Error::BadHandle) << std::hex << forged;
  }
  // Every bit of a good handle counts.
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_FALSE(space_.lookup_any(Handle(handle.raw() ^ (std::uint64_t{1} << bit)), Rights()).has_value())
        << bit;
  }
}

TEST_F(SpaceTest, refuses_reserved_entries_CAP_1) {
  auto* entry = must_reserve(space_);
  const auto handle = TestSpace::handle_of(entry);
  EXPECT_EQ(refusal(handle), Error::BadHandle);
  space_.release(entry);
  EXPECT_EQ(refusal(handle), Error::BadHandle);
  EXPECT_EQ(space_.used(), 0U);
}

TEST_F(SpaceTest, an_empty_space_refuses_everything) {
  Domain empty(0);
  for (const auto raw : {std::uint64_t{0}, std::uint64_t{1}, Handle(1, 1).raw(), Tag::never_live().raw()}) {
    EXPECT_EQ(empty.space.lookup_any(Handle(raw), Rights()).error(), Error::BadHandle);
  }
  EXPECT_EQ(empty.space.reserve().error(), Error::NoSlots);
}

TEST_F(SpaceTest, a_freed_slots_old_handles_stay_stale_CAP_4) {
  std::set<std::uint64_t> given;
  for (int i = 0; i < 1000; ++i) {
    const auto handle = plant(space_, object_);
    EXPECT_TRUE(given.insert(handle.raw()).second);
    revoke(handle);
    EXPECT_EQ(refusal(handle), Error::Stale);
  }
  const auto last = plant(space_, object_);
  for (const auto raw : given) EXPECT_EQ(refusal(Handle(raw)), Error::Stale);
  EXPECT_TRUE(space_.lookup_any(last, Rights()).has_value());
}

TEST_F(SpaceTest, a_slot_whose_generations_are_used_up_retires_CAP_4) {
  auto* entry = must_reserve(space_);
  entry->tag.store(Tag(Tag::kLastGeneration, EntryState::Reserved).raw());
  TestTree::plant(entry, object_, kAllRights);
  const auto handle = TestSpace::handle_of(entry);
  EXPECT_EQ(handle.generation(), Tag::kLastGeneration);
  EXPECT_TRUE(space_.lookup_any(handle, Rights()).has_value());
  EXPECT_EQ(space_.used(), 1U);
  revoke(handle);
  EXPECT_EQ(space_.used(), 0U);
  EXPECT_EQ(refusal(handle), Error::Stale);
  EXPECT_EQ(refusal(Handle(handle.slot(), 1)), Error::Stale);
  EXPECT_EQ(refusal(Handle(handle.slot(), 0)), Error::BadHandle);
  for (std::uint32_t i = 0; i < kEntriesPerChunk - 2; ++i) EXPECT_NE(must_reserve(space_), entry);
  EXPECT_EQ(space_.reserve().error(), Error::NoSlots);
}

TEST_F(SpaceTest, every_slot_of_every_chunk_can_be_used_once_at_a_time) {
  Domain wide(3);
  std::set<Entry*> taken;
  EXPECT_TRUE(wide.space.has_free(3 * 63));
  EXPECT_FALSE(wide.space.has_free(3 * 63 + 1));
  for (int i = 0; i < 3 * 63; ++i) {
    auto* entry = must_reserve(wide.space);
    EXPECT_TRUE(taken.insert(entry).second);
    EXPECT_EQ(TestSpace::owner_of(entry), &wide.space);
    EXPECT_EQ(wide.space.entry_of(TestSpace::slot_of(entry)), entry);
    EXPECT_NE(TestSpace::slot_of(entry) % kEntriesPerChunk, 0U);
  }
  EXPECT_EQ(wide.space.reserve().error(), Error::NoSlots);
  EXPECT_EQ(wide.space.used(), 3U * 63);
  for (auto* entry : taken) wide.space.release(entry);
  EXPECT_EQ(wide.space.used(), 0U);
}

TEST_F(SpaceTest, holds_at_most_its_directory) {
  Domain full(kMaxChunks);
  EXPECT_EQ(full.space.chunk_count(), kMaxChunks);
  auto* page = static_cast<Entry*>(Arena::take());
  EXPECT_EQ(full.space.add_chunk(page).error(), Error::NoSlots);
  Arena::give(page);
  const auto handle = plant(full.space, object_);
  EXPECT_TRUE(full.space.lookup_any(handle, Rights()).has_value());
  EXPECT_EQ(full.space.lookup_any(Handle(handle.slot() + kMaxSlots, 1), Rights()).error(), Error::BadHandle);
}

TEST_F(SpaceTest, a_closed_space_takes_nothing_new_and_still_looks_up) {
  const auto handle = plant(space_, object_);
  auto* reserved = must_reserve(space_);
  space_.close();
  EXPECT_EQ(space_.reserve().error(), Error::Gone);
  auto* page = static_cast<Entry*>(Arena::take());
  EXPECT_EQ(space_.add_chunk(page).error(), Error::Gone);
  Arena::give(page);
  EXPECT_TRUE(space_.lookup_any(handle, Rights()).has_value());
  space_.release(reserved);
  EXPECT_EQ(space_.reserve().error(), Error::Gone);
  EXPECT_EQ(space_.used(), 1U);
}

TEST_F(SpaceTest, rights_beyond_the_list_are_not_stored_CAP_2) {
  const auto handle = plant(space_, object_, Rights(~std::uint64_t{0}));
  EXPECT_EQ(refusal(handle, kTypeB), Error::WrongType);
  EXPECT_EQ(space_.lookup_any(handle, Rights())->entry->rights(), kAllRights);
  EXPECT_FALSE(space_.lookup_any(handle, Rights(std::uint64_t{1} << 20)).has_value());
}

}  // namespace
}  // namespace fb::core::cap::test
