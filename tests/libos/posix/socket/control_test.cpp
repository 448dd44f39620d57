#include "libos/posix/socket/control.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace fb::libos::posix::socket::test {
namespace {

using Bytes = std::vector<std::byte>;

/// Appends a control message that says that it has `claims` bytes of data.
void append(Bytes& bytes, std::uint32_t level, std::int32_t type, const Bytes& data, std::uint64_t claims) {
  const ControlHeader header{.size = sizeof(ControlHeader) + claims, .level = level, .type = type};
  const auto raw = std::as_bytes(std::span(&header, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  bytes.resize(control_space(bytes.size()));
}
void append(Bytes& bytes, std::uint32_t level, std::int32_t type, const Bytes& data) {
  append(bytes, level, type, data, data.size());
}
template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  const auto raw = std::as_bytes(std::span(values));
  return {raw.begin(), raw.end()};
}
Errno error_of(const Bytes& bytes, Control& into) {
  const auto done = parse_control(bytes, into);
  return done ? Errno{} : done.error();
}
Errno error_of(const Bytes& bytes) {
  Control into;
  return error_of(bytes, into);
}

TEST(Control, files_of_many_messages_and_credentials_are_found_C4_17) {
  Bytes bytes;
  append(bytes, 1, control::kRights, bytes_of<std::int32_t>({3, 4, 5}));
  append(bytes, 77, 9, bytes_of<std::int32_t>({1}));
  append(bytes, 1, control::kCredentials, bytes_of<Identity>({{.pid = 7, .uid = 8, .gid = 9}}));
  append(bytes, 1, control::kRights, bytes_of<std::int32_t>({-1}));
  Control found;
  EXPECT_EQ(error_of(bytes, found), Errno{});
  ASSERT_EQ(found.count, 4U);
  EXPECT_EQ(found.descriptors[2], 5);
  EXPECT_EQ(found.descriptors[3], -1);
  ASSERT_TRUE(found.who.has_value());
  EXPECT_EQ(found.who->gid, 9U);
}

TEST(Control, the_last_one_needs_no_padding_C4_17) {
  Bytes bytes;
  append(bytes, 1, control::kRights, bytes_of<std::int32_t>({3}));
  bytes.resize(sizeof(ControlHeader) + sizeof(std::int32_t));
  Control found;
  EXPECT_EQ(error_of(bytes, found), Errno{});
  EXPECT_EQ(found.count, 1U);
  bytes.resize(sizeof(ControlHeader) - 1);
  EXPECT_EQ(error_of(bytes), Errno{}) << "shorter than a header: nothing";
}

TEST(Control, what_is_wrong_is_EINVAL_C4_17) {
  const auto with = [](std::int32_t type, const Bytes& data, std::uint64_t claims) {
    Bytes bytes;
    append(bytes, 1, type, data, claims);
    return bytes;
  };
  const auto four = bytes_of<std::int32_t>({1});
  EXPECT_EQ(error_of(with(control::kRights, four, 400)), Errno::Invalid);
  EXPECT_EQ(error_of(with(control::kRights, four, ~std::uint64_t{0} - 15)), Errno::Invalid) << "0 in all";
  EXPECT_EQ(error_of(with(control::kRights, four, ~std::uint64_t{0} - 16)), Errno::Invalid);
  EXPECT_EQ(error_of(with(control::kCredentials, four, 4)), Errno::Invalid);
  EXPECT_EQ(error_of(with(3, four, 4)), Errno::Invalid);
  EXPECT_EQ(error_of(with(control::kRights, Bytes(control::kRightsMost * 4), control::kRightsMost * 4)),
            Errno{});
  EXPECT_EQ(
      error_of(with(control::kRights, Bytes(control::kRightsMost * 4 + 4), control::kRightsMost * 4 + 4)),
      Errno::Invalid);
}

RC_GTEST_PROP(Control, any_bytes_are_looked_at_within_their_bounds_C4_17,
              (const std::vector<std::uint8_t>& raw)) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < raw.size(); i += 2) {
    append(bytes, raw[i] % 2, raw[i] / 2 % 3, Bytes(raw[i + 1] % 40), raw[i + 1] % 37);
  }
  Control found;
  if (parse_control(bytes, found)) RC_ASSERT(found.count <= control::kRightsMost);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
