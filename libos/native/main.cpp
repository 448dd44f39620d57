#include <new>

#include "libos/native/monitor.hpp"

namespace {

using namespace fb;
using namespace fb::libos;

// Larger than a stack should hold.
alignas(native::Programs) std::byte programs_storage[sizeof(native::Programs)];
alignas(native::Monitor) std::byte monitor_storage[sizeof(native::Monitor)];

}  // namespace

/// Without arguments a conversation; with arguments that one command, and its status: `NAME ARGS` is `run NAME ARGS`
/// where NAME is no command of the monitor.
int fb_main(const rt::Environment& environment) {
  rt::KernelMachine machine(environment.event);
  rt::Fibres scheduler(machine);
  rt::Console console(scheduler);
  const auto archive = rt::BootArchive::open();
  if (!archive) {
    core::text::print(console, "native: no boot archive: ", core::describe(archive.error()),
                      "; its line of the boot configuration needs archive=yes\n");
    return 1;
  }
  auto* programs = new (programs_storage) native::Programs(*archive, scheduler, console);
  auto* monitor = new (monitor_storage) native::Monitor(console, *programs, scheduler);
  if (!environment.arguments.empty()) return monitor->execute_command(environment.arguments);
  return monitor->converse();
}
