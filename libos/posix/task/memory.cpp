#include "libos/posix/task/memory.hpp"

namespace fb::libos::posix::task {

Answer<Ref<Memory>> Memory::make(System& system, const mm::Limits& limits) {
  FB_ASSIGN(auto made, make_shared<Memory>(system));
  FB_TRY(made->tables_.open());
  made->space_.emplace(system.frames, made->tables_, limits);
  return made;
}

Answer<Ref<Memory>> Memory::copy(System& system, std::span<const core::VirtAddr> written) {
  FB_ASSIGN(auto made, make_shared<Memory>(system));
  FB_TRY(made->tables_.open());
  FB_ASSIGN(auto space, space_->fork(made->tables_, written));
  made->space_.emplace(std::move(space));
  return made;
}

}  // namespace fb::libos::posix::task
