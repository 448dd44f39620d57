// CAP-2, monotone: rights(derive(c, m)) = rights(c) ∩ m, by whatever way a capability travels.
#include "libos/rt/gate.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/objects.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kMasks = 1 << 13;

Rights rights_of(std::uint64_t handle) {
  return Rights(calls::cap_query(Cap<T::Any>(handle)).value_or(0) & 0xffff'ffff);
}
Raw derive(std::uint64_t source, std::uint64_t mask, std::uint64_t domain = 0) {
  return raw(CallNumber::CapDerive, source, mask, domain);
}
void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

}  // namespace

TEST("CAP-2: every mask on every type gives the intersection, no more") {
  const Objects objects;
  for (const T type : Objects::kTypes) {
    const auto source = objects[type];
    const auto rights = rights_of(source);
    CHECK_EQ(rights.meet(core::cap::kAllRights.without(Rights(Right::Once))),
             abi::kRightsOf(type).without(Rights(Right::Once)));
    for (std::uint64_t mask = 0; mask != kMasks; ++mask) {
      const auto derived = derive(source, mask);
      if (!CHECK_EQ(derived.status, 0u)) break;
      CHECK_EQ(rights_of(derived.value), rights.meet(Rights(mask)));
      drop(derived.value);
    }
  }
}

TEST("CAP-2: unknown rights in a mask are refused") {
  const auto event = need(calls::event_create());
  for (unsigned bit = 13; bit != 64; ++bit) {
    CHECK_EQ(derive(event.raw(), std::uint64_t{1} << bit | 1).error(), Error::BadArgument);
    CHECK(!raw(CallNumber::CapCheck, event.raw(), std::uint64_t{1} << bit | std::uint64_t{1} << 50).ok());
  }
  drop(event.raw());
}

TEST("CAP-2: a chain of derivations never regains a right and ends at its depth") {
  Random random(5);
  for (unsigned round = 0; round != 50; ++round) {
    const auto event = need(calls::event_create());
    auto at = event.raw();
    auto rights = rights_of(at);
    unsigned depth = 0;
    for (;;) {
      // Without ONCE, which ends a chain.
      const auto mask = (random.below(kMasks) & ~Rights(Right::Once).raw()) | Rights(Right::Derive).raw();
      const auto next = derive(at, mask);
      if (!next.ok()) {
        CHECK_EQ(next.error(), Error::TooDeep);
        break;
      }
      rights = rights.meet(Rights(mask));
      CHECK_EQ(rights_of(next.value), rights);
      at = next.value;
      depth += 1;
    }
    CHECK_EQ(depth, 31u);
    CHECK_EQ(rights_of(derive(at, 0).value), Rights());
    drop(event.raw());
    CHECK(!is_valid(at));
  }
}

TEST("CAP-2: derivation needs DERIVE here, and GRANT with CONTROL across") {
  Child child, other;
  const auto event = need(calls::event_create());
  const auto all = abi::kRightsOf(T::Event).raw();
  const auto no_derive = derive(event.raw(), all & ~Rights(Right::Derive).raw()).value;
  const auto no_grant = derive(event.raw(), all & ~Rights(Right::Grant).raw()).value;
  const auto no_control =
      derive(child.domain().raw(), abi::kRightsOf(T::Domain).raw() & ~Rights(Right::Control).raw()).value;
  CHECK_EQ(derive(no_derive, all).error(), Error::Denied);
  CHECK_EQ(derive(no_derive, all, environment().domain.raw()).error(), Error::Denied);
  CHECK(derive(no_derive, all, child.domain().raw()).ok());
  CHECK(derive(no_grant, all).ok());
  CHECK_EQ(derive(no_grant, all, child.domain().raw()).error(), Error::Denied);
  CHECK_EQ(derive(event.raw(), all, no_control).error(), Error::Denied);
  CHECK_EQ(derive(event.raw(), all, event.raw()).error(), Error::WrongType);
  drop(event.raw());
  drop(no_control);
}

