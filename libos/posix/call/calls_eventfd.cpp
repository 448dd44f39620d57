// Files of events: eventfd(2), timerfd_create(2), inotify(7) (C4.18).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/poll/event_count.hpp"
#include "libos/posix/poll/inotify.hpp"
#include "libos/posix/poll/timer_file.hpp"

namespace fb::libos::posix::call {
namespace {

Done open(Call& call, const Answer<Ref<vfs::File>>& file, std::uint32_t flags) {
  if (!file) return fail(file.error());
  FB_ASSIGN(const auto number, call.process.descriptors.add(*file, (flags & vfs::flag::kCloseOnExec) != 0));
  return static_cast<std::uint64_t>(number);
}

/// What argument 0 names, which is a T. Errors: BadDescriptor, Invalid.
template <class T>
Answer<Ref<T>> opened(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  T* const its = vfs::file_as<T>(*file);
  if (its == nullptr) return fail(Errno::Invalid);
  return Ref<T>(*its);
}

Done make_event_count(Call& call, std::uint32_t flags) {
  return open(call, poll::make_event_count(call.word32(0), flags), flags);
}
Done make_inotify(Call& call, std::uint32_t flags) {
  return open(call, poll::make_inotify(call.process.system.events, flags), flags);
}

}  // namespace

Done do_eventfd(Call& call) { return make_event_count(call, 0); }
Done do_eventfd2(Call& call) { return make_event_count(call, call.word32(1)); }

Done do_timerfd_create(Call& call) {
  return open(call, poll::make_timer(call.process.system.events, call.word32(0), call.word32(1)),
              call.word32(1));
}

Done do_timerfd_settime(Call& call) {
  FB_ASSIGN(const auto setting, call.get<poll::TimerSetting>(call.address(2)));
  FB_ASSIGN(const auto timer, opened<poll::TimerFile>(call));
  FB_ASSIGN(const auto before, timer->set(call.word32(1), setting));
  if (call.word(3) != 0) FB_TRY(call.put(call.address(3), before));
  return 0;
}

Done do_timerfd_gettime(Call& call) {
  FB_ASSIGN(const auto timer, opened<poll::TimerFile>(call));
  FB_TRY(call.put(call.address(1), timer->setting()));
  return 0;
}

Done do_inotify_init(Call& call) { return make_inotify(call, 0); }
Done do_inotify_init1(Call& call) { return make_inotify(call, call.word32(0)); }

Done do_inotify_add_watch(Call& call) {
  const auto mask = call.word32(2);
  FB_TRY(poll::Inotify::check(mask));
  FB_ASSIGN(const auto watcher, opened<poll::Inotify>(call));
  FB_ASSIGN(const auto path, call.path(1));
  const bool follow = (mask & poll::inotify::kDontFollow) == 0;
  FB_ASSIGN(const auto inode, resolve_at(call, vfs::at::kWorkingDirectory, view(path), follow));
  if ((mask & poll::inotify::kOnlyDirectory) != 0 && !inode->is_directory()) return fail(Errno::NotDirectory);
  FB_TRY(vfs::check_access(inode->attributes(), call.process.place().who, vfs::Want::Read));
  FB_ASSIGN(const auto watch, watcher->add(*inode, mask));
  return static_cast<std::uint64_t>(watch);
}

Done do_inotify_rm_watch(Call& call) {
  FB_ASSIGN(const auto watcher, opened<poll::Inotify>(call));
  FB_TRY(watcher->remove(call.number32(1)));
  return 0;
}

}  // namespace fb::libos::posix::call
