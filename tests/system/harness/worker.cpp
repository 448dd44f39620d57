#include "tests/system/harness/worker.hpp"

#include <new>

#include "libos/rt/environment.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/slots.hpp"

namespace fb::test {
namespace {

using core::PageCount;
using core::VirtAddr;
using core::cap::Right;
using libos::rt::environment;

constexpr PageCount kStackPages{8}, kAreaPages{2};
constexpr abi::EventBits kEnded{1};
constexpr std::uint64_t kChainStopped = 5, kChainFaulted = 6;  // context_query

[[noreturn]] void worker_main(Start& start) {
  start.phase.store(1, std::memory_order_release);
  start.body(start);
  start.phase.store(2, std::memory_order_release);  // what it did is seen by who sees its end
  if (start.self != 0) static_cast<void>(abi::calls::context_stop(ContextCap(start.self)));
  __builtin_trap();  // without a capability to itself, or with a revoked one
}

void map_there(SpaceCap space, const libos::rt::Region& region, Where where) {
  need(abi::calls::map_pages(space, region.pages.get(), region.mapping.address(), PageCount(0),
                             region.mapping.count(), libos::rt::kReadWrite),
       where);
}

}  // namespace

Worker::Worker(WorkerOptions options, Where where)
    : stack_(need(libos::rt::allocate(kStackPages), where)),
      area_(need(libos::rt::allocate(kAreaPages), where)),
      cpu_(options.cpu),
      child_(options.child != nullptr) {
  const auto& e = environment();
  const auto domain = child_ ? options.child->domain() : e.domain;
  const auto space = child_ ? options.child->space() : e.space;
  const auto bytes = stack_.mapping.bytes();
  start_ = new (bytes.data() + bytes.size() - (sizeof(Start) + 63) / 64 * 64) Start{};
  start_->area = area_.mapping.as<exo_area>();
  start_->ring = reinterpret_cast<exo_ring*>(area_.mapping.address().raw() + core::kPageSize);
  if (space != e.space) {
    other_space_ = space;
    map_there(space, stack_, where);
    map_there(space, area_, where);
  }
  ended_ = need(abi::calls::event_create(), where);
  context_ = need(abi::calls::alloc_cpu_context(domain, space, area_.pages.get(), options.flags), where);
  need(abi::calls::context_set_event(context_, ended_, abi::EventBits(0), abi::Bit(0)), where);
  if (options.self)
    start_->self = need(abi::calls::cap_derive(context_, Right::Control | Right::Read, domain), where).raw();
  if (!options.slice) return;
  slot_ = take_slot(cpu_);
  need(abi::calls::slice_assign(e.budget, cpu_, abi::Slot(slot_), context_), where);
}

Worker::~Worker() {
  if (!context_.none()) static_cast<void>(abi::calls::cap_drop(context_));
  if (!ended_.none()) static_cast<void>(abi::calls::cap_drop(ended_));
  if (slot_ != ~std::uint32_t{0}) give_slot(cpu_, slot_);
}

void Worker::run(void (*body)(Start&), std::uint64_t argument, Where where) {
  start_->body = body;
  start_->argument = argument;
  start_->phase.store(0, std::memory_order_release);
  static_cast<void>(
      abi::calls::event_wait(ended_, kEnded, core::Nanoseconds(0)));  // an end of an earlier run
  // As after a call: the return address' place is missing from an aligned stack.
  const VirtAddr top(reinterpret_cast<std::uint64_t>(start_) - 8);
  need(abi::calls::context_start(context_, VirtAddr(reinterpret_cast<std::uint64_t>(&worker_main)), top,
                                 reinterpret_cast<std::uint64_t>(start_)),
       where);
}

End Worker::join() {
  static_cast<void>(abi::calls::event_wait(ended_, kEnded, abi::kNever));
  if (start_->phase.load(std::memory_order_acquire) == 2) return End::Returned;
  const auto state = abi::calls::context_query(context_, 0).value_or(kChainStopped);
  return (state & 0xff) == kChainFaulted ? End::Faulted : End::Stopped;
}

void Worker::join_returned(Where where) {
  const End end = join();
  if (end == End::Returned) return;
  char line[160];
  const auto rip = abi::calls::context_query(context_, 2).value_or(0);
  report_failure(where, core::text::format_to(line,
                                              end == End::Faulted ? "the worker faulted: vector "
                                                                  : "the worker was stopped: vector ",
                                              std::uint64_t{fault_vector()}, ", rip ", core::text::hex(rip),
                                              ", address ", core::text::hex(fault_address())));
}

void Worker::stop() {
  if (!context_.none()) static_cast<void>(abi::calls::context_stop(context_));
}

std::uint8_t Worker::fault_vector() const {
  return static_cast<std::uint8_t>(abi::calls::context_query(context_, 0).value_or(0) >> 16);
}
std::uint64_t Worker::fault_address() const { return abi::calls::context_query(context_, 3).value_or(0); }

}  // namespace fb::test
