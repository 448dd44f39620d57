#include "libos/posix/uring/ring.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::posix::uring {
namespace {

/// What is asked for, with the sizes that it comes to. Errors: Invalid.
Answer<> settle(std::uint32_t entries, Params& params) {
  using namespace setup;
  const auto has = [&](std::uint32_t flag) { return (params.flags & flag) != 0; };
  if ((params.flags & ~kKnown) != 0) return fail(Errno::Invalid);
  for (const auto word : params.reserved) {
    if (word != 0) return fail(Errno::Invalid);
  }
  if (has(kTaskRunFlag) && !has(kCoopTaskRun | kDeferTaskRun)) return fail(Errno::Invalid);
  if (has(kDeferTaskRun) && !has(kSingleIssuer)) return fail(Errno::Invalid);
  if (entries == 0 || (entries > kSqEntriesMost && !has(kClamp))) return fail(Errno::Invalid);
  params.sq_entries = std::bit_ceil(std::min(entries, kSqEntriesMost));
  if (!has(kCqSize)) {
    params.cq_entries = 2 * params.sq_entries;
    return {};
  }
  if (params.cq_entries == 0 || (params.cq_entries > kCqEntriesMost && !has(kClamp))) {
    return fail(Errno::Invalid);
  }
  params.cq_entries = std::bit_ceil(std::min(params.cq_entries, kCqEntriesMost));
  return params.cq_entries < params.sq_entries ? fail(Errno::Invalid) : Answer<>();
}

/// Takes `count` at once, or nothing.
bool take_all(poll::Quota& quota, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (quota.take()) continue;
    while (i-- != 0) quota.give();
    return false;
  }
  return true;
}

}  // namespace

Answer<Ref<Ring>> Ring::make(poll::Services& services, Frames& frames, Quotas& quotas, std::uint32_t entries,
                             Params& params, const Submitter& by) {
  FB_TRY(settle(entries, params));
  FB_ASSIGN(auto memory, RingMemory::make(frames, params.sq_entries, params.cq_entries,
                                          (params.flags & setup::kNoSqArray) == 0));
  if (!quotas.rings.take()) return fail(Errno::TooManyFilesInSystem);
  const auto pages = memory.pages().raw();
  if (!take_all(quotas.pages, pages)) {
    quotas.rings.give();
    return fail(Errno::NoMemory);
  }
  memory.describe(params);
  params.features = kFeatures;
  auto made = make_shared<Ring>(services, quotas, std::move(memory), params);
  if (!made) {
    quotas.rings.give();
    for (std::uint64_t i = 0; i < pages; ++i) quotas.pages.give();
    return made;
  }
  constexpr auto kFirstIsOnly = setup::kSingleIssuer | setup::kDisabled;
  if ((params.flags & kFirstIsOnly) == setup::kSingleIssuer) (*made)->only_ = &by;
  return made;
}

Ring::Ring(poll::Services& services, Quotas& quotas, RingMemory memory, const Params& params)
    : EventFile(vfs::flag::kReadWrite),
      services_(services),
      quotas_(quotas),
      memory_(std::move(memory)),
      flags_(params.flags),
      enabled_((params.flags & setup::kDisabled) == 0) {}

Ring::~Ring() {
  // Files that end with their requests wake others: nobody listens any more.
  for (Request& request : all_) request.leave();
  while (Request* const request = all_.pop_front()) {
    services_.alarms.cancel(*request);
    runnable_.remove(*request);
    if (request->state == Request::State::Working) {
      request->owner = nullptr;
      request->patience.end();
      continue;
    }
    if (request->state != Request::State::Done) request->submitter->remove(*request);
    quotas_.requests.give();
    delete request;
  }
  services_.alarms.cancel(*this);
  quotas_.rings.give();
  for (std::uint64_t i = 0; i < memory_.pages().raw(); ++i) quotas_.pages.give();
}

Answer<> Ring::set_mapping(mm::MapRequest& request) const {
  // As under Linux, an offset says which memory, and not where in it.
  constexpr std::uint64_t kWhich = 0xf800'0000;
  request.backing = memory_.at(request.offset.raw() & kWhich, request.length.raw());
  if (!request.backing) return fail(Errno::Invalid);
  request.offset = {};
  return {};
}

vfs::PollState Ring::poll() {
  vfs::PollState state{.events = 0, .queues = {&polled_, nullptr}};
  if (!memory_.full()) state.events |= vfs::poll::kOut | vfs::poll::kWriteNormal;
  if (memory_.completions() != 0 || !backlog_.empty()) {
    state.events |= vfs::poll::kIn | vfs::poll::kReadNormal;
  }
  return state;
}

Answer<> Ring::wait(const Submitter& by, std::uint32_t least, vfs::Waiter& waiter,
                    core::Nanoseconds deadline) {
  if (!enabled_) return fail(Errno::BadState);
  if ((flags_ & setup::kDeferTaskRun) != 0 && only_ != &by) return fail(Errno::Exists);
  least = std::min(least, memory_.cq_entries());
  for (;;) {
    flush();
    if (memory_.completions() >= least) return {};
    const auto woken = waiter.wait(waiting_, deadline);
    if (woken) continue;
    flush();
    if (memory_.completions() >= least) return {};
    if (woken.error() == Errno::TimedOut) return fail(Errno::TimerExpired);
    return memory_.completions() != 0 ? Answer<>() : fail(Errno::Interrupted);
  }
}

}  // namespace fb::libos::posix::uring
