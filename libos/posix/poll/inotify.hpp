// inotify(7): what happens to files, as something to read.
#pragma once

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/poll/event_file.hpp"
#include "libos/posix/poll/services.hpp"

namespace fb::libos::posix::poll {

/// Watches keep no inode: one that ends says so. What happens through a file that was opened before its directory was watched
/// is told to watches of the file only.
class Inotify final : public EventFile {
 public:
  static constexpr char kAnonymousName[] = "inotify";
  static constexpr std::uint32_t kEventsMost = 16384;  ///< /proc/sys/fs/inotify/max_queued_events

  /// `services` outlives it; one of its instances is this one's.
  Inotify(Services& services, std::uint32_t flags)
      : EventFile(flags | vfs::flag::kRead), services_(services) {}
  ~Inotify() override;

  /// inotify_add_watch's mask. Errors: Invalid.
  [[nodiscard]] static Answer<> check(std::uint32_t mask);
  /// The number of the watch, which may have been there. `mask` has been checked. Errors: Exists with kMaskCreate, NoSpace,
  /// NoMemory.
  Answer<std::int32_t> add(vfs::Inode& inode, std::uint32_t mask);
  /// Errors: Invalid.
  Answer<> remove(std::int32_t watch);

  [[nodiscard]] vfs::PollState poll() override;
  Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument,
                              vfs::IoctlCaller& caller) override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }

 private:
  class Watch;
  struct Event {
    inotify::Record head;
    vfs::String name;
    core::list::ListLink link{};
  };

  [[nodiscard]] std::size_t position(std::int32_t watch) const;
  void drop(Watch& watch);
  void queue(std::int32_t watch, std::uint32_t mask, std::string_view name = {}, std::uint32_t cookie = 0);
  Answer<Event*> make_event(const inotify::Record& head, std::string_view name);
  void append(Event& event);
  void overflow();
  /// The oldest, off the queue.
  Event& pop();
  void destroy(Event& event);
  static Answer<> put(vfs::Output& out, const Event& event);
  /// Whole events. Errors: Invalid when not one fits, TryAgain, Restart, Fault.
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;

  Services& services_;
  Vector<Watch*> watches_;  ///< by number
  std::int32_t last_watch_ = 0;
  core::list::List<Event, &Event::link> events_;
  Event* newest_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint64_t bytes_ = 0;  ///< that they take when they are read
  Event overflow_{.head = {.watch = -1, .mask = inotify::kOverflow, .cookie = 0, .length = 0}, .name = {}};
  vfs::WaitQueue to_read_;
};

/// inotify_init1. Errors: Invalid for unknown flags, TooManyFiles, NoMemory.
Answer<Ref<vfs::File>> make_inotify(Services& services, std::uint32_t flags);

}  // namespace fb::libos::posix::poll
