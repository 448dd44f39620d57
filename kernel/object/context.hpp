// A CPU context: registers that can be given time (DESIGN §2, §6).
#pragma once

#include <atomic>

#include "abi/layout.h"
#include "core/event/event_set.hpp"
#include "core/list/list.hpp"
#include "core/sched/slot.hpp"
#include "core/time/deadline_queue.hpp"
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/object/object.hpp"

namespace fb::kernel::object {

struct Budget;
struct Cpu;
struct Domain;
struct AsyncOp;
struct Event;
struct Gate;
struct Signals;
struct Context;

struct Pages;

/// Work that a call left to the context that made it, done before that context sees user code again, in steps, with
/// its slices (DESIGN §5 "the revoker's slices [pay] for clean-up").
struct Cleanup {
  CapSpace* space = nullptr;     ///< of `handle`; pinned
  core::cap::Handle handle;      ///< a capability that was cut and is to be reaped
  Pages* fresh = nullptr;        ///< a run that is being zeroed,
  Entry* fresh_entry = nullptr;  ///< and the entry that will be its creating capability
  [[nodiscard]] bool pending() const {
    return (handle.raw() | reinterpret_cast<std::uintptr_t>(first_) |
            reinterpret_cast<std::uintptr_t>(fresh)) != 0;
  }

  /// Queues an object to be taken apart; `graced` if the grace period that it needs is over.
  void push(Object& object, bool graced) {
    object.graced = graced;
    object.next_dying = nullptr;
    (first_ == nullptr ? first_ : last_->next_dying) = &object;
    last_ = &object;
  }
  Object* pop() {
    Object* object = first_;
    if (object != nullptr) first_ = object->next_dying;
    return object;
  }

 private:
  Object* first_ = nullptr;  // a queue, not a stack: a budget waits for the domains that live on it
  Object* last_ = nullptr;
};

/// What a chain of contexts (one, or gate callers with their servers) is doing; kept in its base.
enum class Chain : std::uint8_t {
  Stopped,  ///< not started, stopped, or faulted
  Idle,     ///< may be given time
  Running,
  Waiting,  ///< for an event or an operation
  Pooled,   ///< a server context that waits in its gate's pool
  Serving,  ///< a server context in a call: what it does is in its base
  Dead,
};

/// What other CPUs ask of the one that has a chain.
enum class Request : std::uint8_t {
  None,
  Stop,     ///< stop this context
  Abandon,  ///< end the gate call that it has made, with REVOKED
};

/// A Chain and, while Running, the CPU.
class RunState {
 public:
  constexpr explicit RunState(Chain chain) : raw_(static_cast<std::uint32_t>(chain)) {}
  constexpr RunState(Chain chain, core::CpuId cpu)
      : raw_(static_cast<std::uint32_t>(chain) | cpu.raw() << 8) {}
  [[nodiscard]] constexpr Chain chain() const { return static_cast<Chain>(raw_ & 0xff); }
  [[nodiscard]] constexpr core::CpuId cpu() const { return core::CpuId(raw_ >> 8); }
  constexpr bool operator==(const RunState&) const = default;

 private:
  std::uint32_t raw_;
};

/// What a context that has used nothing yet remembers: no handle equals this entry's tag, also not 0.
inline constinit Entry no_entry{.tag{core::cap::Tag::never_live().raw()}};
inline constinit CapSpace::Header no_object;

/// A capability that was looked up before. Its type and rights never change: as long as it is the same and nothing was
/// revoked since, it need not be looked up again (CAP-7).
struct Known {
  core::cap::Handle handle;
  Entry* entry = &no_entry;
  CapSpace::Header* object = &no_object;
};

/// What the short ways of context_run and of a reflected call (arch/x86_64/switching.S) need of a context. Every Context
/// begins with it.
struct alignas(64) ContextHead {
  ContextHead(exo_frame* registers, bool reflects, bool has_vector)
      : frame(registers), reflecting(reflects), vector(has_vector) {}
  exo_frame* frame;  ///< where its registers are: its own, or in the shared area of a reflecting context
  std::uint64_t space_root = 0;  ///< what CR3 gets: never 0 in one that can run
  std::atomic<RunState> state{RunState(Chain::Stopped)};
  bool by_syscall = false;  ///< stopped in `syscall`: rcx and r11 are free, sysret may be used
  bool reflecting;
  bool vector;
  std::atomic<std::uint8_t> attention{0};  ///< as a carrier: reasons to take the long way, see Attention
  // The last context that it ran, as a carrier, and the capability by which; see Known.
  core::cap::Handle run_handle;
  Entry* run_entry = &no_entry;
  ContextHead* run_target = this;
  Entry* const* directory = nullptr;  ///< of its domain's capability space
  std::uint64_t domain_identity = 0;  ///< of its domain
  /// Of the last event_exchange; its wait still hangs on `last_event`.
  Known last_target, last_event;
  std::uint64_t fill[2]{};  ///< the next base stays out of the padding

