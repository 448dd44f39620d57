// Handles and tags: the arithmetic that makes one compare enough (CAP-1, CAP-4).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

constexpr std::array kNotLive = {EntryState::LiveOnce, EntryState::Claimed, EntryState::Dead,
                                 EntryState::Reserved, EntryState::Free,    EntryState::Retired};

TEST(Handle, packs_slot_low_and_generation_high_CAP_1) {
  constexpr Handle handle(0x1234, 0xabcd'ef01);
  EXPECT_EQ(handle.raw(), 0xabcd'ef01'0000'1234);
  EXPECT_EQ(handle.slot(), 0x1234U);
  EXPECT_EQ(handle.generation(), 0xabcd'ef01U);
  EXPECT_FALSE(handle.none());
  EXPECT_TRUE(Handle().none());
}

TEST(Tag, a_live_tag_is_its_handle_CAP_1) {
  EXPECT_EQ(Tag(Handle(77, 5)).raw(), Handle(77, 5).raw());
  EXPECT_EQ(Tag(Handle(77, 5)).state(), EntryState::Live);
  EXPECT_EQ(Tag(Handle(77, 5)).generation(), 5U);
}

TEST(Tag, keeps_its_generation_through_every_state) {
  for (const auto state : kNotLive) {
    const auto tag = Tag(Handle(77, 5)).with(state);
    EXPECT_EQ(tag.state(), state);
    EXPECT_EQ(tag.generation(), 5U);
    EXPECT_EQ(tag.upholds(), state == EntryState::LiveOnce || state == EntryState::Claimed);
  }
  EXPECT_TRUE(Tag(Handle(77, 5)).upholds());
}

TEST(Tag, ends_in_the_next_generation_or_retires_CAP_4) {
  EXPECT_EQ(Tag(5, EntryState::Dead).ended(), Tag(6, EntryState::Reserved));
  EXPECT_EQ(Tag(Tag::kLastGeneration - 1, EntryState::Dead).ended(),
            Tag(Tag::kLastGeneration, EntryState::Reserved));
  EXPECT_EQ(Tag(Tag::kLastGeneration, EntryState::Dead).ended(),
            Tag(Tag::kLastGeneration, EntryState::Retired));
}

// The fast path compares tag and handle of the entry that the handle's low 15 bits lead to, and nothing else.
RC_GTEST_PROP(Tag, no_handle_but_its_own_equals_the_tag_of_the_entry_it_leads_to_CAP_1,
              (std::uint32_t generation)) {
  const auto slot = *rc::gen::inRange<std::uint32_t>(0, kMaxSlots);
  const auto kind = *rc::gen::inRange<std::size_t>(0, kNotLive.size() + 1);
  const bool header = slot % kEntriesPerChunk == 0;
  const bool live = kind == kNotLive.size() && !header;
  const auto tag = header                   ? Tag::never_live()
                   : kind < kNotLive.size() ? Tag(generation, kNotLive[kind])
                                            : Tag(Handle(slot, generation));
  // Of all 2^64 handles only this one equals the tag.
  const Handle equal(tag.raw());
  const bool leads_there = (equal.slot() & (kMaxSlots - 1)) == slot;
  RC_ASSERT(leads_there == live);
  RC_ASSERT(!live || equal == Handle(slot, generation));
}

TEST(Demand, checks_type_and_rights_with_one_mask_CAP_7) {
  const auto lacks = ~demand(kTypeA, Right::Read | Right::Map).raw();
  EXPECT_EQ(lacks & demand(kTypeA, Right::Read | Right::Map).raw(), 0U);
  EXPECT_EQ(lacks & demand(kTypeA, Rights()).raw(), 0U);
  EXPECT_NE(lacks & demand(kTypeA, Right::Write).raw(), 0U);
  EXPECT_NE(lacks & demand(kTypeB, Right::Read).raw(), 0U);
  EXPECT_EQ(Entry::rights_of(lacks), Right::Read | Right::Map);
}

}  // namespace
}  // namespace fb::core::cap::test
