// The POSIX instance: runs one Linux program, which its arguments name, and ends with that program's status.
#include <memory>

#include "core/text/buffer.hpp"
#include "core/text/write.hpp"
#include "libos/posix/instance.hpp"
#include "libos/rt/machine.hpp"

namespace {

using namespace fb;
using namespace fb::libos;

alignas(posix::Instance) std::byte storage[sizeof(posix::Instance)];

constexpr int kNotFound = 127, kNotExecutable = 126;  // what shells say

/// How many pages programs and files may have. They never go back to the machine, and what the LibOS and ring 0 need later
/// comes from there: without a part that is kept, one program that takes all memory leaves none of it for good.
std::uint32_t frame_limit() {
  const auto free = abi::calls::machine_info(abi::Info::FreePages).value_or(0);
  return static_cast<std::uint32_t>(free - free / 8);
}

/// About the program, as an error.
template <class... Ts>
void say(rt::Console& console, const posix::StartCommand& command, const Ts&... values) {
  std::array<char, 256> room;
  const auto line = core::text::format_to(room, command.words[0], values..., "\n");
  posix::console::StreamWriter streams(console);
  if (command.streams) streams.put(posix::console::Stream::Error, line);
  if (!command.streams) console.put(line);
}

}  // namespace

int fb_main(const rt::Environment& environment) {
  rt::KernelMachine machine(environment.event);
  rt::Fibres scheduler(machine);
  rt::Console console(scheduler);
  const auto archive = rt::BootArchive::open();
  if (!archive || environment.area == nullptr) {
    core::text::print(console, "posix: its boot configuration has to say archive=yes\n");
    return 1;
  }
  const auto command = posix::start_command(environment.arguments, *archive);
  if (!command) {
    core::text::print(console, "posix: no program to run: ", posix::spelling_of(command.error()), "\n");
    return 1;
  }
  // The ring is the page behind the area; the environment's view of it is for reading.
  auto* const ring =
      reinterpret_cast<exo_ring*>(reinterpret_cast<std::uint64_t>(environment.area) + core::kPageSize);
  auto* const instance = new (storage) posix::Instance(*ring, frame_limit(), console, machine, scheduler);
  if (const auto ready = instance->prepare_files(*archive); !ready) {
    core::text::print(console, "posix: no files: ", posix::spelling_of(ready.error()), "\n");
    return 1;
  }
  const auto status = instance->run(*command);
  if (status) return *status;
  const auto why = status.error();
  say(console, *command, ": ", why == posix::Errno::NoEntry ? "not found" : "cannot be run: ",
      why == posix::Errno::NoEntry ? "" : posix::spelling_of(why));
  return why == posix::Errno::NoEntry ? kNotFound : kNotExecutable;
}
