// CAP-7, mediation: every call names the right it needs in its table row, and fails without it. The rows are the
// contract's own (abi/calls.toml through gen/abi/decode_cases.hpp).
#include <optional>

#include "abi/decode_cases.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/objects.hpp"

using namespace fb;
using namespace fb::test;

namespace {

using abi::cases::Argument;
using abi::cases::Call;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t derive(std::uint64_t source, std::uint64_t mask) {
  return raw(CallNumber::CapDerive, source, mask).value;
}

/// A value that decoding accepts, and that does as little as possible.
std::uint64_t good_value(const Argument& argument) {
  if (argument.kind == "address" || argument.kind == "address:page") return 0x7000'0000;
  if (argument.kind == "pages") return 1;
  if (argument.kind == "bits") return 1;
  if (argument.kind == "slot") return 50;
  return 0;
}

struct Attack {
  Objects objects;

  /// Good ones for a call; nothing when it takes an object of which there is none.
  [[nodiscard]] std::optional<std::array<std::uint64_t, 6>> arguments(const Call& call) const {
    std::array<std::uint64_t, 6> args{};
    for (std::size_t i = 0; i != call.count; ++i) {
      const auto& argument = call.args[i];
      args[i] = argument.kind == "cap" ? object(argument.type) : good_value(argument);
      if (argument.kind == "cap" && args[i] == 0) return {};
    }
    return args;
  }
  /// An event stands for Any.
  [[nodiscard]] std::uint64_t object(T type) const { return objects[type == T::Any ? T::Event : type]; }
  /// `make(source)` gives what is passed instead of a good capability; the call must answer `error`.
  template <class Make>
  unsigned each(Make make, const char* what) const {
    unsigned tried = 0;
    for (const Call& call : abi::cases::kCalls) {
      const auto good = arguments(call);
      if (call.later || !good) continue;
      for (std::size_t i = 0; i != call.count; ++i) {
        if (call.args[i].kind != "cap") continue;
        tried += make(call, i, (*good)[i], [&](std::uint64_t handle, Error error) {
          auto args = *good;
          args[i] = handle;
          const auto answer = raw(call.number, args);
          if (answer.error() == error) return;
          diag(call.name, " argument ", call.args[i].name, " ", what, ": ",
               answer.status == 0 ? "success" : core::name_of(answer.error()), ", not ",
               core::name_of(error));
          report_failure(Where::current(), "a capability was not checked as its row says");
        });
      }
    }
    return tried;
  }
};

}  // namespace

TEST("CAP-7: every call is denied without each single right that its row names") {
  const Attack attack;
  const auto tried = attack.each(
      [](const Call& call, std::size_t i, std::uint64_t source, auto expect) {
        unsigned count = 0;
        const auto need_bits = call.args[i].need.raw();
        for (unsigned bit = 0; bit != 13; ++bit) {
          if ((need_bits >> bit & 1) == 0) continue;
          const auto without = derive(
              source, core::cap::kAllRights.without(Rights(Right::Once)).raw() & ~(std::uint64_t{1} << bit));
          expect(without, Error::Denied);
          CHECK(is_valid(without));
          drop(without);
          count += 1;
        }
        return count;
      },
      "without a right");
  CHECK(tried > 40);
}

TEST("CAP-7: and with no right at all") {
  const Attack attack;
  const auto tried = attack.each(
      [](const Call& call, std::size_t i, std::uint64_t source, auto expect) {
        if (call.args[i].need.empty()) return 0u;
        const auto without = derive(source, 0);
        expect(without, Error::Denied);
        drop(without);
        return 1u;
      },
      "without rights");
  CHECK(tried > 35);
}

TEST("CAP-7: every call refuses a capability of each other type") {
  const Attack attack;
  const auto tried = attack.each(
      [&objects = attack.objects](const Call& call, std::size_t i, std::uint64_t, auto expect) {
        if (call.args[i].type == T::Any) return 0u;
        unsigned count = 0;
        for (const T other : Objects::kTypes) {
          if (other == call.args[i].type) continue;
          expect(objects[other], Error::WrongType);
          CHECK(is_valid(objects[other]));
          count += 1;
        }
        return count;
      },
      "of another type");
  CHECK(tried > 300);
}

