#include "libos/posix/machine/pages_source.hpp"

#include "libos/posix/machine/kernel_error.hpp"
#include "libos/posix/machine/means.hpp"

namespace fb::libos::posix::machine {

Answer<std::byte*> PagesSource::grow(std::uint32_t run) {
  if (memory().free.raw() < kRunPages + reserve_.raw()) return fail(Errno::NoMemory);
  if (run == runs_.size()) FB_TRY(runs_.push_back({}));
  FB_ASSIGN(runs_[run], answer_of(rt::allocate(core::PageCount(kRunPages))));
  return runs_[run].mapping.as<std::byte>();
}

}  // namespace fb::libos::posix::machine
