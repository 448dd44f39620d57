// The random caller: domains on all CPUs make calls=N calls (10^6 unless the kernel's command line says otherwise) with
// random and near-valid arguments, from seed=S. Nothing is left out. A supervisor replaces callers that end or starve.
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/support/caller.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;
using core::CpuId;

namespace {

constexpr unsigned kDomains = 4, kEach = 2;  // contexts of one domain, on different CPUs
// A domain that has thrown everything away makes calls that are all refused: each is replaced after so many.
constexpr std::uint64_t kPatience = 20, kLife = 20'000;
// Looks, of 5 ms and more, without a call of anybody: something is held that was not given back.
constexpr unsigned kIdle = 1'500;
constexpr auto kLibos = core::cap::ceiling(core::cap::Zone::Libos);

constinit Caller callers[kDomains];

struct Domain {
  Child child;
  Worker* workers[kEach];
  std::uint64_t seen = 0, born;
  unsigned stuck = 0;
  alignas(Worker) std::byte storage[kEach][sizeof(Worker)];

  Domain(unsigned number, std::uint64_t seed)
      : child({.pages = core::PageCount(400), .authorities = kLibos}),
        born(callers[number].tally.calls.load()) {
    const auto& e = libos::rt::environment();
    auto& caller = callers[number];
    equip(caller, child, seed);
    const auto most = core::cap::kAllRights.without(core::cap::Right::Once);
    // Slots of its own on every CPU: it can give time to the contexts it makes.
    for (std::uint32_t cpu = 0; cpu != e.cpus; ++cpu) {
      need(abi::calls::budget_lend_slots(child.budget(), e.budget, CpuId(cpu),
                                         abi::EventBits(std::uint64_t{3} << (48 + 2 * number))));
    }
    for (unsigned i = 0; i != kEach; ++i) {
      const CpuId cpu(static_cast<std::uint32_t>((number * kEach + i) % cpus()));
      workers[i] = new (storage[i]) Worker({.cpu = cpu, .child = &child});
      caller.pool.handles[EXO_TYPE_CONTEXT][i].store(0);
    }
    for (auto* worker : workers) worker->run(&call_at_random, reinterpret_cast<std::uint64_t>(&caller));
    // From here on they can start and stop each other; the domain may be gone already.
    for (unsigned i = 0; i != kEach; ++i) {
      const auto own = abi::calls::cap_derive(workers[i]->context(), most, child.domain());
      if (own) caller.pool.handles[EXO_TYPE_CONTEXT][i].store(own->raw());
    }
  }
  ~Domain() {
    for (auto* worker : workers) worker->~Worker();
  }
  /// What its contexts are at, for whoever looks into why nobody gets on.
  void tell() const {
    for (auto* worker : workers) {
      const auto of = [&](std::uint64_t which) {
        const auto answer = abi::calls::context_query(worker->context(), which);
        return answer ? *answer : ~std::uint64_t{0};
      };
      diag("state ", of(0), ", ran ", of(1), ", at ", of(2), ", fault at ", of(3));
    }
  }
  /// False when it should be replaced.
  bool alive(Tally& tally) {
    bool any = false;
    for (auto* worker : workers) {
      const auto state = abi::calls::context_query(worker->context(), 0).value_or(5) & 0xff;
      any = any || (state != 5 && state != 6);
    }
    const auto calls = tally.calls.load();
    stuck = calls == seen ? stuck + 1 : 0;
    seen = calls;
    return any && stuck < kPatience && calls - born < kLife;
  }
};

alignas(Domain) std::byte places[kDomains][sizeof(Domain)];

}  // namespace

TEST("random calls: no fault of the kernel, every refusal a named error, no page lost") {
  const auto wanted = option("calls", 1'000'000);
  const auto first_seed = option("seed", 1);
  diag("seed=", first_seed, " calls=", wanted);
  const auto tell = std::max<std::uint64_t>(100'000, wanted / 100);  // there is room for 256 notes
  {
    std::array<abi::Cap<abi::ObjectType::Budget>, 400> spare;
    for (auto& cap : spare)
      cap = need(abi::calls::cap_derive(libos::rt::environment().budget,
                                        core::cap::kAllRights.without(core::cap::Right::Once)));
    for (const auto cap : spare) need(abi::calls::cap_drop(cap));
  }
  const auto before = books();
  {
    Commons shared;
    const auto event = need(abi::calls::event_create());
    auto seed = first_seed;
    Domain* domains[kDomains];
    for (unsigned i = 0; i != kDomains; ++i) {
      callers[i].tally.clear();
      domains[i] = new (places[i]) Domain(i, seed++);
    }
    std::uint64_t total = 0, told = 0, replaced = 0, last_total = 0;
    unsigned idle = 0;
    while (total < wanted && CHECK(idle != kIdle)) {
      static_cast<void>(abi::calls::event_wait(event, abi::EventBits(1), in(5)));
      total = 0;
      for (unsigned i = 0; i != kDomains; ++i) {
        total += callers[i].tally.calls.load();
        if (domains[i]->alive(callers[i].tally)) continue;
        domains[i]->~Domain();
        domains[i] = new (places[i]) Domain(i, seed++);
        ++replaced;
      }
      idle = total == last_total ? idle + 1 : 0;
      last_total = total;
      if (idle == kIdle) {
        diag("nobody has made a call for ", kIdle, " looks; ", total, " calls, next seed ", seed);
        for (auto* domain : domains) domain->tell();
      }
      for (; told + tell <= total; told += tell)
        diag(told + tell, " calls, ", replaced, " domains replaced, next seed ", seed);
    }
    for (auto* domain : domains) domain->~Domain();
    need(abi::calls::cap_drop(event));
    for (auto& caller : callers) {
      const auto& tally = caller.tally;
      CHECK_EQ(tally.unknown.load(), 0u);
      if (tally.unknown.load() != 0)
        diag("call ", tally.unknown_call.load(), " answered ", tally.unknown_status.load());
    }
    // The callers did get through: most errors of the contract were seen, and successes.
    unsigned kinds = 0;
    for (unsigned status = 0; status != 33; ++status) {
      std::uint64_t count = 0;
      for (auto& caller : callers) count += caller.tally.by_status[status].load();
      kinds += count != 0 ? 1 : 0;
      if (count != 0) diag(exo_status_name(status), " ", count);
    }
    CHECK(kinds > 15);
  }
  check_books(before);
}
