// Faults in the way it is asked to: `fault [null|divide|privileged|stack]`.
#include "libos/rt/console.hpp"

namespace {

void fault(std::string_view how) {
  if (how == "divide") {
    asm volatile("xorl %%ecx, %%ecx\n\tdivl %%ecx" : : : "eax", "ecx", "edx", "cc");
  } else if (how == "privileged") {
    asm volatile("hlt");
  } else if (how == "stack") {
    // Down through the stack to the page below it, which is not there.
    asm volatile("1: pushq %rax\n\tjmp 1b");
  } else {
    asm volatile("movq 0, %rax");
  }
}

}  // namespace

int fb_main(const fb::libos::rt::Environment& environment) {
  fb::libos::rt::console().put("about to fault\n");
  fault(environment.arguments);
  return 0;
}
