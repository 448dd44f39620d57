// Strong types: no implicit way in or out, and arithmetic that cannot be talked into overflowing a check.
#include "core/types.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <concepts>
#include <type_traits>

namespace fb::core {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };
template <class A, class B>
concept Comparable = requires(A a, B b) { a < b; };

static_assert(!std::convertible_to<std::uint64_t, PageCount> &&
              !std::convertible_to<PageCount, std::uint64_t>);
static_assert(!std::convertible_to<PageCount, ByteCount> && !std::constructible_from<ByteCount, PageCount>);
static_assert(Addable<PageCount, PageCount> && !Addable<PageCount, ByteCount> &&
              !Addable<PhysAddr, VirtAddr>);
static_assert(Comparable<CpuId, CpuId> && !Comparable<FrameNumber, PageCount>);
static_assert(!Addable<CpuId, CpuId>, "an identifier is not an amount");
static_assert(sizeof(PhysAddr) == 8 && sizeof(CpuId) == 4 && std::is_trivially_copyable_v<PhysAddr>);

using Wide = unsigned __int128;

RC_GTEST_PROP(Types, user_range_is_what_it_is_without_overflow, ()) {
  // Near the edges as often as anywhere.
  const auto number = rc::gen::oneOf(
      rc::gen::arbitrary<std::uint64_t>(),
      rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 8), [](auto near) { return kUserEnd - 4 + near; }),
      rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 8), [](auto near) { return near - 4; }));
  const auto start = *number;
  const auto bytes = *number;
  const bool inside = start < kUserEnd && Wide{start} + bytes <= kUserEnd;
  RC_ASSERT(user_range(VirtAddr(start), ByteCount(bytes)) == inside);
}

TEST(Types, the_user_half_ends_a_page_early) {
  EXPECT_TRUE(user_range(VirtAddr(0), ByteCount(kUserEnd)));
  EXPECT_FALSE(user_range(VirtAddr(0), ByteCount(kUserEnd + 1)));
  EXPECT_TRUE(user_range(VirtAddr(kUserEnd - 1), ByteCount(1)));
  EXPECT_FALSE(user_range(VirtAddr(kUserEnd), ByteCount(0)));
  EXPECT_FALSE(user_range(VirtAddr(1), ByteCount(~std::uint64_t{0})));
}

RC_GTEST_PROP(Types, pages_for_rounds_up_without_overflow, (std::uint64_t bytes)) {
  RC_ASSERT(pages_for(ByteCount(bytes)).raw() ==
            static_cast<std::uint64_t>((Wide{bytes} + kPageSize - 1) / kPageSize));
}

TEST(Types, pages_for_the_largest_count_does_not_wrap) {
  EXPECT_EQ(pages_for(ByteCount(~std::uint64_t{0})).raw(), std::uint64_t{1} << 52);
  EXPECT_EQ(pages_for(ByteCount(0)), PageCount(0));
  EXPECT_EQ(pages_for(ByteCount(1)), PageCount(1));
  EXPECT_EQ(pages_for(ByteCount(kPageSize)), PageCount(1));
}

RC_GTEST_PROP(Types, frames_and_addresses_agree, (std::uint64_t raw)) {
  const FrameNumber frame(raw >> kPageShift);
  RC_ASSERT(PhysAddr(frame).frame() == frame && PhysAddr(frame).page_aligned());
  RC_ASSERT(PhysAddr(raw).frame() == frame);
  RC_ASSERT(bytes_of(PageCount(frame.raw())).raw() == PhysAddr(frame).raw());
}

RC_GTEST_PROP(Types, quantities_are_a_group, (std::uint64_t x, std::uint64_t y)) {
  const PageCount a(x);
  const PageCount b(y);
  RC_ASSERT(a + b == b + a);
  RC_ASSERT(a + b - b == a);
  auto sum = a;
  sum += b;
  RC_ASSERT(sum == a + b);
  sum -= b;
  RC_ASSERT(sum == a);
  RC_ASSERT((a < b) == (x < y));
}

}  // namespace
}  // namespace fb::core
