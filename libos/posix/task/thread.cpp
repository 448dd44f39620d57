#include "libos/posix/task/thread.hpp"

#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

Answer<> Thread::open() {
  FB_TRY(take_context());
  context.frame() = {};
  return process.system.vector.clear(context);
}

Answer<> Thread::take_context() {
  FB_ASSIGN(context, process.system.pool.take_context(process.memory_object().cap()));
  return {};
}

Thread::~Thread() { process.system.pool.give(std::move(context)); }

Answer<> Thread::copy(Thread& other, core::VirtAddr stack) {
  FB_TRY(take_context());
  auto& vector = process.system.vector;
  FB_TRY(vector.save(other.context));
  FB_TRY(vector.load(context));
  auto& frame = context.frame();
  frame = other.context.frame();
  frame.rax = 0;
  if (stack != core::VirtAddr(0)) frame.rsp = stack.raw();
  context.resume_from_frame();
  blocked = other.blocked;
  name = other.name;
  scheduling = other.scheduling.of_child();
  return {};
}

signal::Set Thread::pending() const { return signals.pending() | process.signals.pending(); }

bool Thread::interrupted() const {
  if (ending || process.ended || process.stopped()) return true;
  return !(pending() & (~blocked | awaited)).empty();
}

void Thread::interrupt() const {
  auto& fibres = process.system.fibres;
  if (fibre != nullptr) fibres.unblock(*fibre);
  if (carrier != nullptr) fibres.kick(*carrier);
}

void Thread::schedule(const sched::Scheduling& wanted) {
  scheduling = wanted;
  if (fibre != nullptr) process.system.fibres.set_terms(*fibre, wanted.terms());
}

void Thread::end_submissions() {
  if (!submitter) return;
  FibreWaiter waiter(process.system.fibres);
  submitter->end(waiter);
  submitter.reset();
}

void Thread::mask_for_call(signal::Set mask) {
  masked_before = blocked;
  set_mask(mask);
}

}  // namespace fb::libos::posix::task
