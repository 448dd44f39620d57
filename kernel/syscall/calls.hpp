// The calls of ring 0: what abi/decode.hpp hands over once every argument is good. Members never see raw integers from
// ring 3 but words; capability arguments arrive as Ref, checked for type and rights (CAP-7).
#pragma once

#include "abi/decode.hpp"
#include "kernel/arch/x86_64/leave.hpp"
#include "kernel/reap/cleanup.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/sched/signal.hpp"
#include "kernel/sched/stop.hpp"
#include "kernel/syscall/ref.hpp"

namespace fb::kernel::syscall {

/// Pages of one call: bounds the time with interrupts off.
inline constexpr core::PageCount kPagesAtOnce{64};

using abi::Handle;
using abi::Reply;
using abi::Word;
using core::Nanoseconds;
using core::PageCount;
using core::VirtAddr;
using core::cap::Rights;
using object::Context;
using object::Cpu;
using object::Domain;

/// Gives the CPU to whoever should have it now. The current context's registers are saved and hold its result.
[[noreturn]] void dispatch(Cpu& cpu);

/// Signals what devices have interrupted for since the last time.
void deliver_lines(Cpu& cpu);

/// The CPU as its current context's system call sees it. Has no members of its own: a Cpu is one.
class Calls : public Cpu {
 public:
  static Calls& enter() { return static_cast<Calls&>(object::this_cpu()); }

  /// The end of a call that could have switched contexts and did not.
  [[noreturn]] void conclude(Reply reply) {
    if (claims != 0) leave(reply.status, reply.value);
    leave_to_caller(frame, reply.status, reply.value);
  }

  /// The current context's, found without a Cpu at hand: most calls need none to check their arguments.
  static Domain& domain() { return *static_cast<Context*>(object::current_head())->domain; }
  [[gnu::noinline, gnu::cold, clang::preserve_most]] static object::CapSpace::Verdict check_slowly(
      core::cap::Handle handle, core::cap::Demand demanded) {
    return domain().space.check_slowly(handle, demanded);
  }

  [[nodiscard]] core::Ticks ticks(Nanoseconds deadline) const {
    return deadline == abi::kNever ? kIdleDeadline : kernel->to_ticks(deadline);
  }

  // What decoding asks.
  [[nodiscard]] unsigned cpu_count() const { return kernel->cpu_count.load(std::memory_order_relaxed); }
  [[nodiscard]] core::cap::Authorities authorities() const { return domain().authorities; }
  template <class T>
  [[gnu::always_inline]] static Result<Ref<T>> check(Handle handle, core::cap::Demand demanded) {
    const auto found = object::CapSpace::check(object::current_head()->directory, check_slowly,
                                               core::cap::Handle(handle.raw()), demanded);
    if (!found) [[unlikely]]
      return core::fail(found.error());
    return Ref<T>{static_cast<T*>(static_cast<object::CapSpace::Header*>(found->object)), found->entry};
  }
  template <ObjectType kType>
  [[gnu::always_inline]] static auto lookup(Handle handle, Rights need) {
    return check<typename ObjectOf<kType>::Type>(handle, core::cap::demand(object::type_number(kType), need));
  }
  [[gnu::always_inline]] static auto lookup_any(Handle handle, Rights need) {
    return check<object::Object>(handle, core::cap::demand(need));
  }
  [[gnu::always_inline]] static auto lookup_demanded(Handle handle, core::cap::Demand demanded) {
    return check<object::Object>(handle, demanded);
  }
  template <ObjectType kType>
  Result<Ref<typename ObjectOf<kType>::Type>> none() {
    return Ref<typename ObjectOf<kType>::Type>{};
  }

  // calls_capability.cpp
  Result<> null() { return {}; }
  Result<> cap_check(Ref<object::Object> /*cap*/, core::cap::Demand /*need*/) { return {}; }  // it was
  Result<Word> cap_query(Ref<object::Object> cap);
  Result<Handle> cap_derive(Ref<object::Object> source, Rights mask,
                            Ref<Domain> to);  // below: it is in the thunk
  Result<> cap_revoke(Ref<object::Object> cap) { return end(cap.entry); }
  Result<> cap_drop(Ref<object::Object> cap) { return end(cap.entry); }

  /// Ends the use of the _ONCE capabilities of this call (CAP-5).
  void settle(bool succeeded);