  /// It has stopped in a call, and its registers are all that it takes to go on.
  [[nodiscard]] bool goes_on_plainly() const {
    constexpr std::uint32_t kFlags = 0xff'ffff;
    std::uint32_t manner = 0;
    static_assert(CONTEXT_ATTENTION == CONTEXT_BY_SYSCALL + 3);
    __builtin_memcpy(&manner, &by_syscall, sizeof manner);
    return (manner & kFlags) == 1;
  }
};
// Context is not of standard layout, but this is where its second base begins.
static_assert(sizeof(ContextHead) == CONTEXT_EPOCH && offsetof(ContextHead, frame) == CONTEXT_FRAME &&
              offsetof(ContextHead, space_root) == CONTEXT_ROOT &&
              offsetof(ContextHead, state) == CONTEXT_STATE &&
              offsetof(ContextHead, by_syscall) == CONTEXT_BY_SYSCALL &&
              offsetof(ContextHead, attention) == CONTEXT_ATTENTION &&
              offsetof(ContextHead, run_handle) == CONTEXT_RUN_HANDLE &&
              offsetof(ContextHead, run_entry) == CONTEXT_RUN_ENTRY &&
              offsetof(ContextHead, run_target) == CONTEXT_RUN_TARGET &&
              offsetof(ContextHead, last_target) == CONTEXT_LAST_TARGET &&
              offsetof(ContextHead, last_event) == CONTEXT_LAST_EVENT && offsetof(Known, handle) == 0 &&
              offsetof(Known, entry) == KNOWN_ENTRY && offsetof(Known, object) == KNOWN_OBJECT);

/// What makes a carrier take the long way.
enum Attention : std::uint8_t {
  kEventPending = 1,  ///< its event has been signalled: look
  kDeepest = 2,       ///< it is on the last level itself
};

struct Context : ContextHead, Object {
  static constexpr auto kType = ObjectType::Context;
  Context(Budget& payer_budget, Domain* owner, bool reflects, bool has_vector)
      : ContextHead(&registers, reflects, has_vector), Object(kType, payer_budget), domain(owner) {}

  exo_frame registers{};  ///< where a native context's registers are
  exo_area* area = nullptr;
  exo_ring* ring = nullptr;
  Domain* domain;  ///< a native context's own; a reflecting one's creator
  AddressSpace* space = nullptr;
  Binding area_binding, space_binding, event_binding;

  std::atomic<Request> request{Request::None};  ///< what the CPU that has its chain is to do to it
  std::uint8_t fault_vector = 0;
  bool faulted = false;
  std::atomic<bool> configured{false};  ///< a call changes what it refers to; another one gets Busy
  std::atomic<bool> evicted{false};     ///< the capability by which a carrier runs it is gone

  // As a carrier.
  Event* event = nullptr;  ///< what stops context_run, and hears of this context's end
  std::uint64_t event_mask = 0;
  std::uint8_t end_bit = 0;

  // As an owner of slices.
  core::CpuId home{};
  core::sched::SlotMask slots{};
  core::Ticks used{};

  // While waiting.
  bool waits_plainly = false;  ///< without a deadline, for nobody else
  core::event::WaitNode wait;
  Signals* waiting_on = nullptr;
  std::uint64_t wait_number = 0;  ///< of its waits: a time-out that comes late must not end the next one
  AsyncOp* awaits = nullptr;      ///< the operation whose outcome the wait is to return
  Binding wait_binding;
  core::time::DeadlineLink deadline;
  Cpu* deadline_cpu = nullptr;

  // In gates.
  Context* caller = nullptr;
  Context* callee = nullptr;
  Entry* called_via = nullptr;
  Gate* gate = nullptr;
  Context* next_in_pool = nullptr;
  core::VirtAddr stack{};
  std::uint8_t receive_slots = 0;
  std::uint8_t gate_depth = 0;  ///< callers below it

  void* vector_area = nullptr;
  std::atomic<Cpu*> vector_on{nullptr};  ///< the CPU whose registers hold the vector state

  Cleanup cleanup;
  std::atomic<bool> cleaning{false};  ///< a CPU takes a step of `cleanup`
  core::list::ListLink orphan;
  Cpu* orphan_of = nullptr;
  Budget* slice_budget = nullptr;  ///< whose slots `slots` are
  core::list::ListLink in_domain;
  core::list::ListLink in_gate;

  /// The end of the gate chain that begins here: who runs when this context is given time.
  [[nodiscard]] Context& active() {
    Context* at = this;
    while (at->callee != nullptr) at = at->callee;
    return *at;
  }
  [[nodiscard]] Context& base() {
    Context* at = this;
    while (at->caller != nullptr) at = at->caller;
    return *at;
  }
  void set_space(AddressSpace& to) {
    space = &to;
    space_root = to.root.raw();
  }
  /// Nothing of ring 3 is mapped in `empty`: whoever gives the context time before it is stopped gets a page fault.
  void lose_space(core::PhysAddr empty) {
    space = nullptr;
    space_root = empty.raw();
  }
  [[nodiscard]] bool has_event() const;
  /// Leaves the result of a call in the saved registers.
  void set_result(std::uint64_t status, std::uint64_t value) {
    exo_frame& registers_now = *frame;
    registers_now.rax = status;
    registers_now.rdx = value;
  }
  void set_result(core::Error error) { set_result(static_cast<std::uint64_t>(error), 0); }
};

}  // namespace fb::kernel::object
