#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

using core::async::AsyncValue;
using object::AsyncOp;
using object::Binding;

// Asynchronous operations are events with an outcome: whoever waits for one waits for bit 0 of its own event.
namespace {
constexpr core::event::EventBits kDone{1};
}

Result<Handle> Calls::submit_async_op(abi::AsyncKind kind, Ref<object::Event> event, abi::Bit bit) {
  // An event that completes an operation that signals an event ...: ring 0 does not follow such chains.
  if (kind == abi::AsyncKind::Event && event) return core::fail(Error::BadArgument);
  exo_async operands{};
  if (kind != abi::AsyncKind::Server) {
    if (current()->area == nullptr) return core::fail(Error::NotReady);
    __builtin_memcpy(&operands, &current()->area->async, sizeof operands);
    asm volatile("" : "+m"(operands));  // fetched once: what is checked is what is used
  }
  FB_ASSIGN(const auto made, object::prepare<AsyncOp>(*kernel, domain(), kind));
  auto& op = *made.object;
  Result<> begun{};
  if (event) {
    begun = hang(op.source.binding, event, Binding::Kind::Source);
    op.source.bits = std::uint64_t{1} << bit.raw();
    op.source.event = event.object;
  }
  if (begun) begun = begin(op, operands);
  if (!begun) {
    object::release(op.source.binding);
    object::release(op.watch.binding);
    object::discard(*kernel, domain(), made);
    return core::fail(begun.error());
  }
  const auto handle = object::publish(made, object::creating_rights(ObjectType::AsyncOp));
  let_others_first(handle.raw());  // it may be over already, and have woken somebody
  return Handle(handle.raw());
}

/// Starts the operation; some are over at once.
Result<> Calls::begin(AsyncOp& op, const exo_async& operands) {
  switch (op.what) {
    case abi::AsyncKind::Timer:
      sched::arm_completion(*this, op, ticks(Nanoseconds(operands.word)));
      return {};
    case abi::AsyncKind::Transfer: {
      FB_ASSIGN(const auto done, transfer(operands.transfer));
      if (op.outcome.complete(AsyncValue(done.raw()))) sched::completed(*this, op);
      return {};
    }
    case abi::AsyncKind::Event: {
      if (operands.word == 0) return core::fail(Error::BadArgument);
      FB_ASSIGN(const auto target,
                lookup<ObjectType::Event>(Handle(operands.target), core::cap::Right::Wait));
      FB_TRY(hang(op.watch.binding, target, Binding::Kind::Watch));
      return sched::begin_watch(*this, op, *target, core::event::EventBits(operands.word));
    }
    case abi::AsyncKind::Server:
      return {};
  }
  return core::fail(Error::BadArgument);
}

Result<Word> Calls::poll_async_op(Ref<AsyncOp> op) {
  FB_ASSIGN(const auto status, op->outcome.poll());
  FB_ASSIGN(const auto value, status.outcome());
  return value.raw();
}

Result<Word> Calls::wait_async_op(Ref<AsyncOp> op, Nanoseconds deadline) {
  if (const auto done = poll_async_op(op); done || done.error() != Error::InProgress) return done;
  FB_TRY(hang_wait(op));
  // A completion between the poll above and here has set the bit: the wait returns at once.
  Context& waiter = *current();
  waiter.awaits = op.object;  // before it can be woken
  const auto waited = sched::wait(*this, waiter, op->done, kDone, ticks(deadline));
  if (waited && waited->waiting) dispatch(*this);
  waiter.awaits = nullptr;
  if (!waited) return core::fail(waited.error());
  sched::announce(*this, *op);  // for the others who wait
  return poll_async_op(op);
}

Result<> Calls::cancel_async_op(Ref<AsyncOp> op) {
  FB_TRY(op->outcome.cancel());
  sched::end_watch(*this, *op, Error::Cancelled);  // the event has room for another
  sched::completed(*this, *op);
  let_others_first();
  return {};
}

Result<> Calls::complete_async_op(Ref<AsyncOp> op, Word result) {
  if (op->what != abi::AsyncKind::Server) return core::fail(Error::BadArgument);
  FB_TRY(op->outcome.complete(AsyncValue(result)));
  sched::completed(*this, *op);
  let_others_first();
  return {};
}

}  // namespace fb::kernel::syscall