TEST("CAP-7: every call refuses stale and revoked capabilities") {
  const Attack attack;
  const auto tried = attack.each(
      [](const Call&, std::size_t, std::uint64_t source, auto expect) {
        const auto fresh = derive(source, core::cap::kAllRights.without(Rights(Right::Once)).raw());
        drop(fresh);
        expect(fresh, Error::Stale);
        return 1u;
      },
      "that is stale");
  CHECK(tried > 35);
}

TEST("CAP-7: holes and numbers beyond the table are BadCall") {
  std::array<bool, 256> known{};
  for (const Call& call : abi::cases::kCalls) known[call.number] = true;
  for (std::uint64_t number = 0; number != known.size(); ++number) {
    if (!known[number]) CHECK_EQ(raw(number, {}).error(), Error::BadCall);
  }
  Random random(3);
  for (unsigned i = 0; i != 1'000; ++i) {
    const auto number = random();
    if (number >= 256) CHECK_EQ(raw(number, {}).error(), Error::BadCall);
  }
  for (const std::uint64_t number : {~0ull, 1ull << 32, 1ull << 63, (1ull << 32) + 1, 0x8000'0000ull}) {
    CHECK_EQ(raw(number, {}).error(), Error::BadCall);
  }
}

TEST("CAP-7: calls that are not built yet say so, and only that") {
  const Attack attack;
  for (const Call& call : abi::cases::kCalls) {
    if (!call.later) continue;
    const auto answer = raw(call.number, attack.arguments(call).value_or(std::array<std::uint64_t, 6>{}));
    CHECK(answer.error() == Error::NotSupported || answer.error() == Error::BadHandle);
  }
}

TEST("CAP-7: cap_check tells exactly the rights that are there") {
  const Objects objects;
  for (const T type : Objects::kTypes) {
    const auto rights = Rights(calls::cap_query(Cap<T::Any>(objects[type])).value_or(0) & 0xffff'ffff);
    for (std::uint64_t mask = 0; mask != 1 << 13; ++mask) {
      const auto answer = raw(CallNumber::CapCheck, objects[type], mask);
      if (Rights(mask).within(rights)) {
        CHECK(answer.ok());
      } else {
        CHECK_EQ(answer.error(), Error::Denied);
      }
    }
    for (unsigned bit = 13; bit != 32; ++bit)
      CHECK_EQ(raw(CallNumber::CapCheck, objects[type], std::uint64_t{1} << bit).error(), Error::Denied);
  }
}

TEST("CAP-7: cap_check tells exactly the type that it is") {
  const Objects objects;
  for (const T type : Objects::kTypes) {
    const auto own = std::uint64_t{1} << (32 + static_cast<unsigned>(type));
    CHECK(raw(CallNumber::CapCheck, objects[type], own).ok());
    for (unsigned bit = 32; bit != 64; ++bit) {
      const auto other = std::uint64_t{1} << bit;
      if (other == own) continue;
      CHECK_EQ(raw(CallNumber::CapCheck, objects[type], other).error(), Error::WrongType);
      CHECK_EQ(raw(CallNumber::CapCheck, objects[type], own | other).error(), Error::WrongType);
    }
  }
}

TEST("CAP-7: transfer_data checks its operands like arguments") {
  auto& area = *test_start().area;
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto other = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto all = core::cap::kAllRights.without(Rights(Right::Once)).raw();
  const auto no_write = derive(pages.raw(), all & ~Rights(Right::Write).raw());
  const auto no_read = derive(other.raw(), all & ~Rights(Right::Read).raw());
  const exo_transfer good{0, pages.raw(), 0, 0, other.raw(), 0, 64, 0};
  area.transfer = good;
  CHECK_OK(calls::transfer_data());
  area.transfer.dst_pages = no_write;
  CHECK_FAILS(calls::transfer_data(), Error::Denied);
  area.transfer = good;
  area.transfer.src_pages = no_read;
  CHECK_FAILS(calls::transfer_data(), Error::Denied);
  area.transfer = good;
  area.transfer.src_pages = environment().budget.raw();
  CHECK_FAILS(calls::transfer_data(), Error::WrongType);
  area.transfer = good;
  area.transfer.dst_pages = 0x1234'5678'9abc;
  CHECK_FAILS(calls::transfer_data(), Error::BadHandle);
  area.transfer = good;
  area.transfer.flags = 2;
  CHECK_FAILS(calls::transfer_data(), Error::BadArgument);
  drop(pages.raw());
  drop(other.raw());
}
