// The POSIX instance: runs one Linux program, which its arguments name, and ends with that program's status.
#include <memory>

#include "core/text/parse.hpp"
#include "core/text/write.hpp"
#include "libos/posix/instance.hpp"
#include "libos/rt/machine.hpp"

namespace {

using namespace fb;
using namespace fb::libos;

alignas(posix::Instance) std::byte storage[sizeof(posix::Instance)];

constexpr std::size_t kMostWords = 64;
constexpr int kNotFound = 127, kNotExecutable = 126;  // what shells say

}  // namespace

int fb_main(const rt::Environment& environment) {
  rt::KernelMachine machine(environment.event);
  rt::Fibres scheduler(machine);
  rt::Console console(scheduler);
  const auto archive = rt::BootArchive::open();
  std::array<std::string_view, kMostWords> words;
  std::size_t count = 0;
  for (const auto word : core::text::split_words(environment.arguments)) {
    if (count < words.size()) words[count++] = word;
  }
  if (!archive || environment.area == nullptr) {
    core::text::print(console, "posix: its boot configuration has to say archive=yes\n");
    return 1;
  }
  if (count == 0) {
    core::text::print(
        console, "posix: no program to run: name one, as in  ./fb run --config posix.conf -- busybox ls\n");
    return 1;
  }
  // The ring is the page behind the area; the environment's view of it is for reading.
  auto* const ring =
      reinterpret_cast<exo_ring*>(reinterpret_cast<std::uint64_t>(environment.area) + core::kPageSize);
  auto* const instance = new (storage) posix::Instance(*ring, ~std::uint32_t{0}, console, machine, scheduler);
  if (const auto ready = instance->prepare_files(*archive); !ready) {
    core::text::print(console, "posix: no files: ", posix::spelling_of(ready.error()), "\n");
    return 1;
  }
  const auto status = instance->run(std::span(words).first(count));
  if (status) return *status;
  if (status.error() == posix::Errno::NoEntry) {
    core::text::print(console, words[0], ": not found\n");
    return kNotFound;
  }
  core::text::print(console, words[0], ": cannot be run: ", posix::spelling_of(status.error()), "\n");
  return kNotExecutable;
}
