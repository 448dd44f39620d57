#include "libos/rt/process.hpp"

#include <algorithm>
#include <bit>

#include "libos/rt/environment.hpp"
#include "libos/rt/pieces.hpp"

namespace fb::libos::rt {
namespace {

using core::cap::Right;
using core::cap::Rights;

void copy_text(std::span<char> to, std::string_view from) {
  const std::size_t size = std::min(from.size(), to.size() - 1);
  std::copy_n(from.begin(), size, to.data());
}

/// The handle that the program will have, 0 for none.
template <abi::ObjectType T>
core::Result<std::uint64_t> give(abi::Cap<T> cap, Rights rights, abi::Cap<abi::ObjectType::Domain> domain) {
  if (cap.none()) return std::uint64_t{0};
  FB_ASSIGN(const auto derived, abi::calls::cap_derive(cap, rights, domain));
  return derived.raw();
}

core::Result<> lend(const SpawnOptions& options, abi::Cap<abi::ObjectType::Budget> budget) {
  const Environment& e = environment();
  for (std::uint32_t cpu = 0; cpu != kMaxCpus; ++cpu) {
    if (options.slots[cpu] == 0) continue;
    const abi::EventBits slots(options.slots[cpu]);
    FB_TRY(abi::calls::budget_lend_slots(budget, e.budget, core::CpuId(cpu), slots));
  }
  return {};
}

}  // namespace

core::Result<Process> Process::spawn(const SpawnOptions& options) {
  Process process;
  FB_TRY(process.create(options));
  return process;
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    end();
    budget_ = std::move(other.budget_);
    domain_ = std::move(other.domain_);
    for (std::size_t i = 0; i != pages_.size(); ++i) pages_[i] = std::move(other.pages_[i]);
    page_count_ = std::exchange(other.page_count_, 0);
    code_ = other.code_;
    space_ = std::move(other.space_);
    context_ = std::move(other.context_);
  }
  return *this;
}

void Process::end() {
  if (!context_.none()) static_cast<void>(abi::calls::context_stop(context_.get()));
  context_.reset();
  space_.reset();
  while (page_count_ != 0) pages_[--page_count_].reset();
  domain_.reset();
  budget_.reset();
}

core::Result<> Process::take_code() {
  return in_pieces(code_.count, [&](core::PageCount done, core::PageCount now) -> core::Result<> {
    FB_TRY(abi::calls::unmap_pages(space_.get(), code_.start + core::bytes_of(done), now));
    return {};
  });
}

core::Result<> Process::create(const SpawnOptions& options) {
  const Environment& e = environment();
  if (options.cpu.raw() >= kMaxCpus || options.slots[options.cpu.raw()] == 0) {
    return core::fail(core::Error::NoSlices);
  }
  FB_ASSIGN(const SpawnPlan plan, SpawnPlan::make(options.elf, core::PageCount(~std::uint64_t{0})));
  FB_ASSIGN(budget_, own(abi::calls::budget_create(e.budget, options.budget)));
  FB_TRY(lend(options, budget_.get()));
  FB_ASSIGN(domain_, own(abi::calls::domain_create(budget_.get(), options.authorities)));
  FB_ASSIGN(space_, own(abi::calls::address_space_create()));
  FB_TRY(load(plan));
  FB_TRY(create_context(options));
  FB_TRY(fill_start_page(options));
  return abi::calls::context_start(context_.get(), plan.entry, kStackTop, kStartInfoAddress.raw());
}

core::Result<Process::PagesCap> Process::add_pages(core::PageCount count) {
  FB_ASSIGN(pages_[page_count_], own(abi::calls::alloc_mem_pages(count, abi::PageFlags{})));
  return pages_[page_count_++].get();
}

