// One POSIX instance: what its processes share, its files, and the program it runs.
#pragma once

#include <memory>

#include "libos/posix/base/frames.hpp"
#include "libos/posix/console_terminal.hpp"
#include "libos/posix/files.hpp"
#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/machine/pages_source.hpp"
#include "libos/posix/pacemaker.hpp"
#include "libos/posix/poll/services.hpp"
#include "libos/posix/processor_random.hpp"
#include "libos/posix/procfs/mounter.hpp"
#include "libos/posix/runner.hpp"
#include "libos/posix/start_command.hpp"
#include "libos/posix/task/information.hpp"
#include "libos/posix/task/job_control.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/tty/terminal_devices.hpp"
#include "libos/posix/vfs/tmpfs.hpp"
#include "libos/rt/boot_archive.hpp"
#include "libos/rt/team.hpp"

namespace fb::libos::posix {

/// Time since 1970, as programs see it.
class SystemClock final : public vfs::Clock {
 public:
  core::Nanoseconds now() override;
  /// From ring 0 until then.
  void follow(const vdso::ClockPage& page) { page_ = &page; }

 private:
  const vdso::ClockPage* page_ = nullptr;
};

/// The log, behind what programs write.
class ConsoleLog final : public task::Log {
 public:
  explicit ConsoleLog(console::HostConsole& console) : console_(console) {}
  void say(std::string_view line, vfs::Waiter& waiter) override {
    static_cast<void>(console_.write(console::Stream::Log, line, waiter));
  }

 private:
  console::HostConsole& console_;
};

/// Made once, in memory of its own: too large for a stack.
class Instance {
 public:
  /// `memory`: what there is for all of it. Programs and files get it, but for a part that only this LibOS and ring 0 may
  /// use: while a program has all the rest, others can still be ended.
  Instance(exo_ring& ring, core::PageCount memory, rt::Console& console, rt::KernelMachine& machine,
           rt::Fibres& fibres)
      : source_(core::PageCount(memory.raw() / kKept)),
        queue_(machine, ring),
        frames_(source_, static_cast<std::uint32_t>(memory.raw() - memory.raw() / kKept)),
        memory_devices_(random_),
        fibres_(fibres),
        console_(console, fibres) {
    machine.observe(runner_);
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// The root file system (root_files), and what is added to it. Errors: those of both, with what they are about.
  Answer<> prepare_files(const rt::BootArchive& archive, bool with_added, FileFault& fault);
  /// Runs a program to its end and hands out what was wanted; its status, 128 and the signal when a fault ended it. Errors: those
  /// of find_program and Process::execute, and of a walk to its directory.
  Answer<int> run(const StartCommand& command);

 private:
  static constexpr std::uint64_t kKept = 32;  ///< one part of so many
  /// What programs have of the LibOS in their memory. Errors: NoMemory.
  Answer<> prepare_clocks();
  Answer<> prepare_terminals(const StartCommand& command);
  /// Standard input, output and error: the terminal, or plain bytes.
  Answer<> give_descriptors(task::Process& process, const StartCommand& command);
  Answer<> give_terminal(task::Process& process);
  /// The life of the fibre that waits for the first process and ends it all.
  void finish();
  void hand_out(vfs::Waiter& waiter);
  /// The files as root sees them.
  [[nodiscard]] vfs::Place place() const {
    return {.root = files_->root(), .directory = files_->root(), .who = {}, .mounts = mounts_};
  }

  machine::PagesSource source_;
  machine::CallQueue queue_;
  machine::VectorScratch vector_;
  Frames frames_;
  SystemClock clock_;
  ProcessorRandom random_;
  vfs::MemoryDevices memory_devices_;
  vfs::Mounts mounts_;
  rt::Fibres& fibres_;
  FibrePacemaker pacemaker_{fibres_, alarms_};
  poll::Alarms alarms_{pacemaker_};
  poll::Services events_{alarms_, clock_};
  sync::Futexes futexes_;
  socket::Domain sockets_;
  task::Processes processes_;
  task::ProcessJobs jobs_{fibres_, processes_};
  tty::TerminalDevices devices_{jobs_, memory_devices_};
  rt::Team team_{fibres_};
  Runner runner_{queue_, fibres_};
  task::System system_{source_, queue_,   vector_,  frames_, clock_,     random_, devices_, mounts_,
                       fibres_, futexes_, sockets_, jobs_,   processes_, runner_, events_};
  Ref<vfs::Tmpfs> files_;
  std::optional<task::InstanceInformation> information_;
  std::optional<procfs::Mounter> mounter_;
  console::HostConsole console_;
  ConsoleLog log_{console_};
  ConsoleTerminal terminal_{console_, fibres_};
  const StartCommand* command_ = nullptr;  ///< that runs
};

}  // namespace fb::libos::posix
