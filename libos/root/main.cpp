#include <new>

#include "libos/root/root.hpp"

namespace fb::libos::root {
namespace {

/// Larger than a stack should hold, and alive until the machine ends.
alignas(Root) std::byte storage[sizeof(Root)];

}  // namespace
}  // namespace fb::libos::root

int fb_main(const fb::libos::rt::Environment&) {
  using namespace fb::libos::root;
  using namespace fb;
  // Without its devices nobody could be told: the kernel's log shows what ended root.
  auto event = abi::calls::event_create();
  auto com1 = obtain(DeviceNumber::Com1);
  auto com2 = obtain(DeviceNumber::Com2);
  auto power = obtain(DeviceNumber::Power);
  if (!event || !com1) __builtin_trap();
  auto* root = new (storage) Root(*event, *std::move(com1), com2 ? *std::move(com2) : OwnedDevice{},
                                  power ? *std::move(power) : OwnedDevice{});
  root->run();
}
