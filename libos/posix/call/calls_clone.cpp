// Processes and threads that make others (clone(2), fork(2), vfork(2); C4.01, C4.03).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/pid_file.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

enum CloneFlag : std::uint64_t {
  kExitSignal = 0xff,
  kMemory = 0x100,
  kFileSystem = 0x200,
  kFiles = 0x400,
  kSignalHandlers = 0x800,
  kPidFile = 0x1000,
  kVfork = 0x4000,
  kSameParent = 0x8000,
  kThread = 0x1'0000,
  kSystemV = 0x4'0000,
  kThreadPointer = 0x8'0000,
  kParentSetTid = 0x10'0000,
  kChildClearTid = 0x20'0000,
  kDetached = 0x40'0000,
  kChildSetTid = 0x100'0000,
  kClearHandlers = 0x1'0000'0000,
};

/// What clone and clone3 come to.
struct Clone {
  std::uint64_t flags = 0;  ///< without the exit signal
  std::uint32_t exit_signal = 0;
  core::VirtAddr stack{}, parent_tid{}, child_tid{}, thread_pointer{}, pid_file{};
};

Answer<> check(const Clone& clone) {
  constexpr std::uint64_t kKnown = kMemory | kFileSystem | kFiles | kSignalHandlers | kVfork | kSameParent |
                                   kThread | kSystemV | kThreadPointer | kParentSetTid | kChildClearTid |
                                   kDetached | kChildSetTid | kClearHandlers | kPidFile;
  const auto has = [&](std::uint64_t flags) { return (clone.flags & flags) == flags; };
  if ((clone.flags & ~kKnown) != 0) return fail(Errno::Invalid);
  if (has(kThread) && !has(kSignalHandlers)) return fail(Errno::Invalid);
  if (has(kSignalHandlers) && !has(kMemory)) return fail(Errno::Invalid);
  if (has(kSignalHandlers | kClearHandlers)) return fail(Errno::Invalid);
  if (has(kPidFile) && ((clone.flags & (kThread | kDetached)) != 0 ||
                        (has(kParentSetTid) && clone.pid_file == clone.parent_tid))) {
    return fail(Errno::Invalid);
  }
  // Descriptors, directories and handlers are a process's: what shares some of them and is no thread is not made.
  constexpr std::uint64_t kOfProcess = kFileSystem | kFiles | kSignalHandlers;
  if (!has(kThread) && (clone.flags & kOfProcess) != 0 && !has(kVfork)) return fail(Errno::NoCall);
  if (clone.exit_signal > static_cast<std::uint32_t>(signal::Signal::Last)) return fail(Errno::Invalid);
  if (clone.thread_pointer.raw() >= core::kUserEnd) return fail(Errno::Perm);
  return {};
}

/// Errors: TryAgain, NoMemory.
Answer<task::Thread*> make_thread(Call& call, const Clone& clone) {
  auto& process = call.process;
  FB_ASSIGN(const auto tid, process.system.processes.new_tid());
  FB_ASSIGN(task::Thread* const made, process.add_thread(tid));
  if (const auto copied = made->copy(call.thread, clone.stack); !copied) {
    process.drop_thread(*made);
    return fail(copied.error());
  }
  return made;
}

Answer<task::Thread*> make_process(Call& call, const Clone& clone) {
  auto& from = call.process;
  auto& processes = from.system.processes;
  const auto parent = (clone.flags & kSameParent) != 0 ? from.parent : from.pid;
  FB_ASSIGN(task::Process* const child, processes.make(from.system, parent, from.root));
  const auto copied = child->copy(call.thread, clone.stack, (clone.flags & kMemory) != 0);
  if (!copied) {
    processes.remove(*child);
    return fail(copied.error());
  }
  if ((clone.flags & kMemory) != 0 && (clone.flags & kVfork) == 0) (*copied)->alternate = {};
  child->exit_signal = clone.exit_signal;
  if ((clone.flags & kClearHandlers) != 0) child->actions.reset_handlers();
  return copied;
}

void discard(task::Thread& made, bool is_thread) {
  auto& process = made.process;
  is_thread ? process.drop_thread(made) : process.system.processes.remove(process);
}

/// A descriptor of the child, whose number the caller finds where it asked for it. Errors: TooManyFiles, NoMemory, Fault.
Answer<vfs::Descriptor> follow(Call& call, task::Process& child, core::VirtAddr tell) {
  FB_ASSIGN(const auto file, task::PidFile::make(child, 0));
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, true));
  if (const auto told = call.put(tell, number); !told) {
    static_cast<void>(call.process.descriptors.close(number));
    return fail(told.error());
  }
  return number;
}