  // calls_memory.cpp
  Result<Handle> alloc_mem_pages(PageCount count, abi::PageFlags flags);
  Result<> free_mem_pages(Ref<object::Pages> pages);
  Result<Handle> address_space_create();
  Result<> map_pages(Ref<object::AddressSpace> space, Ref<object::Pages> pages, VirtAddr address,
                     PageCount offset, PageCount count, abi::Access access);
  /// How many were mapped. The caller shoots down and drains.
  std::uint64_t map_in_table(object::AddressSpace& space, object::Entry& entry, VirtAddr address,
                             core::FrameNumber frame, PageCount count, core::mem::Permissions permissions);
  struct Unmapped {
    std::uint64_t seen;
    std::uint32_t unmapped;
  };
  Unmapped unmap_in_table(object::AddressSpace& space, VirtAddr address, std::uint64_t count,
                          mem::DetachedTables& detached);
  Word unmap_some(object::AddressSpace& space, VirtAddr address, PageCount count,
                  mem::DetachedTables& detached);
  Result<Word> unmap_pages(Ref<object::AddressSpace> space, VirtAddr address, PageCount count);
  Result<Word> protect_pages(Ref<object::AddressSpace> space, VirtAddr address, PageCount count,
                             abi::Access access);
  Result<Word> query_pages(Ref<object::AddressSpace> space, VirtAddr address, PageCount count);
  Result<core::ByteCount> transfer_data();

  // calls_domain.cpp
  Result<Handle> domain_create(Ref<object::Budget> budget, core::cap::Authorities wanted);
  Result<Handle> budget_create(Ref<object::Budget> parent, PageCount pages);
  Result<> budget_lend_slots(Ref<object::Budget> child, Ref<object::Budget> parent, core::CpuId cpu,
                             abi::EventBits slots);
  Result<Word> budget_query(Ref<object::Budget> budget);
  Result<> slice_assign(Ref<object::Budget> budget, core::CpuId cpu, abi::Slot number, Ref<Context> context);

  // calls_context.cpp
  Result<Handle> alloc_cpu_context(Ref<Domain> owner, Ref<object::AddressSpace> space,
                                   Ref<object::Pages> area, abi::ContextFlags flags);
  Result<> context_start(Ref<Context> context, VirtAddr entry, VirtAddr stack, Word argument);
  Result<> context_stop(Ref<Context> context);
  Result<abi::Stop> context_run(Ref<Context> target, Nanoseconds until, Word batch);  // run.cpp
  void note_run(Context& carrier, Ref<Context> target);
  Result<abi::Stop> give_back(Context& context, Result<abi::Stop> outcome);
  Result<abi::Stop> run_native(Context& context, Nanoseconds until);
  void arm_for(Nanoseconds until) {
    if (until < armed_time) sched::arm_by(*this, ticks(until));
  }
  Result<> context_set_space(Ref<Context> context, Ref<object::AddressSpace> space);
  Result<> context_set_event(Ref<Context> context, Ref<object::Event> event, abi::EventBits mask,
                             abi::Bit end_bit);
  Result<> context_vector(Ref<Context> context, Ref<object::Pages> pages, core::ByteCount offset,
                          Word direction);
  Result<Word> context_query(Ref<Context> context, Word which);
  Result<> yield();

  // calls_event.cpp
  Result<Handle> event_create();
  Result<> event_deliver(Ref<object::Event> event, abi::EventBits bits);
  Result<abi::EventBits> event_wait(Ref<object::Event> event, abi::EventBits mask, Nanoseconds deadline);
  Result<abi::EventBits> event_exchange(Ref<object::Event> target, abi::EventBits bits,
                                        Ref<object::Event> event, abi::EventBits mask, Nanoseconds deadline);
  [[noreturn]] void conclude_after_signal(Reply reply);
  /// The current context has begun to wait.
  [[noreturn]] void give_way();
  Result<Handle> timer_create(Ref<object::Event> event, abi::Bit bit);
  Result<> timer_arm(Ref<object::Timer> timer, Nanoseconds deadline, Nanoseconds period);
  Result<Word> get_system_time(abi::Clock clock);
  Result<Word> machine_info(abi::Info which);

  // calls_gate.cpp
  Result<Handle> gate_create(Ref<Domain> into, VirtAddr entry, Word badge);
  Result<> gate_add_server(Ref<object::Gate> gate, Ref<Context> context, VirtAddr stack);
  Result<Word> cap_invoke(Ref<object::Gate> gate, Word w0, Word w1, Word w2, Word w3, Word w4);
  Result<> gate_reply(Word status, Word w0, Word w1, Word w2, Word w3, Word w4);
  [[noreturn]] void reply_slowly(Context& server, Context& caller, Word status);
  Result<> receive_open(Word count);
  /// Derives the capabilities that a message names into the receiver's domain.
  Result<> carry_handles(Word count, exo_message& source, Context& from, Context& to);

