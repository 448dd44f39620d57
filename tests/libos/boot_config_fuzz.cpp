// Any bytes: refused with a line that is there, or a configuration within its limits whose text lies in the input.
#include <cstdint>
#include <cstdlib>

#include "libos/root/config.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fb::libos::root;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto inside = [&](std::string_view piece) {
    return piece.empty() ||
           (piece.data() >= text.data() && piece.data() + piece.size() <= text.data() + size);
  };
  const auto line = CommandLine::parse(text);
  demand(inside(line.command));
  const auto config = Config::parse(text);
  if (!config) {
    demand(config.error().line <= size + 1 && inside(config.error().word) && !config.error().message.empty());
    return 0;
  }
  demand(config->count != 0 && config->count <= kMaxInstances);
  for (const InstanceConfig& instance : config->all()) {
    demand(!instance.name.empty() && instance.name.size() <= kMaxInstanceName && inside(instance.name));
    demand(!instance.image.empty() && inside(instance.image));
    demand(instance.arguments.size() <= kMaxArguments && inside(instance.arguments));
    demand(instance.slots >= 1 && instance.slots <= 63 && instance.cpus != 0);
    demand(instance.pages.raw() != 0 || instance.pages == kRestOfMemory);
    demand(instance.authorities.within(fb::core::cap::ceiling(fb::core::cap::Zone::Kernel)));
  }
  return 0;
}
