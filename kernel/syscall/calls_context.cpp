#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

using object::Binding;
using object::Chain;
using object::RunState;

Result<Handle> Calls::alloc_cpu_context(Ref<Domain> owner, Ref<object::AddressSpace> space,
                                        Ref<object::Pages> area, abi::ContextFlags flags) {
  const bool reflecting = flags.has(abi::ContextFlag::Reflect);
  const bool vector = flags.has(abi::ContextFlag::Vector);
  if (reflecting == static_cast<bool>(owner)) return core::fail(Error::BadArgument);
  if (reflecting && !area) return core::fail(Error::NotReady);
  Domain& belongs = owner ? *owner : domain();
  FB_ASSIGN(const auto made, object::prepare<Context>(*kernel, domain(), &belongs, reflecting, vector));
  auto& context = *made.object;
  auto& account = domain().budget->account;
  if (vector) {
    const auto page =
        account.take_frames(kernel->memory, PageCount(1), core::mem::FrameState::Kernel, &context);
    if (!page) {
      object::discard(*kernel, domain(), made);
      return core::fail(page.error());
    }
    context.vector_area = arch::direct(core::PhysAddr(*page));
    sched::reset_vector(context);
  }
  Result<> bound = hang(context.space_binding, space, Binding::Kind::ContextSpace);
  if (bound && area) bound = hang(context.area_binding, area, Binding::Kind::ContextArea);
  if (!bound) {
    object::release(context.space_binding);
    if (vector)
      account.give_frames(kernel->memory, arch::direct_to_physical(context.vector_area).frame(),
                          PageCount(1));
    object::discard(*kernel, domain(), made);
    return core::fail(bound.error());
  }
  context.set_space(*space.object);
  context.directory = belongs.space.directory();
  context.domain_identity = belongs.identity;
  if (area) {
    context.area = arch::direct<exo_area>(core::PhysAddr(area->first));
    if (reflecting) context.frame = &context.area->frame;
    if (!reflecting && area->count > PageCount(1))
      context.ring = arch::direct<exo_ring>(core::PhysAddr(area->first + core::FrameNumber(1)));
  }
  if (reflecting) context.state.store(RunState(Chain::Idle), std::memory_order_relaxed);
  const core::Guard guard(belongs.lock);
  belongs.contexts.push_back(context);
  return Handle(object::publish(made, object::creating_rights(ObjectType::Context)).raw());
}

Result<> Calls::context_start(Ref<Context> context, VirtAddr entry, VirtAddr stack, Word argument) {
  if (context->reflecting) return core::fail(Error::WrongType);
  if (context->space == nullptr || context->domain == nullptr) return core::fail(Error::NotReady);
  auto stopped = RunState(Chain::Stopped);
  // Claimed while it is set up: two starts at once give one start and one Busy.
  if (!context->state.compare_exchange_strong(stopped, RunState(Chain::Serving), std::memory_order_acq_rel))
    return core::fail(Error::Busy);
  context->registers = {};
  context->registers.rip = entry.raw();
  context->registers.rsp = stack.raw();
  context->registers.rdi = argument;
  context->registers.rflags = arch::user_flags(0);
  context->by_syscall = false;
  context->request.store(object::Request::None,
                         std::memory_order_relaxed);  // what came too late for its last life
  context->faulted = false;
  context->fault_vector = 0;
  sched::make_ready(*this, *context);
  return {};
}

Result<> Calls::context_stop(Ref<Context> context) {
  const auto handle = object::CapSpace::handle_of(context.entry);
  if (sched::stop(*this, *context)) return {};
  // Another CPU has it, or this one: the call is made again when others have had their turn. Waiting here would stop us
  // from being stopped.
  constexpr unsigned kSyscallBytes = 2;
  Context& caller = *current();
  caller.registers.rip -= kSyscallBytes;
  caller.registers.rdi = handle.raw();
  caller.set_result(static_cast<Word>(abi::CallNumber::ContextStop), 0);
  caller.by_syscall = true;
  if (claims != 0) settle(false);
  dispatch(*this);
}

