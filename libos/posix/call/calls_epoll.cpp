// epoll(7) (C4.18).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/poll/epoll.hpp"

namespace fb::libos::posix::call {
namespace {

Done make(Call& call, std::uint32_t flags) {
  FB_ASSIGN(const auto file, poll::make_epoll(call.process.system.events, flags));
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, (flags & vfs::flag::kCloseOnExec) != 0));
  return static_cast<std::uint64_t>(number);
}

/// Of argument 0, into arguments 1 and 2. Errors: BadDescriptor, Invalid, Fault, Interrupted.
Done wait_until(Call& call, core::Nanoseconds deadline) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  const auto most = call.number32(2);
  if (most <= 0 || static_cast<std::size_t>(most) > poll::kEpollEventsMost) return fail(Errno::Invalid);
  const auto count = static_cast<std::size_t>(most);
  if (!core::user_range(call.address(1), core::ByteCount(count * sizeof(poll::EpollEvent)))) {
    return fail(Errno::Fault);
  }
  auto* const epoll = vfs::file_as<poll::Epoll>(*file);
  if (epoll == nullptr) return fail(Errno::Invalid);
  ProgramOutput out(call.memory(), call.address(1));
  auto waiter = call.waiter();
  return epoll->wait(out, count, waiter, deadline);
}

/// `time`: milliseconds, for ever when negative.
core::Nanoseconds deadline_for(std::int32_t time) {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  if (time < 0) return vfs::kForever;
  if (time == 0) return core::Nanoseconds(0);
  return after(rt::now(), core::Nanoseconds(static_cast<std::uint64_t>(time) * kMillisecond));
}

}  // namespace

Done do_epoll_create(Call& call) {
  return call.number32(0) <= 0 ? Done(fail(Errno::Invalid)) : make(call, 0);
}
Done do_epoll_create1(Call& call) { return make(call, call.word32(0)); }

Done do_epoll_ctl(Call& call) {
  const auto operation = static_cast<poll::EpollOperation>(call.word32(1));
  poll::EpollEvent event{};
  if (operation != poll::EpollOperation::Delete) {
    FB_ASSIGN(event, call.get<poll::EpollEvent>(call.address(3)));
  }
  const auto& descriptors = call.process.descriptors;
  FB_ASSIGN(const auto file, descriptors.get(call.number32(0)));
  FB_ASSIGN(const auto watched, descriptors.get(call.number32(2)));
  if (file->path_only() || watched->path_only()) return fail(Errno::BadDescriptor);
  auto* const epoll = vfs::file_as<poll::Epoll>(*file);
  if (epoll == nullptr) return fail(watched->pollable() ? Errno::Invalid : Errno::Perm);
  FB_TRY(epoll->control(operation, call.number32(2), *watched, event));
  return 0;
}

Done do_epoll_wait(Call& call) { return wait_until(call, deadline_for(call.number32(3))); }

Done do_epoll_pwait(Call& call) {
  FB_TRY(mask_for_call(call, call.address(4), call.word(5)));
  return wait_until(call, deadline_for(call.number32(3)));
}

Done do_epoll_pwait2(Call& call) {
  auto deadline = vfs::kForever;
  if (call.word(3) != 0) {
    FB_ASSIGN(const auto time, time_at(call, call.address(3)));
    deadline = time == core::Nanoseconds(0) ? time : after(rt::now(), time);
  }
  FB_TRY(mask_for_call(call, call.address(4), call.word(5)));
  return wait_until(call, deadline);
}

}  // namespace fb::libos::posix::call
