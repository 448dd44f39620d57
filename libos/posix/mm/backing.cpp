#include "libos/posix/mm/backing.hpp"

#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

void Backing::end_views() {
  while (View* const view = views_.front()) view->space->unwatch(*view);
}

void Backing::leave(std::uint64_t first, std::uint64_t end, bool copies) {
  for (View& view : views_) view.space->forget(*this, first, end, copies);
}

bool Backing::writable() {
  for (View& view : views_) {
    for (const Area& area : view.space->areas()) {
      if (area.backing.get() == this && area.shared && (area.most & kProtWrite) != 0) return true;
    }
  }
  return false;
}

bool Backing::executed() {
  for (View& view : views_) {
    for (const Area& area : view.space->areas()) {
      if (area.backing.get() == this && !area.shared && (area.protection & kProtExecute) != 0) return true;
    }
  }
  return false;
}

std::uint64_t Backing::areas() {
  std::uint64_t count = 0;
  for (View& view : views_) {
    for (const Area& area : view.space->areas()) count += area.backing.get() == this ? 1 : 0;
  }
  return count;
}

}  // namespace fb::libos::posix::mm
