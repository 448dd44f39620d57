#include "libos/posix/task/process.hpp"

#include "libos/posix/poll/services.hpp"
#include "libos/posix/task/load_program.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::task {
namespace {

enum Resource : std::size_t { kData = 2, kStack = 3, kFiles = 7, kLocked = 8, kAddressSpace = 9 };

}  // namespace

Process::Process(System& its, Pid number, Pid of, const Ref<vfs::Inode>& files)
    : system(its),
      pid(number),
      parent(of),
      group(number),
      session(number),
      root(files),
      directory(files),
      timers(its.events.alarms, *this),
      started(rt::now()) {
  limits[kStack].soft = mm::Limits{}.stack.raw();
  limits[kNice] = limits[kPriority] = {.soft = 0, .hard = 0};
  limits[kProcesses] = {.soft = Processes::kMost / 2, .hard = Processes::kMost / 2};
  limits[kPendingSignals] = {.soft = signal::Queue::kMost, .hard = signal::Queue::kMost};
  limits[kFiles] = {.soft = vfs::Descriptors::kLimit, .hard = vfs::Descriptors::kLimitMost};
}

Process::~Process() {
  if (!life_) return;
  life_->process = nullptr;
  life_->ended.wake_all();
}

Answer<Ref<Life>> Process::followed() {
  if (!life_) {
    FB_ASSIGN(life_, make_shared<Life>(*this));
  }
  return life_;
}

mm::Limits Process::memory_limits() const {
  return {
      .address_space = core::ByteCount(limits[kAddressSpace].soft),
      .stack = core::ByteCount(limits[kStack].soft),
      .data = core::ByteCount(limits[kData].soft),
      .locked = core::ByteCount(credentials.user.effective == 0 ? ~std::uint64_t{0} : limits[kLocked].soft)};
}

bool Process::may_change(const Process& by, const Process& of) {
  const auto same = [](std::uint32_t id, const Ids& ids) {
    return id == ids.real && id == ids.effective && id == ids.saved;
  };
  if (by.credentials.user.effective == 0) return true;
  return same(by.credentials.user.real, of.credentials.user) &&
         same(by.credentials.group.real, of.credentials.group);
}

Answer<Thread*> Process::open() {
  FB_ASSIGN(arrival, make_shared<SignalArrival>());
  FB_ASSIGN(memory_, Memory::make(system, memory_limits()));
  FB_ASSIGN(Thread* const thread, add_thread(pid));
  FB_TRY(thread->open());
  return thread;
}

Answer<Thread*> Process::add_thread(Pid tid) {
  if (threads_.size() == kMostThreads) return fail(Errno::TryAgain);
  std::unique_ptr<Thread> made(new (std::nothrow) Thread(*this, tid));
  if (!made) return fail(Errno::NoMemory);
  Thread* const thread = made.get();
  FB_TRY(threads_.push_back(std::move(made)));
  return thread;
}

void Process::drop_thread(const Thread& thread) {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    if (threads_[i].get() == &thread) return threads_.erase(i);
  }
}

Answer<Thread*> Process::copy(Thread& other, core::VirtAddr stack, bool share) {
  Process& from = other.process;
  FB_ASSIGN(arrival, make_shared<SignalArrival>());
  if (share) {
    memory_ = from.memory_;
  } else {
    // The first that both do is to return, and the library to note who is who.
    const auto& frame = other.context.frame();
    const std::array written{stack == core::VirtAddr(0) ? core::VirtAddr(frame.rsp - 1) : stack,
                             core::VirtAddr(frame.fs_base)};
    FB_ASSIGN(memory_, from.memory_->copy(system, written));
  }
  group = from.group;
  session = from.session;
  directory = from.directory;
  program = from.program;
  terminal = from.terminal;
  umask = from.umask;
  credentials = from.credentials;
  control.dumpable = from.control.dumpable;
  control.no_new_privileges = from.control.no_new_privileges;
  limits = from.limits;
  actions = from.actions;
  FB_ASSIGN(descriptors, from.descriptors.copy());
  FB_ASSIGN(Thread* const thread, add_thread(pid));
  FB_TRY(thread->copy(other, stack));
  thread->alternate = other.alternate;
  return thread;
}

