#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::task {

Process* Processes::find(Pid pid) {
  for (auto& process : all_) {
    if (process->pid == pid) return process.get();
  }
  return nullptr;
}

Answer<Process*> Processes::make(System& system, Pid parent, const Ref<vfs::Inode>& root) {
  if (all_.size() == kMost) return fail(Errno::TryAgain);
  do last_ = last_ == kLargest ? 2 : last_ + 1;
  while (find(Pid(last_)) != nullptr);
  std::unique_ptr<Process> made(new (std::nothrow) Process(system, Pid(last_), parent, root));
  if (!made) return fail(Errno::NoMemory);
  Process* const process = made.get();
  FB_TRY(all_.push_back(std::move(made)));
  return process;
}

void Processes::remove(const Process& process) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].get() == &process) return all_.erase(i);
  }
}

void Processes::ended(Process& process) {
  for (std::size_t i = 0; i < all_.size();) {
    Process& child = *all_[i];
    if (child.parent != process.pid) {
      ++i;
      continue;
    }
    child.parent = Pid(0);
    child.finished ? all_.erase(i) : static_cast<void>(++i);
  }
  if (Process* const parent = find(process.parent)) parent->child_ended.wake_all();
}

Process* Processes::child(Pid parent, std::int32_t wanted) {
  Process* some = nullptr;
  for (auto& process : all_) {
    if (process->parent != parent || (wanted != -1 && process->pid != Pid(wanted))) continue;
    if (process->finished) return process.get();
    some = process.get();
  }
  return some;
}

}  // namespace fb::libos::posix::task
