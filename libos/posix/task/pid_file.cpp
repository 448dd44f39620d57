#include "libos/posix/task/pid_file.hpp"

namespace fb::libos::posix::task {

Answer<Ref<vfs::File>> PidFile::make(Process& process, std::uint32_t flags) {
  FB_ASSIGN(const auto life, process.followed());
  FB_ASSIGN(const auto made, make_shared<PidFile>(life, flags | vfs::flag::kReadWrite));
  return made;
}

vfs::PollState PidFile::poll() {
  constexpr auto kEnded = vfs::poll::kIn | vfs::poll::kReadNormal;
  std::uint32_t events = 0;
  if (life_->process == nullptr)
    events = kEnded | vfs::poll::kHangUp;
  else if (life_->process->finished)
    events = kEnded;
  return {.events = events, .queues = {&life_->ended, nullptr}};
}

std::optional<std::int32_t> PidFile::named_process() const {
  return life_->process == nullptr ? -1 : life_->process->pid.raw();
}

}  // namespace fb::libos::posix::task
