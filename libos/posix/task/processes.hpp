// All processes of an instance, by number.
#pragma once

#include <memory>

#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

class Processes {
 public:
  /// A new one, not open yet; its number is free. Errors: NoMemory, TryAgain when there are too many.
  Answer<Process*> make(System& system, Pid parent, const Ref<vfs::Inode>& root);
  /// A number for a thread that is not a process's first. Errors: TryAgain.
  Answer<Pid> new_tid();
  /// Whether `process` may make one more thread or process: its user has fewer than RLIMIT_NPROC, or it is root. Errors:
  /// TryAgain.
  [[nodiscard]] Answer<> may_grow(const Process& process) const;
  /// Signals that wait for processes of the user `user` with what was sent along (RLIMIT_SIGPENDING).
  [[nodiscard]] std::size_t signals_of(std::uint32_t user) const;
  /// It and its number go; nobody refers to it any more.
  void remove(const Process& process);
  /// Its children are nobody's, and groups that nobody looks after any more go on (POSIX.1-2024, _exit).
  void ended(Process& process);

  [[nodiscard]] Process* find(Pid pid) const;
  [[nodiscard]] Thread* find_thread(Pid tid) const;
  [[nodiscard]] std::span<const std::unique_ptr<Process>> all() const { return all_.view(); }
  [[nodiscard]] bool has_group(Pid group, Pid session) const;
  /// No member has a parent in another group of the session: nobody would continue it.
  [[nodiscard]] bool orphaned(Pid group, Pid session) const;
  /// HangUp to a group, and Continue to those of it that are stopped: nobody else would look after them any more.
  void hang_up(Pid group) const;
  [[nodiscard]] std::size_t count() const { return all_.size(); }

  /// The instance's program, how it ended, and who is woken by that.
  Pid first{};
  std::optional<End> first_end;
  vfs::WaitQueue first_ended;

  static constexpr std::size_t kMost = 1024;

 private:
  static constexpr std::int32_t kLargest = 32'767;
  [[nodiscard]] bool taken(Pid number) const;
  Pid next_number();
  /// When `link` is no longer `member`'s parent, or `member` has ended: stopped members of a group that thereby has nobody
  /// outside of it any more get HangUp and Continue.
  void release_group(const Process& member, const Process* link);
  /// Whose its children become: of an ancestor that asked for it, or nobody's.
  [[nodiscard]] Pid reaper_of(const Process& process) const;

  Vector<std::unique_ptr<Process>> all_;
  std::int32_t last_ = kInit.raw();
};

}  // namespace fb::libos::posix::task
