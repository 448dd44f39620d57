#include "libos/posix/task/processes.hpp"

#include <algorithm>

#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::task {

Process* Processes::find(Pid pid) const {
  for (const auto& process : all_) {
    if (process->pid == pid) return process.get();
  }
  return nullptr;
}

Thread* Processes::find_thread(Pid tid) const {
  for (const auto& process : all_) {
    for (const auto& thread : process->threads()) {
      if (thread->tid == tid) return thread.get();
    }
  }
  return nullptr;
}

bool Processes::taken(Pid number) const {
  return std::ranges::any_of(all_, [&](const auto& process) {
    return process->pid == number || process->group == number || process->session == number ||
           std::ranges::any_of(process->threads(), [&](const auto& thread) { return thread->tid == number; });
  });
}

Pid Processes::next_number() {
  do last_ = last_ == kLargest ? kInit.raw() + 1 : last_ + 1;
  while (taken(Pid(last_)));
  return Pid(last_);
}

Answer<Process*> Processes::make(System& system, Pid parent, const Ref<vfs::Inode>& root) {
  if (all_.size() == kMost) return fail(Errno::TryAgain);
  std::unique_ptr<Process> made(new (std::nothrow) Process(system, next_number(), parent, root));
  if (!made) return fail(Errno::NoMemory);
  Process* const process = made.get();
  FB_TRY(all_.push_back(std::move(made)));
  return process;
}

Answer<Pid> Processes::new_tid() {
  std::size_t threads = 0;
  for (const auto& process : all_) threads += process->threads().size();
  if (threads >= kMost) return fail(Errno::TryAgain);
  return next_number();
}

Answer<> Processes::may_grow(const Process& process) const {
  const auto& user = process.credentials.user;
  if (user.effective == 0) return {};
  std::uint64_t has = 0;
  for (const auto& other : all_) {
    // One that has ended counts until its parent has asked for it.
    if (other->credentials.user.real == user.real) has += std::max<std::size_t>(other->threads().size(), 1);
  }
  if (has >= process.limits[Process::kProcesses].soft) return fail(Errno::TryAgain);
  return {};
}

std::size_t Processes::signals_of(std::uint32_t user) const {
  std::size_t count = 0;
  for (const auto& process : all_) {
    if (process->credentials.user.real != user) continue;
    count += process->signals.size();
    for (const auto& thread : process->threads()) count += thread->signals.size();
  }
  return count;
}

void Processes::remove(const Process& process) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].get() == &process) return all_.erase(i);
  }
}

bool Processes::has_group(Pid group, Pid session) const {
  return std::ranges::any_of(
      all_, [&](const auto& process) { return process->group == group && process->session == session; });
}

bool Processes::orphaned(Pid group, Pid session) const {
  // Of a group of many nearly all have the same parent, which is looked for once.
  const Process* parent = nullptr;
  Pid known{};
  return std::ranges::none_of(all_, [&](const auto& process) {
    if (process->group != group || process->finished) return false;
    if (process->parent != known) parent = find(known = process->parent);
    return parent != nullptr && !parent->finished && parent->session == session && parent->group != group;
  });
}

void Processes::release_group(const Process& member, const Process* link) {
  // A group that had nobody before is not told again.
  if (link == nullptr || link->group == member.group || link->session != member.session) return;
  const auto in_group = [&](const auto& process) {
    return process->group == member.group && !process->finished;
  };
  // First what is cheap, and nearly always so: a process with a thousand children ends, and this is asked for each.
  if (std::ranges::none_of(all_,
                           [&](const auto& process) { return in_group(process) && process->stopped(); }))
    return;
  if (orphaned(member.group, member.session)) hang_up(member.group);
}

void Processes::hang_up(Pid group) const {
  for (const auto& process : all_) {
    if (process->group != group || process->finished) continue;
    for (const auto signal : {signal::Signal::HangUp, signal::Signal::Continue})
      static_cast<void>(send(*process, signal::Info::of(signal, signal::code::kKernel)));
  }
}

Pid Processes::reaper_of(const Process& process) const {
  for (const Process* at = find(process.parent); at != nullptr; at = find(at->parent)) {
    if (at->control.subreaper && !at->finished) return at->pid;
  }
  return kInit;
}

void Processes::ended(Process& process) {
  for (std::size_t i = 0; i < all_.size();) {
    Process& child = *all_[i];
    if (child.parent != process.pid) {
      ++i;
      continue;
    }
    child.parent = reaper_of(process);
    release_group(child, &process);
    if (const auto signal = signal::signal_of(child.control.death_signal))
      static_cast<void>(send(child, signal::Info::of(*signal, signal::code::kUser)));
    const bool gone = child.finished && child.parent == kInit;
    gone ? all_.erase(i) : static_cast<void>(++i);
  }
  release_group(process, find(process.parent));
  if (process.pid == first) {
    first_end = process.ended;
    first_ended.wake_all();
  }
}

}  // namespace fb::libos::posix::task
