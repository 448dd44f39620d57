#include "libos/posix/machine/pages_source.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {

Answer<std::byte*> PagesSource::grow() {
  FB_TRY(runs_.reserve(runs_.size() + 1));
  FB_ASSIGN(auto region, answer_of(rt::allocate(core::PageCount(kRunPages))));
  auto* const bytes = region.mapping.as<std::byte>();
  FB_TRY(runs_.push_back(std::move(region)));
  return bytes;
}

}  // namespace fb::libos::posix::machine