namespace {

/// Lets one call at a time change a context's references.
class Configuring {
 public:
  explicit Configuring(Context& context)
      : context_(context), alone_(!context.configured.exchange(true, std::memory_order_acquire)) {}
  Configuring(const Configuring&) = delete;
  Configuring& operator=(const Configuring&) = delete;
  ~Configuring() {
    if (alone_) context_.configured.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool alone() const { return alone_; }

 private:
  Context& context_;
  bool alone_;
};

}  // namespace

Result<> Calls::context_set_space(Ref<Context> context, Ref<object::AddressSpace> space) {
  const Configuring configuring(*context);
  if (!configuring.alone()) return core::fail(Error::Busy);
  auto idle = RunState(Chain::Idle);
  auto& state = context->state;
  const bool was_idle =
      state.compare_exchange_strong(idle, RunState(Chain::Running, id), std::memory_order_acq_rel);
  if (!was_idle && idle.chain() != Chain::Stopped) return core::fail(Error::Busy);
  object::release(context->space_binding);
  context->lose_space(kernel->tables->root());
  const auto bound = hang(context->space_binding, space, Binding::Kind::ContextSpace);
  if (bound) context->set_space(*space.object);
  if (was_idle) sched::make_ready(*this, *context);
  return bound;
}

Result<> Calls::context_set_event(Ref<Context> context, Ref<object::Event> event, abi::EventBits mask,
                                  abi::Bit end_bit) {
  const Configuring configuring(*context);
  if (!configuring.alone()) return core::fail(Error::Busy);
  {
    const core::Guard guard(event->set_lock);
    if (mask.raw() != 0 && event->carrier != nullptr && event->carrier != context.object)
      return core::fail(Error::Busy);
  }
  object::release(context->event_binding);
  if (context->event != nullptr) {
    const core::Guard guard(context->event->set_lock);
    if (context->event->carrier == context.object) context->event->carrier = nullptr;
  }
  context->event = nullptr;
  FB_TRY(hang(context->event_binding, event, Binding::Kind::ContextEvent));
  const core::Guard guard(event->set_lock);
  context->event_mask = mask.raw();
  context->end_bit = static_cast<std::uint8_t>(end_bit.raw());
  context->event = event.object;
  if (mask.raw() != 0) event->carrier = context.object;
  return {};
}

Result<> Calls::context_vector(Ref<Context> context, Ref<object::Pages> pages, core::ByteCount offset,
                               Word direction) {
  const auto size = kernel->features.vector_bytes();
  if (direction > 1) return core::fail(Error::BadArgument);
  if (!context->vector) return core::fail(Error::NotReady);
  const auto limit = core::bytes_of(pages->count);
  if (offset > limit || size > limit - offset) return core::fail(Error::BadRange);
  auto idle = RunState(Chain::Idle);
  if (!context->state.compare_exchange_strong(idle, RunState(Chain::Running, id), std::memory_order_acq_rel))
    return core::fail(Error::Busy);
  if (Cpu* holder = context->vector_on.load(std::memory_order_acquire)) sched::fetch_vector(*this, *holder);
  auto* shared = arch::direct<char>(core::PhysAddr(pages->first) + offset);
  Result<> result{};
  if (direction == 0) {
    std::uint64_t held = 0;
    __builtin_memcpy(&held, static_cast<const char*>(context->vector_area) + sched::kVectorHeader,
                     sizeof held);
    kernel->features.copy_vector(shared, static_cast<const char*>(context->vector_area), held);
  } else {
    result = sched::accept_vector(*this, *context, shared);
  }
  sched::make_ready(*this, *context);
  return result;
}

Result<Word> Calls::context_query(Ref<Context> context, Word which) {
  const auto state = context->state.load(std::memory_order_acquire);
  switch (which) {
    case 0: {
      static constexpr std::array<std::uint8_t, 7> kReported{5, 0, 2, 3, 4, 4, 5};
      const Word chain = context->faulted ? 6 : kReported[static_cast<unsigned>(state.chain())];
      const Word cpu = state.chain() == Chain::Running ? state.cpu().raw() : context->home.raw();
      return chain | cpu << 8 | Word{context->fault_vector} << 16;
    }
    case 1:
      return context->used.raw();
    case 2:
      return context->frame->rip;
    case 3:
      return context->frame->address;
    default:
      return core::fail(Error::BadArgument);
  }
}

Result<> Calls::yield() {
  // Before its chain is released: from then on another CPU may run it.
  current()->set_result(0, 0);
  current()->by_syscall = true;
  sched::unwind(*this, 0, abi::Stop::Preempted);
  sched::put_down(*this, true);
  dispatch(*this);
}

}  // namespace fb::kernel::syscall
