// A process: threads, memory, descriptors and a place in the file system.
#pragma once

#include <memory>
#include <optional>

#include "libos/posix/exec/load.hpp"
#include "libos/posix/signal/actions.hpp"
#include "libos/posix/task/memory.hpp"
#include "libos/posix/task/thread.hpp"
#include "libos/posix/task/timers.hpp"
#include "libos/posix/tty/terminal.hpp"
#include "libos/posix/vfs/descriptors.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::task {

/// What its parent may wait for besides its end.
enum class Change : std::uint8_t { None, Stopped, Continued };

/// Wakes who waits for a child to have memory of its own again, or none (vfork). Outlives the child.
struct Vfork final : Shared {
  vfs::WaitQueue over;
  bool done = false;
};

/// What prctl sets.
struct Control {
  std::uint32_t death_signal = 0;  ///< when its parent ends
  bool dumpable = true, keep_capabilities = false, subreaper = false, no_new_privileges = false,
       no_huge_pages = false;
  std::uint64_t timer_slack = 50'000;  ///< nanoseconds; kept and told
};

/// Who reads signals from a file hears that one has come. Outlives the process.
struct SignalArrival final : Shared {
  vfs::WaitQueue queue;
};

class Process;
/// Who follows a process by a descriptor hears of its end. Outlives it.
struct Life final : Shared {
  explicit Life(Process& its) : process(&its) {}
  Process* process;  ///< null when nothing of it is left
  vfs::WaitQueue ended;
};

class Process {
 public:
  static constexpr std::size_t kMostThreads = 512;
  static constexpr std::size_t kLimits = 16;                          ///< RLIM_NLIMITS
  static constexpr std::size_t kProcesses = 6, kPendingSignals = 11;  ///< RLIMIT_NPROC, RLIMIT_SIGPENDING
  static constexpr std::size_t kNice = 13, kPriority = 14;            ///< RLIMIT_NICE, RLIMIT_RTPRIO
  struct Limit {
    std::uint64_t soft = ~std::uint64_t{0}, hard = ~std::uint64_t{0};
  };

  Process(System& its, Pid number, Pid of, const Ref<vfs::Inode>& files);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// Its first thread, which has a memory of its own, with nothing in it. Errors: NoMemory.
  Answer<Thread*> open();
  /// A further thread; it is not started. Errors: TryAgain, NoMemory.
  Answer<Thread*> add_thread(Pid tid);
  /// Becomes a copy of the process of `other`; with `share`, in the same memory. Its first thread. Errors: NoMemory.
  Answer<Thread*> copy(Thread& other, core::VirtAddr stack, bool share);
  /// `thread`, as the only one, becomes the program at `path`, with fresh memory and registers. On an error it goes on as
  /// what it was. Errors: of a walk; Access, NotExecutable, ArgumentsTooLong, NoMemory; Restart when it is to end.
  Answer<> execute(Thread& thread, std::string_view path, const exec::StartText& text, vfs::Waiter& waiter);
  /// Ends all threads but `thread` and waits for that. Errors: Restart when this one is to end itself.
  Answer<> become_single(Thread& thread, vfs::Waiter& waiter);

  /// All of it ends, as soon as its threads see it. The first end counts.
  void end(End how);
  /// Stops or goes on; its parent learns it.
  void stop(signal::Signal signal);
  void resume();
  /// `thread`, whose program does not run any more, is gone with this call. The last one takes the process along.
  void leave(Thread& thread);

  [[nodiscard]] Memory& memory_object() { return *memory_; }
  [[nodiscard]] mm::Space& memory() { return memory_->space(); }
  [[nodiscard]] vfs::Place place(const Ref<vfs::Inode>& from) const {
    return {.root = root, .directory = from, .who = credentials.for_files(), .mounts = system.mounts};
  }
  [[nodiscard]] vfs::Place place() const { return place(directory); }
  [[nodiscard]] std::span<const std::unique_ptr<Thread>> threads() const { return threads_.view(); }
  void drop_thread(const Thread& thread);
  /// Its parent will not ask for its end: it can go as soon as it is finished.
  [[nodiscard]] bool nobody_waits() const;
  [[nodiscard]] mm::Limits memory_limits() const;
  /// As prlimit asks: the same user in every respect, or root.
  [[nodiscard]] static bool may_change(const Process& by, const Process& of);
  /// For who follows it; made when it is asked for first. Errors: NoMemory.
  Answer<Ref<Life>> followed();
  /// Whoever is asleep looks whether it is meant.
  void interrupt_all() const;
  [[nodiscard]] bool stopped() const { return stop_signal != signal::Signal{}; }
  /// How long its threads have run, those that are gone too.
  [[nodiscard]] core::Ticks ticks() const;

  System& system;
  const Pid pid;
  Pid parent, group, session;
  Ref<vfs::Inode> root, directory;
  vfs::Target program;  ///< none before the first exec
  vfs::Descriptors descriptors;
  std::uint32_t umask = 022;
  Credentials credentials;
  Control control;
  std::array<Limit, kLimits> limits{};
  signal::Actions actions;
  signal::Queue signals;
  Ref<SignalArrival> arrival;
  Timers timers;
  std::optional<End> ended;
  bool finished = false;         ///< and nothing of it is left but its end
  bool executed = false;         ///< it is another program than its parent made
  vfs::WaitQueue child_changed;  ///< where it waits for its children
  vfs::WaitQueue changed;        ///< stopped and goes on, or a thread has left
  signal::Signal stop_signal{};
  Change change = Change::None;  ///< that the parent has not seen yet
  std::uint32_t exit_signal = static_cast<std::uint32_t>(signal::Signal::Child);
  Ref<Vfork> vfork;
  Ref<tty::Terminal> terminal;  ///< that controls it
  Pid owed;  ///< the group that hears of a terminal's loss when this, the session's leader, ends
  core::Ticks children_ticks{};
  core::Nanoseconds started{};

 private:
  void finish();
  void give_memory_back();
  void give_session_up();
  void tell_parent();

  Ref<Memory> memory_;
  Ref<Life> life_;
  Vector<std::unique_ptr<Thread>> threads_;
  core::Ticks gone_ticks_{};
};

}  // namespace fb::libos::posix::task
