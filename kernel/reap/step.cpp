// Clean-up, step by step: what a cut capability held up, pages that are being zeroed, objects that are taken apart.
#include "kernel/object/mapping.hpp"
#include "kernel/reap/destroy.hpp"
#include "kernel/reap/unbind.hpp"
#include "kernel/sched/kick.hpp"

namespace fb::kernel::reap {
namespace {

using core::PageCount;
using object::Context;
using object::Object;
using object::ObjectType;

constexpr unsigned kPagesAtOnce = 16;

void free_storage(Cpu& cpu, Object& object) { object.payer->account.free(cpu.kernel->memory, &object); }

/// A run that was allocated is zeroed in steps; nobody knows its handle to be good before it is.
void zero_some(Cleanup& cleanup) {
  auto& pages = *cleanup.fresh;
  for (unsigned i = 0; i < kPagesAtOnce && pages.zeroed < pages.count; ++i) {
    mem::zero_frame(pages.first + core::FrameNumber(pages.zeroed.raw()));
    pages.zeroed += PageCount(1);
  }
  if (pages.zeroed < pages.count) return;
  object::CapTree::plant(cleanup.fresh_entry, pages, pages.creating);
  cleanup.fresh = nullptr;
}

}  // namespace

bool step(Cpu& cpu, Cleanup& cleanup) {
  if (!cleanup.handle.none()) {
    Aftermath aftermath(cpu.kernel->table_machine);
    object::CapSpace::Header* object = nullptr;
    using Reaped = object::CapTree::Reaped;
    auto result = Reaped::Done;
    if (!cleanup.space->closed()) {  // a closed space's teardown does the rest
      const auto undo = [&](Entry* entry) { return unbind(cpu, *entry, aftermath); };
      result = object::CapTree::reap_step(*cleanup.space, cleanup.handle, object, undo);
    }
    finish(cpu, aftermath);
    if (result == Reaped::Some) return true;
    cleanup.handle = {};
    cleanup.space->unpin();
    if (result == Reaped::Root) cleanup.push(*static_cast<Object*>(object), false);
    return true;
  }
  if (cleanup.fresh != nullptr) {
    zero_some(cleanup);
    return true;
  }
  Object& dying = *cleanup.pop();
  if (!dying.graced) {
    sched::wait_for_grace(cpu);
    cleanup.push(dying, true);
    return true;
  }
  if (const auto result = destroy_step(cpu, cleanup, dying); result != Destroyed::Done) {
    cleanup.push(dying, result == Destroyed::Again);
    return true;
  }
  const bool own = dying.kind() == ObjectType::Context && &static_cast<Context&>(dying).cleanup == &cleanup;
  if (own) {
    while (Object* rest = cleanup.pop()) cpu.leftover.push(*rest, rest->graced);
  }
  free_storage(cpu, dying);
  return !own;
}

}  // namespace fb::kernel::reap