TEST("CAP-2: pages without SHARED cannot leave their domain") {
  Child child;
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  CHECK_EQ(derive(pages.raw(), core::cap::kAllRights.raw(), child.domain().raw()).error(), Error::Denied);
  const auto here = derive(pages.raw(), core::cap::kAllRights.raw());
  CHECK_EQ(derive(here.value, core::cap::kAllRights.raw(), child.domain().raw()).error(), Error::Denied);
  drop(pages.raw());
}

TEST("CAP-2: a mapping has no access beyond the rights it was made by") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto space = need(calls::address_space_create());
  const VirtAddr at(0x7000'0000);
  for (std::uint64_t held = 0; held != 8; ++held) {
    const Cap<T::Pages> some(derive(pages.raw(), held | Rights(Right::Map).raw()).value);
    for (std::uint64_t access = 0; access != 8; ++access) {
      const auto mapped = calls::map_pages(space, some, at, PageCount(0), PageCount(1), abi::Access(access));
      const bool within = (access & ~held) == 0;
      CHECK(!mapped.has_value() || within);
      if (!mapped) continue;
      // protect_pages must not lift it either.
      for (std::uint64_t more = 0; more != 8; ++more) {
        const auto changed = calls::protect_pages(space, at, PageCount(1), abi::Access(more));
        CHECK(!changed.has_value() || (more & ~held) == 0);
      }
      CHECK_EQ(calls::unmap_pages(space, at, PageCount(1)).value_or(99), 1u);
    }
    drop(some.raw());
  }
  drop(space.raw());
  drop(pages.raw());
}

namespace {

/// Receives one capability and leaves its handle.
struct Receiver : libos::rt::GateHandler {
  exo_area* area{};
  std::uint64_t received{};
  std::uint64_t headers{};
};

std::uint64_t receive(libos::rt::GateHandler& self, abi::Words& words) {
  auto& receiver = static_cast<Receiver&>(self);
  receiver.headers = words.header;
  receiver.received = receiver.area->message.handles[0];
  words.header = 0;
  static_cast<void>(calls::receive_open(1));
  return 0;
}

}  // namespace

extern "C" void rt_gate_entry();

TEST("CAP-2: a capability that travels through a gate is an intersection too") {
  Receiver receiver;
  receiver.handle = &receive;
  Worker server({.slice = false});
  receiver.area = server.start().area;
  const auto gate =
      need(calls::gate_create(environment().domain, VirtAddr(reinterpret_cast<std::uint64_t>(&rt_gate_entry)),
                              reinterpret_cast<std::uint64_t>(&receiver)));
  need(calls::gate_add_server(gate, server.context(), server.stack_top()));
  auto& area = *test_start().area;
  const auto event = need(calls::event_create());
  const auto all = abi::kRightsOf(T::Event).raw();
  abi::Words words{};
  static_cast<void>(calls::cap_invoke(gate, words));  // the server opens its receive slot
  for (const std::uint64_t held : {all, all & ~Rights(Right::Send).raw(), Rights(Right::Grant).raw()}) {
    const auto source = derive(event.raw(), held);
    for (std::uint64_t mask = 0; mask < kMasks; mask += 37) {
      area.message.handles[0] = source.value;
      area.message.masks[0] = mask;
      words = {};
      words.header = 1 << 4;
      if (!CHECK_OK(calls::cap_invoke(gate, words))) break;
      CHECK_EQ(rights_of(receiver.received), Rights(held).meet(Rights(mask)));
      CHECK(receiver.received != source.value);
      drop(receiver.received);
    }
    drop(source.value);
  }
  // Without GRANT nothing travels, and the call does not happen.
  const auto no_grant = derive(event.raw(), all & ~Rights(Right::Grant).raw());
  area.message.handles[0] = no_grant.value;
  area.message.masks[0] = all;
  receiver.received = 0;
  words = {};
  words.header = 1 << 4;
  CHECK_FAILS(calls::cap_invoke(gate, words), Error::Denied);
  CHECK_EQ(receiver.received, 0u);
  drop(gate.raw());
  drop(event.raw());
}
