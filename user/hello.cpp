// Says hello, and what it was told.
#include "core/text/write.hpp"
#include "libos/rt/console.hpp"

int fb_main(const fb::libos::rt::Environment& environment) {
  fb::core::text::print(fb::libos::rt::console(), "Hello from ", environment.name,
                        environment.arguments.empty() ? "" : ": ", environment.arguments, "\n");
  return 0;
}
