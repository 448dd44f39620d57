// The C and C++ wrappers against the register convention, and the constants against the lists of core/.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "abi/decode_cases.hpp"
#include "tests/abi/exo_c17.h"
#include "tests/abi/trap.hpp"

namespace fb::abi::test {
namespace {

using core::Error;
using enum ObjectType;

#define FB_RIGHT(name, cname, bit, text) \
  static_assert(EXO_RIGHT_##cname == core::cap::Rights(core::cap::Right::name).raw());
#include "core/cap/rights.def"
#undef FB_RIGHT
#define FB_AUTHORITY(name, cname, bit, zone, text) \
  static_assert(EXO_CAP_##cname == core::cap::Authorities(core::cap::Authority::name).raw());
#include "core/cap/authorities.def"
#undef FB_AUTHORITY
static_assert(EXO_RIGHT_RWX == core::cap::kReadWriteExecute.raw() &&
              EXO_RIGHT_ALL == core::cap::kAllRights.raw());
static_assert(EXO_CAP_ROOT == core::cap::ceiling(core::cap::Zone::Kernel).raw());
static_assert(EXO_TYPE_DOMAIN == static_cast<int>(Domain) && EXO_TYPE_BUDGET == static_cast<int>(Budget));
static_assert(EXO_STOP_GONE == static_cast<int>(Stop::Gone) &&
              EXO_ASYNC_KIND_SERVER == static_cast<int>(AsyncKind::Server));
static_assert(EXO_ACCESS_EXECUTE == Access(AccessBit::Execute).raw() && kAllOf<Access> == 7);
static_assert(EXO_CALL_YIELD == static_cast<int>(CallNumber::Yield) && EXO_NEVER == kNever.raw());
static_assert(Handle(7, 9).slot() == 7 && Handle(7, 9).generation() == 9 &&
              Handle(7, 9).raw() == 0x9'0000'0007);
static_assert(Handle().none() && !Handle(0, 1).none());
static_assert(kRightsOf(Pages) == core::cap::Rights(0x7f) && kRightsOf(Any).empty());
static_assert(valid(AccessBit::Read | AccessBit::Execute) && !valid(Access(8)) && valid(PageFlags()));
static_assert(std::is_trivially_copyable_v<Cap<Pages>> && sizeof(Cap<Pages>) == 8);
static_assert(std::is_convertible_v<Cap<Pages>, Cap<Any>> && !std::is_convertible_v<Cap<Any>, Cap<Pages>>);
static_assert(!std::is_convertible_v<Cap<Pages>, Cap<Gate>> && !std::is_convertible_v<Handle, Cap<Gate>>);

/// EXO_E_BAD_CALL from BadCall.
std::string c_name(std::string_view name) {
  std::string made = "EXO_E";
  for (const char c : name) {
    if (std::isupper(c) != 0) made += '_';
    made += static_cast<char>(std::toupper(c));
  }
  return made;
}

TEST(Constants, every_error_has_the_number_of_core_and_its_name_in_C_C2) {
#define FB_ERROR(name, number, text)                                         \
  EXPECT_EQ(static_cast<std::uint64_t>(Error::name), std::uint64_t{number}); \
  EXPECT_EQ(exo_status_name(number), c_name(#name));                         \
  EXPECT_STREQ(c17_name(number), exo_status_name(number));
#include "core/errors.def"
#undef FB_ERROR
  EXPECT_STREQ(exo_status_name(EXO_OK), "EXO_OK");
  EXPECT_STREQ(exo_status_name(~std::uint64_t{0}), "unknown status");
}

const cases::Call& row_of(std::string_view name) {
  return *std::ranges::find(cases::kCalls, name, &cases::Call::name);
}

/// What the wrapper of `name` must have left in the registers of its arguments.
void expect_registers(std::string_view name, std::span<const std::uint64_t> arguments) {
  const cases::Call& row = row_of(name);
  const TrapFrame& frame = trap.before;
  EXPECT_EQ(frame.rax, row.number);
  ASSERT_EQ(arguments.size(), row.count);
  const std::array registers{frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  for (std::size_t i = 0; i < arguments.size(); ++i)
    EXPECT_EQ(registers[i], arguments[i]) << name << ' ' << i;
}

/// Distinct per argument and small enough for every type.
constexpr std::uint64_t mark(std::size_t i) { return 41 + i; }

template <class T>
T make(std::uint64_t word) {
  if constexpr (std::is_enum_v<T>)
    return static_cast<T>(word);
  else
    return T(static_cast<decltype(T().raw())>(word));
}
template <>
std::uint64_t make(std::uint64_t word) {
  return word;
}

template <class... P>
void probe_c(std::string_view name, std::uint64_t (*wrapper)(P...)) {
  SCOPED_TRACE(name);
  const bool has_result = !row_of(name).result.empty();
  const std::size_t count = sizeof...(P) - (has_result ? 1 : 0);
  std::array<std::uint64_t, 6> arguments{};
  for (std::size_t i = 0; i < count; ++i) arguments[i] = mark(i);
  std::uint64_t result = 0;
  trap = {.status = 19, .value = 0x1234'5678'9abc'def0};
  std::uint64_t status = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return wrapper([&]() -> P {
      if constexpr (std::is_pointer_v<P>)
        return &result;
      else
        return arguments[I];
    }()...);
  }(std::make_index_sequence<sizeof...(P)>());
  EXPECT_EQ(trap.calls, 1);
  EXPECT_EQ(status, 19u);
  EXPECT_EQ(result, has_result ? 0x1234'5678'9abc'def0 : 0);
  expect_registers(name, std::span(arguments).first(count));
}

/// The C++ wrapper, refused and accepted, and its entry for the ring.
template <class T, class... P>
void probe_cpp(std::string_view name, core::Result<T> (*wrapper)(P...), exo_ring_entry (*encode)(P...)) {
  SCOPED_TRACE(name);
  std::array<std::uint64_t, 6> arguments{};
  for (std::size_t i = 0; i < sizeof...(P); ++i) arguments[i] = mark(i);
  const auto call = [&](auto function) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return function(make<P>(arguments[I])...);
    }(std::make_index_sequence<sizeof...(P)>());
  };
  trap = {.status = 6, .value = 7};
  const auto refused = call(wrapper);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), Error::Revoked);
  trap = {.status = 0, .value = 7};
  const auto accepted = call(wrapper);
  ASSERT_TRUE(accepted.has_value());
  if constexpr (std::is_enum_v<T>)
    EXPECT_EQ(static_cast<std::uint64_t>(*accepted), 7u);
  else if constexpr (!std::is_void_v<T>)
    EXPECT_EQ(*accepted, make<T>(7));
  expect_registers(name, std::span(arguments).first(sizeof...(P)));
  const exo_ring_entry entry = call(encode);
  EXPECT_EQ(entry.call, trap.before.rax);
  EXPECT_EQ(entry.status, 0u);
  EXPECT_EQ(entry.result, 0u);
  EXPECT_TRUE(std::ranges::equal(entry.args, arguments)) << name;
}

TEST(CWrapper, every_call_follows_the_register_convention){
#define FB_TEST_CALL(name, generic) probe_c(#name, exo_##name);
    FB_ABI_FOR_EACH_PLAIN_CALL(FB_TEST_CALL)
#undef FB_TEST_CALL
}

TEST(CppWrapper, every_call_follows_the_register_convention_and_encodes_the_same_for_the_ring_C6_21){
#define FB_TEST_CALL(name, generic) probe_cpp(#name, calls::name generic, calls::encode_##name generic);
    FB_ABI_FOR_EACH_PLAIN_CALL(FB_TEST_CALL)
#undef FB_TEST_CALL
}

TEST(CppWrapper, derive_keeps_the_type_of_its_source_and_needs_no_domain_C2_04) {
  trap = {.status = 0, .value = 0x5'0000'0001};
  const core::Result<Cap<Event>> made = calls::cap_derive(Cap<Event>(9), core::cap::Right::Send);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->handle(), Handle(1, 5));
  EXPECT_EQ(trap.before.rdx, 0u);
}

TEST(CWrapper, a_c17_program_sees_the_same_calls) {
  trap = {.status = 0, .value = 99};
  EXPECT_EQ(c17_map(1, 2), 0u);
  expect_registers("map_pages", std::array<std::uint64_t, 6>{1, 2, 0x40'0000, 1, 2, 3});
  exo_cap pages = 0;
  EXPECT_EQ(c17_allocate(4, &pages), 0u);
  EXPECT_EQ(pages, 99u);
  expect_registers("alloc_mem_pages", std::array<std::uint64_t, 2>{4, 1});
}

void expect_message(std::uint64_t number, std::uint64_t first) {
  const TrapFrame& f = trap.before;
  const std::array found{f.rax, f.rdi, f.rsi, f.rdx, f.r10, f.r8, f.r9, f.rbx, f.r12};
  EXPECT_EQ(found, (std::array<std::uint64_t, 9>{number, first, 11, 12, 13, 14, 15, 16, 17}));
}

constexpr Words kMessage{{11, 12, 13, 14, 15, 16}, 17};
constexpr Words kReply{{21, 22, 23, 24, 25, 26}, 27};

TEST(Message, cap_invoke_carries_six_words_and_a_header_both_ways_C2_06) {
  trap = {.status = 0, .message = true};
  const auto reply = calls::cap_invoke(Cap<Gate>(5), kMessage);
  expect_message(52, 5);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(std::memcmp(&*reply, &kReply, sizeof(Words)), 0);
  Words words = kMessage;
  EXPECT_EQ(c17_invoke(5, &words), 0u);
  expect_message(52, 5);
  EXPECT_EQ(std::memcmp(&words, &kReply, sizeof(Words)), 0);
}

TEST(Message, a_status_that_is_no_error_of_the_list_is_BadFormat) {
  trap = {.status = 28, .message = true};
  EXPECT_EQ(calls::cap_invoke(Cap<Gate>(5), kMessage).error(), Error::Faulted);
  for (const std::uint64_t status : {std::uint64_t{33}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    trap.status = status;
    EXPECT_EQ(calls::cap_invoke(Cap<Gate>(5), kMessage).error(), Error::BadFormat);
  }
}

TEST(Message, gate_reply_takes_a_status_and_returns_only_its_refusal_CAP_5) {
  trap = {.status = 27};
  EXPECT_EQ(calls::gate_reply(4, kMessage), Error::NotReady);
  expect_message(53, 4);
  EXPECT_EQ(exo_gate_reply(4, &kMessage), 27u);
  expect_message(53, 4);
}

RC_GTEST_PROP(Handles, slot_and_generation_are_the_halves_of_a_handle_CAP_1,
              (std::uint32_t slot, std::uint32_t generation)) {
  const Handle handle(slot, generation);
  RC_ASSERT(handle.slot() == slot);
  RC_ASSERT(handle.generation() == generation);
  RC_ASSERT(handle.raw() == (std::uint64_t{generation} << 32 | slot));
  RC_ASSERT(handle.none() == (slot == 0 && generation == 0));
}

}  // namespace
}  // namespace fb::abi::test
