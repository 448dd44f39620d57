// The call ring: many calls in one trap (C6.21, DESIGN §5 "Batching").
#include "kernel/syscall/calls.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): switching.S jumps through it by this name
extern "C" const std::array<fb::abi::Thunk, fb::abi::kCallLimit> call_table;

namespace fb::kernel::syscall {
namespace {

using core::FrameNumber;
using core::PhysAddr;
using core::cap::Right;
using core::mem::MemoryType;
using core::mem::Permissions;
using object::Pages;

/// Calls that may end in another context cannot be one of several.
constexpr auto kSwitching = [] {
  std::array<bool, abi::kCallLimit> calls{};
  for (const auto call :
       {abi::CallNumber::ContextRun, abi::CallNumber::CapInvoke, abi::CallNumber::GateReply,
        abi::CallNumber::RingSubmit, abi::CallNumber::EventWait, abi::CallNumber::EventExchange,
        abi::CallNumber::WaitAsyncOp, abi::CallNumber::Yield, abi::CallNumber::ContextStop}) {
    calls[static_cast<std::size_t>(call)] = true;
  }
  return calls;
}();

constexpr auto kMapPages = static_cast<std::uint32_t>(abi::CallNumber::MapPages);
constexpr auto kUnmapPages = static_cast<std::uint32_t>(abi::CallNumber::UnmapPages);

// The ring is shared with ring 3: each word of an entry is fetched once; what is checked is what is used.
std::uint32_t call_of(const exo_ring_entry& shared) {
  return __atomic_load_n(&shared.call, __ATOMIC_RELAXED);
}
Word argument(const exo_ring_entry& shared, unsigned i) {
  return __atomic_load_n(&shared.args[i], __ATOMIC_RELAXED);
}

void answer(exo_ring_entry& shared, Reply reply) {
  __atomic_store_n(&shared.result, reply.value, __ATOMIC_RELAXED);
  __atomic_store_n(&shared.status, static_cast<std::uint32_t>(reply.status), __ATOMIC_RELEASE);
}

Reply do_entry(const exo_ring_entry& shared) {
  const auto call = call_of(shared);
  if (call >= abi::kCallLimit) return abi::refuse(Error::BadCall);
  if (kSwitching[call]) return abi::refuse(Error::BadArgument);
  const Reply reply = call_table[call](argument(shared, 0), argument(shared, 1), argument(shared, 2),
                                       argument(shared, 3), argument(shared, 4), argument(shared, 5));
  if (auto& done = Calls::enter(); done.claims != 0) done.settle(reply.status == 0);
  return reply;
}

}  // namespace

/// Entries from `entry` to `end` that map one page each into the same table of the same space with the same access: what
/// was looked up and checked for one is good for the next, as there is no preemption point in between. How many. It ends
/// at the first that is in any way out of the ordinary, an error too: that is for the ordinary way, which gives it a name.
unsigned Calls::map_entries(exo_ring_entry* entry, const exo_ring_entry* end) {
  if (call_of(*entry) != kMapPages) return 0;
  const Word into = argument(*entry, 0), start = argument(*entry, 2), access = argument(*entry, 5);
  const auto permissions = Permissions::from_bits(access);
  if (!permissions) return 0;
  const auto space = lookup<ObjectType::AddressSpace>(Handle(into), Right::Map);
  if (!space) return 0;
  const auto need = core::cap::demand(object::type_number(ObjectType::Pages), Right::Map | Rights(access));
  const core::Guard tables((*space)->table_lock);
  const auto table = (*space)->tables.leaf_table(VirtAddr(start));
  if (!table) return 0;
  mem::OpenTable open(kernel->table_machine, *table);
  auto* const bindings =
      static_cast<object::Binding*>(kernel->table_machine.shadow({*table, core::mem::TableIndex(0)}));
  const exo_ring_entry* const first = entry;
  for (; entry != end && claims == 0 && call_of(*entry) == kMapPages; ++entry) {
    const Word address = argument(*entry, 2), offset = argument(*entry, 3);
    const bool alike = argument(*entry, 0) == into && argument(*entry, 5) == access &&
                       core::mem::same_table(VirtAddr(address), VirtAddr(start));
    if (!alike || (address & core::kPageMask) != 0 || argument(*entry, 4) != 1) break;
    const auto pages = check<Pages>(Handle(argument(*entry, 1)), need);
    if (!pages || claims != 0 || offset >= (*pages)->count.raw()) break;
    Pages& run = **pages;
    if (!run.lock.try_lock()) break;  // its rank is below that of the tables
    const auto index = core::mem::index(VirtAddr(address), 1);
    const bool mapped =
        object::CapTree::upholds(pages->entry, run) &&
        open.map(index, PhysAddr(run.first + FrameNumber(offset)), *permissions, MemoryType::WriteBack);
    if (mapped) bindings[index.raw()].attach(*pages->entry, object::Binding::Kind::Mapping);
    run.lock.unlock();
    if (!mapped) break;
    answer(*entry, {});
  }
  return static_cast<unsigned>(entry - first);
}

/// The same for entries that unmap pages of one space, with one TLB shootdown for all of them (DESIGN §5). Their answers
/// come after it: whoever sees one may use the page for something else.
unsigned Calls::unmap_entries(exo_ring_entry* entry, const exo_ring_entry* end) {
  if (call_of(*entry) != kUnmapPages) return 0;
  const Word into = argument(*entry, 0);
  const auto space = lookup<ObjectType::AddressSpace>(Handle(into), Right::Map);
  if (!space || claims != 0) return 0;
  mem::DetachedTables detached(kernel->table_machine);
  std::array<std::uint8_t, EXO_RING_ENTRIES> unmapped{};
  exo_ring_entry* const first = entry;
  unsigned done = 0;
  PageCount left{kPagesAtOnce.raw() / 2};  // what is looked up for each entry takes its time, too
  for (; entry != end && call_of(*entry) == kUnmapPages; ++entry, ++done) {
    const VirtAddr address(argument(*entry, 1));
    const PageCount count(argument(*entry, 2));
    if (argument(*entry, 0) != into || count == PageCount(0) || count > left) break;
    if (!address.page_aligned() || !core::user_range(address, core::bytes_of(count))) break;
    unmapped[done] = static_cast<std::uint8_t>(unmap_some(**space, address, count, detached));
    left -= count;
  }
  if (done != 0) sched::shoot_down(*this, **space);
  detached.drain();
  for (unsigned i = 0; i < done; ++i) answer(first[i], {0, unmapped[i]});
  return done;
}

/// Between two entries nothing is held but the current context. What the interrupts want waits for the end of the batch.
void Calls::let_interrupts_in() {
  sequence.fetch_add(2, std::memory_order_seq_cst);
  arch::open_interrupts();
}

Result<Word> Calls::work_off(Word count) {
  if (count == 0 || count > EXO_RING_ENTRIES) return core::fail(Error::BadArgument);
  in_batch = true;
  Word done = 0;
  // The ring is looked for each time: an entry may have given up the pages it is in.
  while (done < count && current()->ring != nullptr) {
    auto* const entries = current()->ring->entries;
    auto at_once = map_entries(entries + done, entries + count);
    if (at_once == 0) at_once = unmap_entries(entries + done, entries + count);
    done += at_once;
    if (claims != 0) [[unlikely]]
      settle(false);  // one use is one use (CAP-5): the ordinary way makes it
    if (at_once == 0) {
      const Reply reply = do_entry(entries[done]);
      if (current()->ring != nullptr) answer(entries[done], reply);
      if (reply.status != 0) break;
      done += 1;
    }
    let_interrupts_in();
    if (!current()->cleanup.pending()) [[likely]]
      continue;
    // For which this batch has to end.
    if (done < count && current()->ring != nullptr) answer(entries[done], abi::refuse(Error::Interrupted));
    break;
  }
  in_batch = false;
  if (done == 0 && current()->ring == nullptr) return core::fail(Error::NotReady);
  return done;
}

Result<Word> Calls::ring_submit(Word count) {
  FB_ASSIGN(const Word done, work_off(count));
  // The interrupts that came in have only noted what they want, and the timer is not set any more.
  if (is_held_up() || recheck.load(std::memory_order_relaxed)) [[unlikely]]
    leave(0, done);
  return done;
}

}  // namespace fb::kernel::syscall