core::Result<> Process::load(const SpawnPlan& plan) {
  for (std::size_t i = 0; i != plan.segment_count; ++i) {
    const PlannedSegment& segment = plan.segments[i];
    if (segment.access.has(abi::AccessBit::Execute)) code_ = {segment.start, segment.pages};
    FB_ASSIGN(const auto pages, add_pages(segment.pages));
    if (!segment.bytes.empty()) {
      // Written through a mapping of ours that is gone before the program can execute them.
      FB_ASSIGN(const auto window, map(pages, core::PageCount(0), segment.pages, kReadWrite));
      std::copy_n(segment.bytes.data(), segment.bytes.size(), window.bytes().data() + segment.offset.raw());
    }
    FB_TRY(in_pieces(segment.pages, [&](core::PageCount done, core::PageCount now) {
      return abi::calls::map_pages(space_.get(), pages, segment.start + core::bytes_of(done), done, now,
                                   segment.access);
    }));
  }
  FB_ASSIGN(const auto stack, add_pages(kStackPages));
  const core::VirtAddr stack_start(kStackTop.raw() - core::bytes_of(kStackPages).raw());
  return abi::calls::map_pages(space_.get(), stack, stack_start, core::PageCount(0), kStackPages, kReadWrite);
}

core::Result<> Process::create_context(const SpawnOptions& options) {
  FB_ASSIGN(const auto area, add_pages(kAreaPages));
  FB_TRY(abi::calls::map_pages(space_.get(), area, kAreaAddress, core::PageCount(0), kAreaPages, kReadWrite));
  FB_ASSIGN(context_,
            own(abi::calls::alloc_cpu_context(domain_.get(), space_.get(), area, abi::ContextFlags{})));
  if (!options.end_event.none()) {
    FB_TRY(
        abi::calls::context_set_event(context_.get(), options.end_event, abi::EventBits(0), options.end_bit));
  }
  const auto slot = static_cast<std::uint32_t>(std::countr_zero(options.slots[options.cpu.raw()]));
  return abi::calls::slice_assign(budget_.get(), options.cpu, abi::Slot(slot), context_.get());
}

core::Result<> Process::fill_start_page(const SpawnOptions& options) {
  const Environment& e = environment();
  const auto domain = domain_.get();
  FB_ASSIGN(const auto pages, add_pages(core::PageCount(1)));
  FB_ASSIGN(const auto window, map(pages, core::PageCount(0), core::PageCount(1), kReadWrite));
  auto& info = *window.as<StartInfo>();
  // Only a LibOS manages memory and programs. Any other gets its own objects to look at, and to end itself.
  const bool libos = options.authorities.has(core::cap::Authority::MemoryVirt);
  const Rights keep = Right::Grant | Right::Derive;
  const auto none = Rights{};
  FB_ASSIGN(info.domain, give(domain, libos ? keep.join(Right::Control) : none, domain));
  FB_ASSIGN(info.space,
            give(space_.get(), libos ? keep.join(Right::Map | Right::Read) : Rights(Right::Read), domain));
  FB_ASSIGN(info.context, give(context_.get(), Right::Control | Right::Read, domain));
  FB_ASSIGN(info.budget, give(budget_.get(),
                              libos ? keep.join(Right::Control | Right::Read) : Rights(Right::Read), domain));
  FB_ASSIGN(info.event, give(options.event, keep.join(Right::Send | Right::Wait), domain));
  FB_ASSIGN(info.console, give(options.console, Rights(Right::Invoke), domain));
  const auto archive = options.archive ? e.archive : abi::Cap<abi::ObjectType::Pages>{};
  FB_ASSIGN(info.archive, give(archive, keep.join(Right::Read | Right::Map), domain));
  info.magic = kStartMagic;
  info.version = kStartVersion;
  info.archive_bytes = options.archive ? e.archive_bytes.raw() : 0;
  info.archive_offset = options.archive ? e.archive_offset.raw() : 0;
  info.area = kAreaAddress.raw();
  info.authorities = options.authorities.raw();
  info.cpus = e.cpus;
  std::copy_n(options.slots.begin(), kMaxCpus, info.slots);
  info.context_cpu = options.cpu.raw();
  copy_text(info.name, options.name);
  copy_text(info.arguments, options.arguments);
  copy_text(info.files, options.files);
  return abi::calls::map_pages(space_.get(), pages, kStartInfoAddress, core::PageCount(0), core::PageCount(1),
                               kReadOnly);
}

}  // namespace fb::libos::rt
