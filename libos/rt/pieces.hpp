// Work on more pages than one call of ring 0 takes.
#pragma once

#include <algorithm>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::libos::rt {

/// Most pages of one map_pages, unmap_pages or protect_pages; with more it answers Limit.
inline constexpr core::PageCount kPagesAtOnce{64};

/// Does `act(done, count)` for pieces of `count` pages that one call may have, until one fails.
template <class Act>
core::Result<> in_pieces(core::PageCount count, Act act) {
  for (core::PageCount done(0); done < count;) {
    const auto now = std::min(count - done, kPagesAtOnce);
    FB_TRY(act(done, now));
    done += now;
  }
  return {};
}
/// The same for what cannot fail: `act` has no result.
template <class Act>
void in_all_pieces(core::PageCount count, Act act) {
  static_cast<void>(in_pieces(count, [&](core::PageCount done, core::PageCount now) -> core::Result<> {
    act(done, now);
    return {};
  }));
}

}  // namespace fb::libos::rt