Answer<> Process::execute(Thread& thread, std::string_view path, const exec::StartText& text,
                          vfs::Waiter& waiter) {
  FB_ASSIGN(auto fresh, Memory::make(system, memory_limits()));
  FB_ASSIGN(
      const auto loaded,
      load_program(
          {.system = system, .place = place(), .ids = credentials, .may_gain = !control.no_new_privileges},
          fresh->space(), path, text));
  FB_TRY(become_single(thread, waiter));
  thread.end_submissions();
  FB_TRY(thread.context.set_space(fresh->cap()));
  static_cast<void>(system.vector.clear(thread.context));  // else it begins with what it had itself
  thread.context.frame() = {};

  give_memory_back();
  memory_ = std::move(fresh);
  program = loaded.program;
  credentials = loaded.ids;
  thread.tid = pid;
  thread.clear_tid = thread.robust_list = core::VirtAddr(0);
  thread.alternate = {};
  thread.name = loaded.name;
  actions.reset_handlers();
  timers.remove_all();
  executed = true;
  auto& frame = thread.context.frame();
  frame.rip = loaded.start.entry.raw();
  frame.rsp = loaded.start.stack.raw();
  thread.context.resume_from_frame();
  return {};
}

Answer<> Process::become_single(Thread& thread, vfs::Waiter& waiter) {
  for (const auto& other : threads_) {
    if (other.get() == &thread) continue;
    other->ending = true;
    other->interrupt();
  }
  changed.wake_all();  // those that are stopped, too
  while (threads_.size() > 1) {
    const auto gone = waiter.wait(changed);
    if (!gone && (thread.ending || ended)) return gone;
  }
  return {};
}

void Process::interrupt_all() const {
  for (const auto& thread : threads_) thread->interrupt();
}

void Process::end(End how) {
  if (!ended) ended = how;
  changed.wake_all();
  interrupt_all();
}

void Process::stop(signal::Signal signal) {
  stop_signal = signal;
  change = Change::Stopped;
  interrupt_all();
  tell_parent();
}

void Process::resume() {
  if (!stopped()) return;
  stop_signal = {};
  change = Change::Continued;
  changed.wake_all();
  tell_parent();
}

core::Ticks Process::ticks() const {
  core::Ticks sum = gone_ticks_;
  for (const auto& thread : threads_) sum += thread->ticks();
  return sum;
}

void Process::leave(Thread& thread) {
  gone_ticks_ += thread.ticks();
  release_words(thread);
  if (threads_.size() == 1 && session == pid) give_session_up();
  if (thread.fibre != nullptr) thread.fibre->owner = nullptr;  // nobody asks whose call it is any more
  drop_thread(thread);
  if (threads_.empty()) finish();
  changed.wake_all();
}

void Process::give_session_up() {
  tty::end_of_caller(system.jobs);
  if (owed == Pid(0)) return;
  system.processes.hang_up(owed);
}

void Process::give_memory_back() {
  if (vfork) {
    vfork->done = true;
    vfork->over.wake_all();
    vfork.reset();
  }
  memory_.reset();
}

void Process::finish() {
  give_memory_back();
  descriptors.close_all();
  timers.stop_all();
  system.ipc.semaphores.exited(pid.raw());
  terminal.reset();
  if (!ended) ended = End::exited(0);
  finished = true;
  system.processes.ended(*this);
  tell_parent();
  if (life_) life_->ended.wake_all();
}

void Process::tell_parent() {
  Process* const its = system.processes.find(parent);
  if (its == nullptr) return;
  const auto& action = its->actions.of(signal::Signal::Child);
  auto info = signal::Info::from(signal::Signal::Child, 0, pid.raw(), credentials.user.real);
  if (finished) {
    info.code = ended->by_signal() ? signal::code::kChildKilled : signal::code::kChildExited;
    info.payload[1] = static_cast<std::uint32_t>(ended->value());
    info.number = static_cast<std::int32_t>(exit_signal);
  } else {
    const auto status = stopped() ? stop_signal : signal::Signal::Continue;
    info.code = stopped() ? signal::code::kChildStopped : signal::code::kChildContinued;
    info.payload[1] = static_cast<std::uint32_t>(status);
  }
  const bool silent = !finished && (action.flags & signal::action::kNoChildStop) != 0;
  if (!silent && info.number != 0) static_cast<void>(send(*its, info));
  its->child_changed.wake_all();
}

bool Process::nobody_waits() const {
  const Process* const its = system.processes.find(parent);
  if (its == nullptr) return true;
  if (exit_signal != static_cast<std::uint32_t>(signal::Signal::Child)) return false;
  const auto& action = its->actions.of(signal::Signal::Child);
  return action.handler == signal::action::kIgnore || (action.flags & signal::action::kNoChildWait) != 0;
}

}  // namespace fb::libos::posix::task
