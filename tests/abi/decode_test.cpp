// The decode table against its contract (CAP-7): for every call, what is good reaches the handler as the row
// says, and anything else in turn reaches nothing. The rows come from calls.toml; what a kind of argument
// allows is spelled here a second time, by hand.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <ranges>
#include <string>
#include <vector>

#include "tests/abi/fake_kernel.hpp"

namespace fb::abi::test {
namespace {

using cases::Argument;
using core::Error;
using Registers = std::array<std::uint64_t, 6>;

constexpr std::uint64_t kOnes = ~std::uint64_t{0};
constexpr std::uint64_t kRightBits = 0x1fff;
constexpr std::uint64_t kAuthorityBits = 0x3f'0f0f;
constexpr std::uint64_t kEndOfUser = 0x0000'7fff'ffff'f000;
constexpr std::array kLookupErrors{Error::BadHandle, Error::Stale,   Error::WrongType,
                                   Error::Denied,    Error::Revoked, Error::Consumed};

bool is_cap(const Argument& argument) { return argument.kind == "cap"; }

/// What the header of calls.toml says about each kind.
bool allowed(const Argument& argument, std::uint64_t word) {
  const auto kind = argument.kind;
  if (kind == "rights") return (word & ~kRightBits) == 0;
  if (kind == "authorities") return (word & ~kAuthorityBits) == 0;
  if (kind == "address") return word < kEndOfUser;
  if (kind == "address:page") return word < kEndOfUser && word % 4096 == 0;
  if (kind == "bit" || kind == "slot") return word < 64;
  if (kind == "cpu") return word < kCpus;
  if (kind == "flags") return (word & ~argument.limit) == 0;
  if (kind == "enum") return word < argument.limit;
  return true;
}

Error refusal(const Argument& argument) {
  return argument.kind.starts_with("address") ? Error::BadAddress : Error::BadArgument;
}

/// Values around every edge that some kind of argument has.
std::vector<std::uint64_t> edges(const Argument& argument) {
  std::vector<std::uint64_t> words;
  for (const std::uint64_t edge :
       {std::uint64_t{0}, std::uint64_t{kCpus}, std::uint64_t{64}, std::uint64_t{4096}, kRightBits,
        kAuthorityBits, kAuthorityBits + 0x10, kEndOfUser - 4096, kEndOfUser,
        std::uint64_t{0xffff'8000'0000'0000}, argument.limit}) {
    words.insert(words.end(), {edge - 1, edge, edge + 1});
  }
  for (unsigned bit = 0; bit < 64; ++bit) words.push_back(std::uint64_t{1} << bit);
  return words;
}

class Caller {
 public:
  explicit Caller(const cases::Call& row) : row_(row) {
    registers_.fill(kOnes);  // what a call does not take must not matter
    kernel.held = row.authority;
    for (std::size_t i = 0; i < row.count; ++i) {
      const Argument& argument = row.args[i];
      registers_[i] = is_cap(argument) ? give(i) : largest(argument);
    }
  }

  /// Makes the capability that argument `i` needs, with just the rights of the row.
  std::uint64_t give(std::size_t i) {
    const Handle handle(static_cast<std::uint32_t>(i + 1), 7);
    const auto type = row_.args[i].type == ObjectType::Any ? ObjectType::Gate : row_.args[i].type;
    kernel.capabilities[handle.raw()] = {type, row_.args[i].need, {}};
    return handle.raw();
  }
  Capability& capability(std::size_t i) { return kernel.capabilities[registers_[i]]; }
  std::uint64_t& operator[](std::size_t i) { return registers_[i]; }

  Reply call() {
    const Registers& r = registers_;
    return kDecodeTable<FakeKernel>[row_.number](r[0], r[1], r[2], r[3], r[4], r[5]);
  }

  void expect_refused(Error error) {
    const Reply reply = call();
    EXPECT_EQ(reply.status, static_cast<std::uint64_t>(error));
    EXPECT_EQ(reply.value, 0u);
    EXPECT_EQ(kernel.handled, "");
  }

  FakeKernel kernel;

 private:
  static std::uint64_t largest(const Argument& argument) {
    std::uint64_t word = 0;
    for (const auto edge : edges(argument)) word = allowed(argument, edge) ? std::max(word, edge) : word;
    return word;
  }

  const cases::Call& row_;
  Registers registers_;
};

auto arguments(const cases::Call& row, bool caps) {
  return std::views::iota(std::size_t{0}, row.count) |
         std::views::filter([&row, caps](std::size_t i) { return is_cap(row.args[i]) == caps; });
}

/// The lookups of a call that has good arguments, up to the first `count`.
std::vector<Lookup> lookups(const cases::Call& row, Caller& caller, std::size_t count = 6) {
  std::vector<Lookup> expected;
  for (const auto i : arguments(row, true) | std::views::take(count)) {
    expected.push_back({row.args[i].type, caller[i], row.args[i].need.raw()});
  }
  return expected;
}

void for_each_call(auto body) {
  for (const cases::Call& row : cases::kCalls) {
    SCOPED_TRACE(row.name);
    body(row);
  }
}

TEST(EveryCall, good_arguments_reach_the_handler_with_the_types_and_rights_of_the_row_CAP_7) {
  for_each_call([](const cases::Call& row) {
    Caller caller(row);
    const Reply reply = caller.call();
    EXPECT_EQ(caller.kernel.entered, 1);
    EXPECT_EQ(caller.kernel.lookups, lookups(row, caller));
    EXPECT_TRUE(caller.kernel.nones.empty());
    if (row.later) {
      EXPECT_EQ(reply.status, static_cast<std::uint64_t>(Error::NotSupported));
      EXPECT_EQ(caller.kernel.handled, "");
      return;
    }
    EXPECT_EQ(caller.kernel.handled, row.name);
    ASSERT_EQ(caller.kernel.arguments.size(), row.count);
    for (std::size_t i = 0; i < row.count; ++i) EXPECT_EQ(caller.kernel.arguments[i], caller[i]) << i;
    EXPECT_EQ(reply.status, 0u);
    EXPECT_EQ(reply.value, row.result.empty() ? 0 : kAnswer);
  });
}

TEST(EveryCall, every_edge_of_a_scalar_is_passed_on_or_refused_before_any_lookup_CAP_7) {
  for_each_call([](const cases::Call& row) {
    for (const auto i : arguments(row, false)) {
      for (const auto edge : edges(row.args[i])) {
        SCOPED_TRACE(testing::Message() << row.args[i].name << " = " << edge);
        Caller caller(row);
        caller[i] = edge;
        if (!allowed(row.args[i], edge)) {
          caller.expect_refused(refusal(row.args[i]));
          EXPECT_TRUE(caller.kernel.lookups.empty());
        } else if (!row.later) {
          EXPECT_EQ(caller.call().status, 0u);
          EXPECT_EQ(caller.kernel.arguments.at(i), edge);
        }
      }
    }
  });
}

TEST(EveryCall, a_domain_without_the_authority_of_the_row_is_refused_before_any_lookup_CAP_8) {
  for_each_call([](const cases::Call& row) {
    if (row.authority.empty()) return;
    Caller caller(row);
    caller.kernel.held = core::cap::Authorities(kAuthorityBits).without(row.authority);
    caller.expect_refused(Error::Authority);
    EXPECT_TRUE(caller.kernel.lookups.empty());
  });
}

TEST(EveryCall, a_capability_that_fails_its_lookup_ends_the_call_CAP_7) {
  for_each_call([](const cases::Call& row) {
    std::size_t order = 0;
    for (const auto i : arguments(row, true)) {
      ++order;
      for (const auto error : kLookupErrors) {
        SCOPED_TRACE(testing::Message() << row.args[i].name << ": " << core::name_of(error));
        Caller caller(row);
        caller.capability(i).broken = error;
        caller.expect_refused(error);
        EXPECT_EQ(caller.kernel.lookups, lookups(row, caller, order));
      }
    }
  });
}

TEST(EveryCall, each_right_of_the_row_is_needed_CAP_7) {
  for_each_call([](const cases::Call& row) {
    for (const auto i : arguments(row, true)) {
      for (unsigned bit = 0; bit < 13; ++bit) {
        const core::cap::Rights right(std::uint64_t{1} << bit);
        Caller caller(row);
        caller.capability(i).rights = core::cap::kAllRights.without(right);
        SCOPED_TRACE(testing::Message() << row.args[i].name << " without right " << bit);
        if (row.args[i].need.has(right)) {
          caller.expect_refused(Error::Denied);
        } else if (!row.later) {
          EXPECT_EQ(caller.call().status, 0u);
        }
      }
    }
  });
}

TEST(EveryCall, a_capability_of_another_type_is_refused_CAP_7) {
  for_each_call([](const cases::Call& row) {
    for (const auto i : arguments(row, true)) {
      const auto type = row.args[i].type;
      if (type == ObjectType::Any) continue;
      Caller caller(row);
      caller.capability(i) = {
          type == ObjectType::Budget ? ObjectType::Pages : ObjectType::Budget, core::cap::kAllRights, {}};
      caller.expect_refused(Error::WrongType);
    }
  });
}

TEST(EveryCall, zero_is_a_capability_only_where_the_row_says_optional) {
  for_each_call([](const cases::Call& row) {
    for (const auto i : arguments(row, true)) {
      Caller caller(row);
      caller[i] = 0;
      if (!row.args[i].optional) {
        caller.expect_refused(Error::BadHandle);
        continue;
      }
      EXPECT_EQ(caller.call().status, 0u);
      EXPECT_EQ(caller.kernel.nones, std::vector{row.args[i].type});
      EXPECT_EQ(caller.kernel.arguments.at(i), 0u);
    }
  });
}

TEST(EveryCall, the_error_of_the_handler_is_the_status_and_no_value_comes_with_it) {
  for_each_call([](const cases::Call& row) {
    if (row.later) return;
    Caller caller(row);
    caller.kernel.failure = Error::Limit;
    const Reply reply = caller.call();
    EXPECT_EQ(reply.status, static_cast<std::uint64_t>(Error::Limit));
    EXPECT_EQ(reply.value, 0u);
  });
}

TEST(DecodeTable, a_number_without_a_call_is_BadCall_and_does_not_enter_the_kernel) {
  std::array<std::string_view, kCallLimit> names{};
  for (const auto& row : cases::kCalls) names[row.number] = row.name;
  EXPECT_EQ(names, kCallNames);
  for (std::size_t number = 0; number < kCallLimit; ++number) {
    if (!names[number].empty()) continue;
    FakeKernel kernel;
    const Reply reply = kDecodeTable<FakeKernel>[number](kOnes, kOnes, kOnes, kOnes, kOnes, kOnes);
    EXPECT_EQ(reply.status, static_cast<std::uint64_t>(Error::BadCall));
    EXPECT_EQ(kernel.entered, 0);
  }
}

TEST(DecodeTable, a_handler_may_return_a_value_beside_an_error) {
  const Reply reply = fold<std::uint64_t>(Reply{static_cast<std::uint64_t>(Error::Busy), 9});
  EXPECT_EQ(reply.status, 19u);
  EXPECT_EQ(reply.value, 9u);
}

// Rows written out by hand, so that a mistake in the generator cannot hide in the rows it also generates.
TEST(DecodeTable, map_pages_is_call_13_and_takes_MAP_on_the_space_and_on_the_pages_C2_13) {
  FakeKernel kernel;
  kernel.capabilities[0x1'0000'0002] = {ObjectType::AddressSpace, core::cap::Right::Map, {}};
  kernel.capabilities[0x1'0000'0003] = {ObjectType::Pages, core::cap::Right::Map, {}};
  EXPECT_EQ(kDecodeTable<FakeKernel>[13](0x1'0000'0002, 0x1'0000'0003, 0x40'0000, 2, 3, 5).status, 0u);
  EXPECT_EQ(kernel.handled, "map_pages");
  EXPECT_EQ(kernel.arguments, (std::vector<std::uint64_t>{0x1'0000'0002, 0x1'0000'0003, 0x40'0000, 2, 3, 5}));
  const std::vector<Lookup> expected{{ObjectType::AddressSpace, 0x1'0000'0002, 8},
                                     {ObjectType::Pages, 0x1'0000'0003, 8}};
  EXPECT_EQ(kernel.lookups, expected);
}

TEST(DecodeTable, cap_check_looks_up_with_the_demand_that_it_is_given_CAP_7) {
  FakeKernel kernel;
  kernel.capabilities[0x1'0000'0002] = {ObjectType::Event, {}, {}};
  EXPECT_EQ(kDecodeTable<FakeKernel>[1](0x1'0000'0002, 0x4000'8100, 0, 0, 0, 0).status, 0u);
  EXPECT_EQ(kernel.demands, std::vector<std::uint64_t>{0x4000'8100});
}

TEST(DecodeTable, cap_invoke_takes_INVOKE_on_the_gate_and_passes_five_words_as_they_are_C2_06) {
  FakeKernel kernel;
  kernel.capabilities[2] = {ObjectType::Gate, core::cap::Right::Invoke, {}};
  EXPECT_EQ(kDecodeTable<FakeKernel>[52](2, kOnes, 1, 2, 3, 4).status, 0u);
  EXPECT_EQ(kernel.handled, "cap_invoke");
  EXPECT_EQ(kernel.arguments, (std::vector<std::uint64_t>{2, kOnes, 1, 2, 3, 4}));
}

TEST(DecodeTable, slice_assign_names_the_scheduler_authority_and_a_context_or_none_C1_01) {
  FakeKernel kernel;
  kernel.capabilities[2] = {ObjectType::Budget, core::cap::Right::Control, {}};
  EXPECT_EQ(kDecodeTable<FakeKernel>[24](2, 1, 63, 0, 0, 0).status,
            static_cast<std::uint64_t>(Error::Authority));
  kernel.held = core::cap::Authority::Scheduler;
  EXPECT_EQ(kDecodeTable<FakeKernel>[24](2, 1, 63, 0, 0, 0).status, 0u);
  EXPECT_EQ(kernel.nones, std::vector{ObjectType::Context});
}

/// A register: an edge, a handle that exists, or anything.
rc::Gen<std::uint64_t> any_register(const Argument& argument) {
  return rc::gen::oneOf(
      rc::gen::elementOf(edges(argument)), rc::gen::arbitrary<std::uint64_t>(),
      rc::gen::map(rc::gen::inRange(0, 8), [](int slot) { return static_cast<std::uint64_t>(slot); }));
}

/// The order of the checks, as the reference states it: scalars, authority, capabilities, then the handler.
std::optional<Error> model(const cases::Call& row, const Registers& registers, const FakeKernel& kernel) {
  for (std::size_t i = 0; i < row.count; ++i) {
    if (!is_cap(row.args[i]) && !allowed(row.args[i], registers[i])) return refusal(row.args[i]);
  }
  if ((row.authority.raw() & ~kernel.held.raw()) != 0) return Error::Authority;
  for (std::size_t i = 0; i < row.count; ++i) {
    const Argument& argument = row.args[i];
    if (!is_cap(argument) || (argument.optional && registers[i] == 0)) continue;
    const auto found = kernel.capabilities.find(registers[i]);
    if (found == kernel.capabilities.end()) return Error::BadHandle;
    if (found->second.broken) return found->second.broken;
    if (argument.type != ObjectType::Any && found->second.type != argument.type) return Error::WrongType;
    if ((argument.need.raw() & ~found->second.rights.raw()) != 0) return Error::Denied;
  }
  return row.later ? std::optional(Error::NotSupported) : std::nullopt;
}

RC_GTEST_PROP(DecodeTable, any_registers_are_judged_as_the_model_judges_them_CAP_7, ()) {
  const auto row = *rc::gen::elementOf(std::vector(cases::kCalls.begin(), cases::kCalls.end()));
  FakeKernel kernel;
  kernel.held = core::cap::Authorities(*rc::gen::elementOf(std::vector<std::uint64_t>{0, kAuthorityBits}));
  Registers registers{};
  for (std::size_t i = 0; i < 6; ++i) {
    registers[i] = *any_register(row.args[i]);
    if (!is_cap(row.args[i]) || registers[i] == 0 || registers[i] > 8) continue;
    // Mostly what the row asks for, so that calls get as far as the handler.
    const auto type = *rc::gen::weightedElement<ObjectType>({{9, row.args[i].type}, {1, ObjectType::Event}});
    const auto rights = *rc::gen::weightedElement<std::uint64_t>({{9, kRightBits}, {1, 0x8a5}});
    const bool broken = *rc::gen::weightedElement<bool>({{9, false}, {1, true}});
    kernel.capabilities[registers[i]] = {type, core::cap::Rights(rights),
                                         broken ? std::optional(Error::Revoked) : std::nullopt};
  }
  const auto expected = model(row, registers, kernel);
  const Reply reply = kDecodeTable<FakeKernel>[row.number](registers[0], registers[1], registers[2],
                                                           registers[3], registers[4], registers[5]);
  RC_CLASSIFY(!expected);
  RC_ASSERT(reply.status == (expected ? static_cast<std::uint64_t>(*expected) : 0u));
  RC_ASSERT(kernel.handled == (expected ? std::string() : std::string(row.name)));
}

}  // namespace
}  // namespace fb::abi::test
