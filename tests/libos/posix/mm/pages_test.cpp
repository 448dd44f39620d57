#include "libos/posix/mm/pages.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::mm {
namespace {

TEST(Pages, give_their_frames_back_C4_10) {
  posix::test::MemorySource source;
  Frames frames(source, 10);
  {
    Pages pages(frames);
    const FrameId frame = frames.allocate().value();
    frames.share(frame);
    ASSERT_TRUE(pages.insert(5, {.frame = frame}));
    ASSERT_TRUE(pages.insert(std::uint64_t{1} << 35, {.frame = frame}));
    EXPECT_EQ(pages.count(), 2U);
    const Pages moved = std::move(pages);
    EXPECT_EQ(moved.count(), 2U);
    EXPECT_EQ(frames.count(frame), 2U);
  }
  EXPECT_EQ(frames.used(), 0U);
}

RC_GTEST_PROP(Pages, are_what_was_inserted_and_not_removed, ()) {
  posix::test::MemorySource source;
  Frames frames(source, 10'000);
  Pages pages(frames);
  std::map<std::uint64_t, FrameId> model;
  // Some close together, some in far leaves.
  const auto number_of = [](std::uint64_t raw) { return raw % 4 == 0 ? raw * 1'000'003 : raw * 64; };
  const auto count = *rc::gen::inRange(0, 80);
  for (int step = 0; step < count; ++step) {
    const auto number = number_of(*rc::gen::inRange<std::uint64_t>(0, 64));
    if (*rc::gen::inRange(0, 4) != 0) {
      if (model.contains(number)) continue;
      const FrameId frame = frames.allocate().value();
      RC_ASSERT(pages.insert(number, {.frame = frame}).has_value());
      model[number] = frame;
    } else {
      const auto end = number + *rc::gen::inRange<std::uint64_t>(0, 3'000);
      pages.remove(number, end);
      model.erase(model.lower_bound(number), model.lower_bound(end));
    }
    std::uint64_t at = 0;
    for (const auto& [expected, frame] : model) {
      const Page* page = pages.next(at, ~std::uint64_t{0});
      RC_ASSERT(page != nullptr && at == expected && page->frame == frame && pages.find(at) == page);
      ++at;
    }
    RC_ASSERT(pages.next(at, ~std::uint64_t{0}) == nullptr);
    RC_ASSERT(pages.count() == model.size() && frames.used() == model.size());
  }
}

}  // namespace
}  // namespace fb::libos::posix::mm
