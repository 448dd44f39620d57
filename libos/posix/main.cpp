// The POSIX instance: runs one Linux program, which its arguments name, and ends with that program's status.
#include <algorithm>
#include <memory>

#include "core/text/buffer.hpp"
#include "core/text/write.hpp"
#include "libos/posix/instance.hpp"
#include "libos/posix/machine/means.hpp"
#include "libos/rt/machine.hpp"

namespace {

using namespace fb;
using namespace fb::libos;

alignas(posix::Instance) std::byte storage[sizeof(posix::Instance)];

constexpr int kNotFound = 127, kNotExecutable = 126;  // what shells say

void put_error(rt::Console& console, const posix::StartCommand& command, std::string_view line) {
  posix::console::StreamWriter streams(console);
  if (command.streams) streams.put(posix::console::Stream::Error, line);
  if (!command.streams) console.put(line);
}

/// About the program.
template <class... Ts>
void say(rt::Console& console, const posix::StartCommand& command, const Ts&... values) {
  std::array<char, 256> room;
  put_error(console, command, core::text::format_to(room, command.words[0], values..., "\n"));
}

/// Whose name it is nobody knows: what is not plain text stays off the screen.
void print_name(core::text::BufferSink& line, std::string_view name) {
  constexpr std::size_t kLongest = 100;
  for (const char c : std::string_view(name.data(), std::min(name.size(), kLongest)))
    core::text::print(line, c > ' ' && c < '\x7f' ? c : '?');
  if (name.size() > kLongest) core::text::print(line, "...");
}

void say_no_files(rt::Console& console, const posix::StartCommand& command, const posix::FileFault& fault,
                  posix::Errno why) {
  std::array<char, 320> room;
  core::text::BufferSink line(room);
  core::text::print(line, "posix: no files: ");
  print_name(line, fault.archive);
  if (!fault.entry.empty()) core::text::print(line, ": ");
  print_name(line, fault.entry);
  const bool whole = fault.entry.empty() && !fault.archive.empty();
  if (whole && why == posix::Errno::Invalid) {
    core::text::print(line, ": not a newc archive, or cut short\n");
  } else if (whole && why == posix::Errno::NoEntry) {
    core::text::print(line, ": not in the boot archive\n");
  } else {
    core::text::print(line, fault.archive.empty() ? "" : ": ", posix::spelling_of(why), "\n");
  }
  put_error(console, command, line.text());
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
  auto* const instance =
      new (storage) posix::Instance(*ring, posix::machine::memory().free, console, machine, scheduler);
  posix::FileFault fault;
  if (const auto ready = instance->prepare_files(*archive, command->streams, fault); !ready) {
    say_no_files(console, *command, fault, ready.error());
    return 1;
  }
  const auto status = instance->run(*command);
  if (status) return *status;
  const auto why = status.error();
  say(console, *command, ": ", why == posix::Errno::NoEntry ? "not found" : "cannot be run: ",
      why == posix::Errno::NoEntry ? "" : posix::spelling_of(why));
  return why == posix::Errno::NoEntry ? kNotFound : kNotExecutable;
}
