// CAP-6, conservation: what a budget's children hold never exceeds what it gave; the books balance.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t used(BudgetCap budget) { return calls::budget_query(budget).value_or(0) & 0xffff'ffff; }
std::uint64_t limit(BudgetCap budget) { return calls::budget_query(budget).value_or(0) >> 32; }

enum Kind : std::uint64_t {
  kEvents,
  kPages,
  kManyPages,
  kSpaces,
  kBudgets,
  kDomains,
  kContexts,
  kVectorContexts,
  kGates,
  kTimers,
  kOps,
  kDerived,
  kMappings,
  kTables,
  kKinds
};
constexpr std::array<std::string_view, kKinds> kNames{
    "events",   "single pages",    "runs",  "address spaces", "budgets",    "domains",
    "contexts", "vector contexts", "gates", "timers",         "operations", "derived capabilities",
    "mappings", "page tables"};

// Handles of the worker.
enum Given : std::size_t { kDomain, kBudget, kSpace, kEvent, kPage };

Raw make_one(const Start& start, std::uint64_t kind, std::uint64_t number) {
  const auto& h = start.handles;
  switch (kind) {
    case kEvents:
      return raw(CallNumber::EventCreate);
    case kPages:
      return raw(CallNumber::AllocMemPages, 1, 0);
    case kManyPages:
      return raw(CallNumber::AllocMemPages, 1 + number % 9, 1);
    case kSpaces:
      return raw(CallNumber::AddressSpaceCreate);
    case kBudgets:
      return raw(CallNumber::BudgetCreate, h[kBudget], number % 2);
    case kDomains:
      return raw(CallNumber::DomainCreate, h[kBudget], 0);
    case kContexts:
      return raw(CallNumber::AllocCpuContext, h[kDomain], h[kSpace], 0, 0);
    case kVectorContexts:
      return raw(CallNumber::AllocCpuContext, h[kDomain], h[kSpace], 0, 2);
    case kGates:
      return raw(CallNumber::GateCreate, h[kDomain], 0x400000, 0);
    case kTimers:
      return raw(CallNumber::TimerCreate, h[kEvent], 1);
    case kOps:
      return raw(CallNumber::SubmitAsyncOp, 3, h[kEvent], 2);
    case kDerived:
      return raw(CallNumber::CapDerive, h[kEvent], Rights(Right::Send).raw());
    case kMappings:
      return raw(CallNumber::MapPages, h[kSpace], h[kPage], 0x5000'0000 + number * 4096, 0, 1, 1);
    default:
      return raw(CallNumber::MapPages, h[kSpace], h[kPage], (number + 1) << 30, 0, 1, 1);
  }
}

/// Makes objects of a kind until it is refused, 50 more times, and tells how many there were.
void exhaust(Start& start) {
  std::uint64_t made = 0;
  unsigned refused = 0;
  std::uint64_t status = 0;
  for (std::uint64_t i = 0; refused != 50 && i != 100'000; ++i) {
    const auto answer = make_one(start, start.argument, i);
    if (answer.ok()) {
      made += 1;
      continue;
    }
    refused += 1;
    status = answer.status;
  }
  start.shared[0] = made;
  start.shared[1] = status;
  start.shared[2] = refused;
}

/// A child's worker with everything that `make_one` needs.
void equip(Worker& worker, Child& child, Cap<T::Event> event, Cap<T::Pages> page) {
  auto& h = worker.start().handles;
  h[kDomain] = child.give(child.domain(), core::cap::kAllRights.without(Rights(Right::Once)));
  h[kBudget] = child.give(child.budget(), core::cap::kAllRights.without(Rights(Right::Once)));
  h[kSpace] = 0;
  h[kEvent] = child.give(event, core::cap::kAllRights.without(Rights(Right::Once)));
  h[kPage] = child.give(page, core::cap::kAllRights.without(Rights(Right::Once)));
}

constexpr auto kLibos = core::cap::ceiling(core::cap::Zone::Libos);

}  // namespace

