#include "kernel/arch/x86_64/leave.hpp"
#include "kernel/syscall/calls.hpp"

extern "C" {
[[noreturn, clang::preserve_none]] void invoke_gate(std::uint64_t gate);
[[noreturn, clang::preserve_none]] void reply_through_gate(std::uint64_t status);
}

namespace fb::kernel::syscall {
namespace {

using object::Chain;
using object::Gate;
using object::RunState;

constexpr std::uint8_t kMaxGateDepth = 8;
constexpr unsigned kMaxServers = 64;
constexpr Word kMostExtra = 4;

/// The message header in r12 (abi/layout.h).
struct Message {
  Word extra_words;
  Word handles;
  static Result<Message> decode(Word raw) {
    const Message m{raw & 0xf, raw >> 4 & 0xf};
    if ((raw >> 8) != 0 || m.extra_words > kMostExtra || m.handles > kMostExtra)
      return core::fail(Error::BadArgument);
    return m;
  }
};

/// Takes a server context out of the pool. Null: none is free.
Context* take_server(Gate& gate) {
  const core::Guard guard(gate.pool_lock);
  Context* server = gate.pool;
  if (server != nullptr) [[likely]]
    gate.pool = server->next_in_pool;
  return server;
}

/// Words seven to ten, when nothing else travels: the header is their number. False: the long way.
[[gnu::always_inline]] inline bool carry_words(Word header, const Context& from, Context& to) {
  if (header > kMostExtra || from.area == nullptr || to.area == nullptr) [[unlikely]]
    return false;
  const auto* source = from.area->message.words;
  auto* target = to.area->message.words;
  const auto move = [&](unsigned i) {
    __atomic_store_n(&target[i], __atomic_load_n(&source[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
  };
  switch (header) {
    case 4:
      move(3);
      [[fallthrough]];
    case 3:
      move(2);
      [[fallthrough]];
    case 2:
      move(1);
      [[fallthrough]];
    default:
      move(0);
  }
  return true;
}

/// What the receiver sees of words beyond the sixth and of handles. All is checked and derived before anything is
/// delivered; on an error nothing has travelled.
[[gnu::noinline]] Result<> carry(Calls& call, Word header, Context& from, Context& to) {
  FB_ASSIGN(const auto message, Message::decode(header));
  if (from.area == nullptr || to.area == nullptr) return core::fail(Error::NotReady);
  auto& source = from.area->message;
  auto& target = to.area->message;
  if (message.handles != 0) FB_TRY(call.carry_handles(message.handles, source, from, to));
  for (Word i = 0; i < message.extra_words; ++i) {
    __atomic_store_n(&target.words[i], __atomic_load_n(&source.words[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
  }
  return {};
}

/// The words of a reply, and its header.
void deliver(const exo_frame& from, exo_frame& to) {
  to.rsi = from.rsi, to.rdx = from.rdx, to.r10 = from.r10, to.r8 = from.r8, to.r9 = from.r9;
  to.rbx = from.rbx;
  to.r12 = from.r12;
}

}  // namespace

Result<Handle> Calls::gate_create(Ref<Domain> into, VirtAddr entry, Word badge) {
  FB_ASSIGN(const auto made, object::prepare<Gate>(*kernel, domain(), *into, entry, badge));
  return Handle(object::publish(made, object::creating_rights(ObjectType::Gate)).raw());
}

Result<> Calls::gate_add_server(Ref<Gate> gate, Ref<Context> context, VirtAddr stack) {
  if (context->reflecting) return core::fail(Error::WrongType);
  if (context->domain == nullptr || context->domain->identity != gate->domain)
    return core::fail(Error::BadArgument);
  if (context->space == nullptr) return core::fail(Error::NotReady);
  auto stopped = RunState(Chain::Stopped);
  if (!context->state.compare_exchange_strong(stopped, RunState(Chain::Serving), std::memory_order_acq_rel))
    return core::fail(Error::Busy);
  Result<> result{};
  {
    const core::Guard guard(gate->lock);
    unsigned count = 0;
    for ([[maybe_unused]] const auto& server : gate->servers) count += 1;
    if (count >= kMaxServers) result = core::fail(Error::Limit);
    if (context->gate != nullptr && context->gate != gate.object) result = core::fail(Error::Busy);
    if (result && context->gate == nullptr) {
      gate->servers.push_back(*context);
      context->gate = gate.object;
    }
  }
  if (!result) {
    context->state.store(RunState(Chain::Stopped), std::memory_order_release);
    return result;
  }
  context->stack = stack;
  context->faulted = false;
  sched::return_to_pool(*context);
  return {};
}

[[gnu::always_inline]] inline Result<Word> Calls::cap_invoke(Ref<Gate> gate, Word, Word, Word, Word, Word) {
  Context& caller = *current();
  if (caller.gate_depth == kMaxGateDepth) [[unlikely]]
    return core::fail(Error::TooDeep);
  Context* const taken = take_server(*gate);
  if (taken == nullptr) [[unlikely]]
    return core::fail(Error::Busy);
  Context& server = *taken;
  if (const auto header = caller.registers.r12; header != 0 && !carry_words(header, caller, server))
      [[unlikely]] {
    if (const auto carried = carry(*this, caller.registers.r12, caller, server); !carried) {
      sched::return_to_pool(server);
      return core::fail(carried.error());
    }
  }
  if (claims != 0) [[unlikely]]
    settle(true);
  server.gate_depth = static_cast<std::uint8_t>(caller.gate_depth + 1);
  server.called_via = gate.entry;
  server.caller = &caller;
  caller.callee = &server;
  current_head = &server;
  frame = &server.registers;
  sched::switch_root(*this, server.space_root);
  sched::switch_vector(*this, server);
  enter_server(&caller.registers, gate->entry.raw(), server.stack.raw(), gate->badge);
}

namespace {
/// The words are there already.
void answer(exo_frame& caller, Word status) {
  caller.rax = status;
  caller.rdi = 0;
}
}  // namespace

[[gnu::always_inline]] inline Result<> Calls::gate_reply(Word status, Word, Word, Word, Word, Word) {
  Context& server = *current();
  Context* const waiting = server.caller;
  if (waiting == nullptr) [[unlikely]]
    return core::fail(Error::NotReady);
  Context& caller = *waiting;
  if (const auto header = server.registers.r12; header != 0 && !carry_words(header, server, caller))
      [[unlikely]] {
    FB_TRY(carry(*this, header, server, caller));
  }
  server.caller = nullptr;
  server.called_via = nullptr;
  caller.callee = nullptr;
  current_head = &caller;
  frame = &caller.registers;
  // Who wants something of the server waits for its chain to be let go; of the caller, for the interrupt that is coming.
  if (server.request.load(std::memory_order_relaxed) != object::Request::None) [[unlikely]]
    reply_slowly(server, caller, status);
  // Before the server goes into its pool: from there another CPU may take it, and another caller's words with it.
  deliver(server.registers, caller.registers);
  sched::return_to_pool(server);
  sched::switch_root(*this, caller.space_root);
  sched::switch_vector(*this, caller);
  answer(caller.registers, status);
  go_on_in_call(&caller.registers);
}

/// Something is to be done to the server: the message goes to the caller's frame, and dispatch sees to it.
void Calls::reply_slowly(Context& server, Context& caller, Word status) {
  deliver(server.registers, caller.registers);
  answer(caller.registers, status);
  caller.by_syscall = true;
  sched::return_to_pool(server);
  dispatch(*this);
}

Result<> Calls::receive_open(Word count) {
  if (count > kMostExtra) return core::fail(Error::BadArgument);
  // The slots are had now, so that a message that brings capabilities cannot fail for want of them.
  const auto slots = static_cast<std::uint32_t>(count);
  if (!domain().space.has_free(slots)) {  // it grows by more than a message can bring
    FB_ASSIGN(Entry* const entry, object::reserve_slot(*kernel, domain()));
    domain().space.release(entry);
    if (!domain().space.has_free(slots)) return core::fail(Error::NoSlots);
  }
  current()->receive_slots = static_cast<std::uint8_t>(count);
  return {};
}

/// Decodes everything, then commits without failure: a capability that is revoked in between arrives as 0.
Result<> Calls::carry_handles(Word count, exo_message& source, Context& from, Context& to) {
  if (count > to.receive_slots) return core::fail(Error::NoSlots);
  std::array<Entry*, kMostExtra> sources{};
  std::array<Entry*, kMostExtra> slots{};
  std::array<Rights, kMostExtra> masks{};
  for (Word i = 0; i < count; ++i) {
    const auto handle = __atomic_load_n(&source.handles[i], __ATOMIC_RELAXED);
    masks[i] = Rights(__atomic_load_n(&source.masks[i], __ATOMIC_RELAXED)).meet(core::cap::kAllRights);
    FB_ASSIGN(const auto found,
              from.domain->space.lookup_any(core::cap::Handle(handle), core::cap::Right::Grant));
    sources[i] = found.entry;
  }
  for (Word i = 0; i < count; ++i) {
    const auto slot = object::reserve_slot(*kernel, *to.domain);
    if (!slot) {
      while (i-- > 0) to.domain->space.release(slots[i]);
      return core::fail(slot.error());
    }
    slots[i] = *slot;
  }
  to.receive_slots = 0;
  for (Word i = 0; i < count; ++i) {
    const auto arrived = object::CapTree::derive(sources[i], masks[i], slots[i]);
    if (!arrived) to.domain->space.release(slots[i]);
    const auto handle = arrived.value_or(core::cap::Handle());
    __atomic_store_n(&to.area->message.handles[i], handle.raw(), __ATOMIC_RELAXED);
  }
  return {};
}

}  // namespace fb::kernel::syscall

void invoke_gate(std::uint64_t gate) {
  using namespace fb::kernel::syscall;
  [[clang::always_inline]] Calls::enter().conclude(
      fb::abi::decode_cap_invoke<Calls>(gate, 0, 0, 0, 0, 0));  // words: in the frame
}

void reply_through_gate(std::uint64_t status) {
  using namespace fb::kernel::syscall;
  [[clang::always_inline]] Calls::enter().conclude(fb::abi::decode_gate_reply<Calls>(status, 0, 0, 0, 0, 0));
}