/// The parent of vfork sleeps, whatever comes but its end.
void wait_for_memory(Call& call, const Ref<task::Vfork>& vfork) {
  task::FibreWaiter waiter(call.process.system.fibres);
  while (!vfork->done && !call.process.ended && !call.thread.ending) {
    const vfs::QueuedWaiter for_child(waiter, vfork->over), for_own_end(waiter, call.process.changed);
    static_cast<void>(waiter.sleep(vfs::kForever));
  }
}

Done do_it(Call& call, const Clone& clone) {
  FB_TRY(check(clone));
  FB_TRY(call.process.system.processes.may_grow(call.process));
  const bool is_thread = (clone.flags & kThread) != 0;
  FB_ASSIGN(task::Thread* const made, is_thread ? make_thread(call, clone) : make_process(call, clone));
  const auto tid = made->tid;
  auto& child = made->process;
  if ((clone.flags & kThreadPointer) != 0) made->context.frame().fs_base = clone.thread_pointer.raw();
  if ((clone.flags & kChildClearTid) != 0) made->clear_tid = clone.child_tid;
  if ((clone.flags & kChildSetTid) != 0)
    static_cast<void>(child.memory().write(clone.child_tid, std::as_bytes(std::span(&tid, 1))));
  if ((clone.flags & kParentSetTid) != 0) {
    if (const auto told = call.put(clone.parent_tid, tid); !told) {
      discard(*made, is_thread);
      return fail(told.error());
    }
  }
  Ref<task::Vfork> vfork;
  if ((clone.flags & kVfork) != 0 && !is_thread) {
    auto waits = make_shared<task::Vfork>();
    if (!waits) {
      discard(*made, is_thread);
      return fail(waits.error());
    }
    vfork = child.vfork = *waits;
  }
  std::optional<vfs::Descriptor> followed_by;
  if ((clone.flags & kPidFile) != 0) {
    const auto number = follow(call, child, clone.pid_file);
    if (!number) {
      discard(*made, is_thread);
      return fail(number.error());
    }
    followed_by = *number;
  }
  if (const auto started = call.process.system.starter.start(*made); !started) {
    if (followed_by) static_cast<void>(call.process.descriptors.close(*followed_by));
    discard(*made, is_thread);
    return fail(started.error());
  }
  if (vfork) wait_for_memory(call, vfork);
  return static_cast<std::uint64_t>(tid.raw());
}

constexpr auto kChild = static_cast<std::uint32_t>(signal::Signal::Child);

/// struct clone_args, as far as it is known here.
struct CloneArguments {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, thread_pointer;
  std::uint64_t set_tid, set_tid_size, cgroup;
};

}  // namespace

Done do_fork(Call& call) { return do_it(call, {.exit_signal = kChild}); }
Done do_vfork(Call& call) { return do_it(call, {.flags = kMemory | kVfork, .exit_signal = kChild}); }

Done do_clone(Call& call) {
  return do_it(call, {.flags = call.word32(0) & ~std::uint64_t{kExitSignal},
                      .exit_signal = call.word32(0) & static_cast<std::uint32_t>(kExitSignal),
                      .stack = call.address(1),
                      .parent_tid = call.address(2),
                      .child_tid = call.address(3),
                      .thread_pointer = call.address(4),
                      .pid_file = call.address(2)});
}

Done do_clone3(Call& call) {
  constexpr std::uint64_t kLeast = 64, kPage = core::kPageSize;
  const auto size = call.word(1);
  if (size < kLeast) return fail(Errno::Invalid);
  if (size > kPage) return fail(Errno::ArgumentsTooLong);
  CloneArguments its{};
  const auto known = std::min<std::uint64_t>(size, sizeof its);
  FB_TRY(call.memory().read(call.address(0), std::as_writable_bytes(std::span(&its, 1)).first(known)));
  for (auto i = known; i < size; i += 8) {
    FB_ASSIGN(const auto word, call.get<std::uint64_t>(call.address(0) + core::ByteCount(i)));
    if (word != 0) return fail(Errno::ArgumentsTooLong);
  }
  if (its.set_tid_size != 0 || its.cgroup != 0) return fail(Errno::Perm);
  if ((its.flags & (kExitSignal | kDetached)) != 0) return fail(Errno::Invalid);
  if ((its.stack == 0) != (its.stack_size == 0)) return fail(Errno::Invalid);
  if ((its.flags & kThread) != 0 && its.exit_signal != 0) return fail(Errno::Invalid);
  return do_it(
      call, {.flags = its.flags,
             .exit_signal = static_cast<std::uint32_t>(std::min<std::uint64_t>(its.exit_signal, kExitSignal)),
             .stack = core::VirtAddr(its.stack + its.stack_size),
             .parent_tid = core::VirtAddr(its.parent_tid),
             .child_tid = core::VirtAddr(its.child_tid),
             .thread_pointer = core::VirtAddr(its.thread_pointer),
             .pid_file = core::VirtAddr(its.pidfd)});
}

}  // namespace fb::libos::posix::call