  // calls_device.cpp
  Result<Handle> device_get_cap(Word number);
  Result<Word> device_read(Ref<object::Device> device, Word offset, Word width);
  Result<> device_write(Ref<object::Device> device, Word offset, Word width, Word value);
  Result<> device_bind_interrupt(Ref<object::Device> device, Ref<object::Event> event, abi::Bit bit);
  Result<> device_acknowledge(Ref<object::Device> device);

  // calls_async.cpp
  Result<Handle> submit_async_op(abi::AsyncKind kind, Ref<object::Event> event, abi::Bit bit);
  Result<> begin(object::AsyncOp& op, const exo_async& operands);
  Result<Word> poll_async_op(Ref<object::AsyncOp> op);
  Result<Word> wait_async_op(Ref<object::AsyncOp> op, Nanoseconds deadline);
  Result<> cancel_async_op(Ref<object::AsyncOp> op);
  Result<> complete_async_op(Ref<object::AsyncOp> op, Word result);

  // ring.cpp
  Result<Word> ring_submit(Word count);
  /// The first `count` entries of the call ring; how many of them were done.
  Result<Word> work_off(Word count);
  /// The current context has clean-up to do before it goes on, or something is to be done to it.
  [[nodiscard]] bool is_held_up() const {
    return current()->cleanup.pending() ||
           current()->request.load(std::memory_order_relaxed) != object::Request::None;
  }
  unsigned map_entries(exo_ring_entry* entry, const exo_ring_entry* end);
  unsigned unmap_entries(exo_ring_entry* entry, const exo_ring_entry* end);
  void let_interrupts_in();

 private:
  /// Something that runs on this CPU is to stop, which it can only when this call has been left.
  [[nodiscard]] bool must_leave() const {
    for (unsigned i = 0; i <= depth(); ++i) {
      const Context& root = *levels[i].root();
      if (sched::is_wanted(root) || root.evicted.load(std::memory_order_relaxed)) return true;
    }
    return false;
  }
  Result<core::ByteCount> transfer(const exo_transfer& t);
  Result<core::ByteCount> move_pages(const exo_transfer& t);
  void free_unpublished(const object::Created<object::Pages>& made);
  /// Ties the current context's wait to the capability that permits it. It stays tied from one wait to the next.
  template <class T>
  Result<> hang_wait(const Ref<T>& on) {
    auto& binding = current()->wait_binding;
    if (binding.holder() == on.entry) [[likely]]
      return {};
    current()->last_event = {};
    object::release(binding);
    return hang(binding, on, object::Binding::Kind::EventWaiter);
  }
  /// Ends a capability and, when there is clean-up, does that before the caller goes on.
  Result<> end(Entry* entry);
  /// Leaves for whoever should run: the current context's call is over, with this outcome.
  [[noreturn]] void leave(Word status, Word value) {
    current()->by_syscall = true;
    current()->set_result(status, value);
    if (claims != 0) settle(status == 0);
    dispatch(*this);
  }
  /// The same, successfully, if a wake-up on this CPU comes before the current context; else goes on.
  void let_others_first(Word value = 0) {
    if (!recheck.load(std::memory_order_relaxed)) [[likely]]
      return;
    if (in_batch) return;
    leave(0, value);
  }
};

[[gnu::always_inline]] inline Result<Handle> Calls::cap_derive(Ref<object::Object> source, Rights mask,
                                                               Ref<Domain> to) {
  using core::cap::Right;
  const bool across = to && to.object != &domain();
  if (!source.entry->rights().has(across ? Right::Grant : Right::Derive)) return core::fail(Error::Denied);
  Domain& target = to ? *to : domain();
  auto fresh = target.space.reserve();
  if (!fresh) [[unlikely]] {
    fresh = object::reserve_slot_slowly(*kernel, target);
    if (!fresh) return core::fail(fresh.error());
  }
  const auto derived = object::CapTree::derive(source.entry, mask, *fresh);
  if (!derived) [[unlikely]] {
    target.space.release(*fresh);
    return core::fail(derived.error());
  }
  return Handle(derived->raw());
}

}  // namespace fb::kernel::syscall