TEST("CAP-6: children get what the parent has, and no page more") {
  const auto before = books();
  const auto parent = need(calls::budget_create(environment().budget, PageCount(100)));
  CHECK_EQ(limit(parent), 100u);
  CHECK_EQ(used(parent), 0u);
  const auto a = need(calls::budget_create(parent, PageCount(60)));
  CHECK_EQ(used(parent), 60u);
  CHECK_FAILS(calls::budget_create(parent, PageCount(41)), Error::NoMemory);
  const auto b = need(calls::budget_create(parent, PageCount(40)));
  CHECK_EQ(used(parent), 100u);
  CHECK_FAILS(calls::budget_create(parent, PageCount(1)), Error::NoMemory);
  CHECK_FAILS(calls::budget_create(a, PageCount(61)), Error::NoMemory);
  for (const std::uint64_t pages : {1ull << 32, 1ull << 52, 1ull << 63, ~0ull, ~0ull >> 1}) {
    CHECK_FAILS(calls::budget_create(parent, PageCount(pages)), Error::NoMemory);
  }
  drop(b.raw());
  CHECK_EQ(used(parent), 60u);
  drop(a.raw());
  CHECK_EQ(used(parent), 0u);
  drop(parent.raw());
  check_books(before);
}

TEST("CAP-6: a budget's depth is bounded and a chain is destroyed from its top") {
  const auto before = books();
  auto at = need(calls::budget_create(environment().budget, PageCount(200)));
  const auto top = at;
  unsigned depth = 1;
  for (;; ++depth) {
    const auto next = calls::budget_create(at, PageCount(100));
    if (!next) {
      CHECK(next.error() == Error::TooDeep || next.error() == Error::NoMemory);
      break;
    }
    at = *next;
    if (depth == 100) break;
  }
  CHECK(depth < 100);
  drop(top.raw());
  CHECK(!is_valid(at.raw()));
  check_books(before);
}

TEST("CAP-6: slots are lent once, within what is held") {
  const auto child = need(calls::budget_create(environment().budget, PageCount(4)));
  const auto other = need(calls::budget_create(environment().budget, PageCount(4)));
  const auto grandchild = need(calls::budget_create(child, PageCount(0)));
  const core::CpuId cpu(0);
  const abi::EventBits slots(std::uint64_t{3} << 60);
  CHECK_FAILS(calls::budget_lend_slots(grandchild, child, cpu, slots), Error::NoSlices);
  CHECK_OK(calls::budget_lend_slots(child, environment().budget, cpu, slots));
  CHECK_FAILS(calls::budget_lend_slots(other, environment().budget, cpu, slots), Error::NoSlices);
  CHECK_FAILS(calls::budget_lend_slots(child, environment().budget, cpu, slots), Error::NoSlices);
  CHECK_FAILS(calls::budget_lend_slots(other, child, cpu, slots), Error::BadArgument);
  CHECK_FAILS(calls::budget_lend_slots(environment().budget, child, cpu, slots), Error::BadArgument);
  CHECK_FAILS(calls::budget_lend_slots(child, child, cpu, slots), Error::BadArgument);
  CHECK_OK(calls::budget_lend_slots(grandchild, child, cpu, abi::EventBits(std::uint64_t{1} << 61)));
  CHECK_FAILS(calls::slice_assign(child, cpu, abi::Slot(61)), Error::NoSlices);
  Worker worker({.slice = false});
  CHECK_FAILS(calls::slice_assign(child, cpu, abi::Slot(61), worker.context()), Error::NoSlices);
  CHECK_FAILS(calls::slice_assign(environment().budget, cpu, abi::Slot(60), worker.context()),
              Error::NoSlices);
  CHECK_OK(calls::slice_assign(child, cpu, abi::Slot(60), worker.context()));
  CHECK_FAILS(calls::slice_assign(child, cpu, abi::Slot(60), worker.context()), Error::Busy);
  CHECK_OK(calls::slice_assign(child, cpu, abi::Slot(60)));
  CHECK_FAILS(calls::slice_assign(child, cpu, abi::Slot(60)), Error::NoSlices);
  CHECK_EQ(raw(CallNumber::SliceAssign, child.raw(), cpus(), 60, 0).error(), Error::BadArgument);
  CHECK_EQ(raw(CallNumber::SliceAssign, child.raw(), 0, 64, 0).error(), Error::BadArgument);
  drop(child.raw());
  // They came back.
  CHECK_OK(calls::budget_lend_slots(other, environment().budget, cpu, slots));
  drop(other.raw());
}

