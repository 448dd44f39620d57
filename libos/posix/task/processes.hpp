// All processes of an instance, by number.
#pragma once

#include <memory>

#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

class Processes {
 public:
  /// A new one, not open yet; its number is free. Errors: NoMemory, TryAgain when there are too many.
  Answer<Process*> make(System& system, Pid parent, const Ref<vfs::Inode>& root);
  /// It and its number go; nobody refers to it any more.
  void remove(const Process& process);
  /// Tells its parent, and leaves its children to nobody.
  void ended(Process& process);

  /// A child of `parent`: with this number, or any when that is -1; null: there is none. An ended one first.
  [[nodiscard]] Process* child(Pid parent, std::int32_t wanted);
  [[nodiscard]] std::size_t count() const { return all_.size(); }

 private:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::int32_t kLargest = 32'767;
  [[nodiscard]] Process* find(Pid pid);

  Vector<std::unique_ptr<Process>> all_;
  std::int32_t last_ = 0;
};

}  // namespace fb::libos::posix::task
