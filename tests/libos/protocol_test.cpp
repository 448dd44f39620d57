#include "libos/rt/protocol.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace fb::libos::rt {
namespace {

RC_GTEST_PROP(Protocol, packed_text_comes_out_again, (const std::string& text)) {
  std::string out(std::min(text.size(), kWordBytes), '\0');
  unpack(pack(text), out);
  RC_ASSERT(out == text.substr(0, out.size()));
}

TEST(Protocol, names_end_at_their_first_nul_and_at_their_size) {
  EXPECT_EQ(name_of(with_name(1, 2, "monitor")).view(), "monitor");
  EXPECT_EQ(name_of(with_name(1, 2, "")).view(), "");
  const std::string longest(kNameSize + 5, 'n');
  EXPECT_EQ(name_of(with_name(1, 2, longest)).view(), longest.substr(0, kNameSize));
  EXPECT_EQ(with_name(1, 2, "x")[0], 1u);
  EXPECT_EQ(with_name(1, 2, "x")[1], 2u);
}

TEST(Protocol, instance_state_round_trips) {
  const InstanceState state{InstanceStatus::Waiting, 6, 15, 0xffff'ffff};
  const auto back = InstanceState::from(state.raw());
  EXPECT_EQ(back.status, state.status);
  EXPECT_EQ(back.context_state, state.context_state);
  EXPECT_EQ(back.cpu, state.cpu);
  EXPECT_EQ(back.restarts, state.restarts);
}

}  // namespace
}  // namespace fb::libos::rt
