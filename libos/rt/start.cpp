#include "libos/rt/environment.hpp"
#include "libos/rt/protocol.hpp"

extern "C" {
using Initializer = void (*)();
extern const Initializer rt_init_array_start[];
extern const Initializer rt_init_array_end[];
[[noreturn]] void rt_start(const void* argument);
}

namespace fb::libos::rt {
namespace {

constinit Environment this_environment;

std::string_view text_in(const char* start, std::size_t limit) {
  std::size_t size = 0;
  while (size != limit && start[size] != '\0') ++size;
  return {start, size};
}

void adopt(const exo_boot_info& info) {
  Environment& e = this_environment;
  e.first_domain = true;
  e.domain = abi::Cap<abi::ObjectType::Domain>(info.domain);
  e.space = abi::Cap<abi::ObjectType::AddressSpace>(info.space);
  e.context = abi::Cap<abi::ObjectType::Context>(info.context);
  e.budget = abi::Cap<abi::ObjectType::Budget>(info.budget);
  e.archive = abi::Cap<abi::ObjectType::Pages>(info.archive);
  e.archive_bytes = core::ByteCount(info.archive_bytes);
  e.archive_offset = core::ByteCount(info.archive_offset);
  e.authorities = abi::kAllAuthorities;
  e.cpus = info.cpus;
  e.slots.fill(~std::uint64_t{0});
  e.name = "root";
  e.arguments = text_in(info.command_line, sizeof info.command_line);
}

void adopt(const StartInfo& info) {
  Environment& e = this_environment;
  e.domain = abi::Cap<abi::ObjectType::Domain>(info.domain);
  e.space = abi::Cap<abi::ObjectType::AddressSpace>(info.space);
  e.context = abi::Cap<abi::ObjectType::Context>(info.context);
  e.budget = abi::Cap<abi::ObjectType::Budget>(info.budget);
  e.event = abi::Cap<abi::ObjectType::Event>(info.event);
  e.console = abi::Cap<abi::ObjectType::Gate>(info.console);
  e.archive = abi::Cap<abi::ObjectType::Pages>(info.archive);
  e.archive_bytes = core::ByteCount(info.archive_bytes);
  e.archive_offset = core::ByteCount(info.archive_offset);
  e.area = reinterpret_cast<const exo_area*>(info.area);
  e.authorities = core::cap::Authorities(info.authorities);
  e.cpus = info.cpus;
  e.context_cpu = core::CpuId(static_cast<std::uint32_t>(info.context_cpu));
  for (std::size_t i = 0; i != kMaxCpus; ++i) e.slots[i] = info.slots[i];
  e.name = text_in(info.name, sizeof info.name);
  e.arguments = text_in(info.arguments, sizeof info.arguments);
  e.files = text_in(info.files, sizeof info.files);
}

}  // namespace

const Environment& environment() { return this_environment; }

void end(int status) {
  const Environment& e = this_environment;
  if (!e.console.none()) {
    const auto words =
        request_words(PortCall::Exit, {static_cast<std::uint64_t>(static_cast<unsigned>(status))});
    static_cast<void>(abi::calls::cap_invoke(e.console, words));
  }
  for (;;) static_cast<void>(abi::calls::context_stop(e.context));
}

}  // namespace fb::libos::rt

void rt_start(const void* argument) {
  using namespace fb::libos::rt;
  const auto magic = argument == nullptr ? 0 : *static_cast<const std::uint64_t*>(argument);
  if (magic == EXO_BOOT_MAGIC) {
    adopt(*static_cast<const exo_boot_info*>(argument));
  } else if (magic == kStartMagic) {
    adopt(*static_cast<const StartInfo*>(argument));
  } else {
    __builtin_trap();  // nobody to tell: the fault is what the starter sees
  }
  for (const Initializer* at = rt_init_array_start; at != rt_init_array_end; ++at) (*at)();
  end(fb_main(environment()));
}

// Nothing here ends by returning from main, so nothing is destroyed at exit.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the compiler calls them so
extern "C" int __cxa_atexit(void (*)(void*), void*, void*);
extern "C" int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
extern "C" [[noreturn]] void __cxa_pure_virtual();
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
extern "C" {
extern void* __dso_handle;
void* __dso_handle = nullptr;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
