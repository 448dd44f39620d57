// Burns processor time for ever: what a machine must survive.
#include "libos/rt/environment.hpp"

int fb_main(const fb::libos::rt::Environment&) {
  for (volatile std::uint64_t turns = 0;; turns = turns + 1) {
  }
}
