// What a submission may say [C4.18].
#include "libos/posix/uring/operation.hpp"

#include <gtest/gtest.h>

#include "libos/posix/vfs/abi.hpp"

namespace fb::libos::posix::uring {
namespace {

Sqe of(Opcode opcode) {
  Sqe sqe{};
  sqe.opcode = static_cast<std::uint8_t>(opcode);
  if (opcode == Opcode::Timeout || opcode == Opcode::LinkTimeout) sqe.length = 1;
  return sqe;
}

TEST(Operation, what_is_known_is_taken_C4_18) {
  for (std::size_t i = 0; i != 256; ++i) {
    const auto opcode = static_cast<std::uint8_t>(i);
    EXPECT_EQ(decode(of(static_cast<Opcode>(opcode))).has_value(), known(opcode)) << i;
  }
  EXPECT_EQ(decode(of(Opcode::Read)).value().waits_for, vfs::poll::kIn);
  EXPECT_EQ(decode(of(Opcode::OpenAt)).value().waits_for, 0U);
}

TEST(Operation, fields_without_a_use_are_empty_C4_18) {
  auto close = of(Opcode::Close);
  close.address = 1;
  EXPECT_EQ(decode(close).error(), Errno::Invalid);
  auto fixed = of(Opcode::Close);
  fixed.flags = sqe::kFixedFile;
  EXPECT_EQ(decode(fixed).error(), Errno::BadDescriptor);
  auto personal = of(Opcode::Nop);
  personal.personality = 1;
  EXPECT_EQ(decode(personal).error(), Errno::Invalid);
  auto chosen = of(Opcode::Receive);
  chosen.flags = sqe::kSelectBuffer;
  EXPECT_EQ(decode(chosen).error(), Errno::NotSupported);
}

TEST(Operation, times_have_one_clock_C4_18) {
  auto sqe = of(Opcode::Timeout);
  sqe.how = timeout::kBootTime | timeout::kRealTime;
  EXPECT_EQ(decode(sqe).error(), Errno::Invalid);
  sqe.how = timeout::kUpdate;
  EXPECT_EQ(decode(sqe).error(), Errno::Invalid);
  sqe.how = timeout::kAbsolute;
  EXPECT_TRUE(decode(sqe));
}

}  // namespace
}  // namespace fb::libos::posix::uring