TEST("CAP-6: a child exhausts each type in turn; its parent's books still balance") {
  const auto event = need(calls::event_create());
  const auto page = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags(abi::PageFlag::Shared)));
  const auto space_for_maps = need(calls::address_space_create());
  {
    Child warm({.pages = PageCount(24), .authorities = kLibos});
    Worker worker({.child = &warm});
    equip(worker, warm, event, page);
  }
  for (std::uint64_t kind = 0; kind != kKinds; ++kind) {
    const auto before = books();
    {
      Child child({.pages = PageCount(24), .authorities = kLibos});
      Worker worker({.child = &child});
      equip(worker, child, event, page);
      // A space that the child pays for itself.
      worker.run([](Start& start) { start.handles[kSpace] = raw(CallNumber::AddressSpaceCreate).value; });
      worker.join_returned();
      worker.run(&exhaust, kind);
      worker.join_returned();
      const auto made = worker.start().shared[0].load();
      const auto refusal = static_cast<Error>(worker.start().shared[1].load());
      CHECK(used(child.budget()) <= limit(child.budget()));
      if (!CHECK(made > 0 && worker.start().shared[2] == 50) ||
          !CHECK(refusal == Error::NoMemory || refusal == Error::TooDeep)) {
        diag(kNames[kind], ": ", made, " made, then ", core::name_of(refusal));
      }
      CHECK_EQ(limit(child.budget()), 24u);
      // The child's exhaustion is not ours.
      CHECK_OK(calls::cap_drop(Cap<T::Any>(need(calls::alloc_mem_pages(PageCount(8), abi::PageFlags{})))));
    }
    if (!check_books(before)) diag("after exhausting ", kNames[kind]);
  }
  drop(space_for_maps.raw());
  drop(page.raw());
  drop(event.raw());
}

TEST("CAP-6: four threads of a child exhaust its budget at once") {
  const auto event = need(calls::event_create());
  const auto page = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags(abi::PageFlag::Shared)));
  {
    Child warm({.pages = PageCount(40), .authorities = kLibos});
    Worker a({.child = &warm}), b({.child = &warm}), c({.child = &warm}), d({.child = &warm});
  }
  const auto before = books();
  for (unsigned round = 0; round != 4; ++round) {
    Child child({.pages = PageCount(40), .authorities = kLibos});
    alignas(Worker) char storage[4][sizeof(Worker)];
    Worker* team[4];
    constexpr std::uint64_t kTeamKinds[4] = {kEvents, kManyPages, kDerived, kDomains};
    for (unsigned i = 0; i != 4; ++i) {
      team[i] = new (storage[i]) Worker({.cpu = core::CpuId(i % cpus()), .child = &child});
      equip(*team[i], child, event, page);
    }
    for (unsigned i = 0; i != 4; ++i) team[i]->run(&exhaust, kTeamKinds[(i + round) % 4]);
    for (unsigned i = 0; i != 100; ++i) {
      CHECK(used(child.budget()) <= limit(child.budget()));
      static_cast<void>(calls::yield());
    }
    for (Worker* worker : team) worker->join_returned();
    CHECK(used(child.budget()) <= limit(child.budget()));
    for (Worker* worker : team) worker->~Worker();
  }
  check_books(before);
  drop(page.raw());
  drop(event.raw());
}

TEST("CAP-6: a failed call costs nothing") {
  Child child({.pages = PageCount(8)});
  const auto event = need(calls::event_create());
  Worker worker({.child = &child});
  // Fill it up from outside, slot page by slot page, then every kind of refusal.
  while (calls::cap_derive(event, Rights(Right::Send), child.domain())) {
  }
  const auto full = used(child.budget());
  worker.start().handles[0] = 0;
  worker.run([](Start&) {
    for (unsigned i = 0; i != 200; ++i) {
      CHECK(!raw(CallNumber::AllocMemPages, 1 << (i % 12), 0).ok());
      CHECK(!raw(CallNumber::EventCreate).ok());
      CHECK(!raw(CallNumber::SubmitAsyncOp, 3, 0, 0).ok());
    }
  });
  worker.join_returned();
  CHECK_EQ(used(child.budget()), full);
  drop(event.raw());
}
