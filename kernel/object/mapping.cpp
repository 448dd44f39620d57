#include "kernel/object/mapping.hpp"

namespace fb::kernel::object {

void release(Binding& binding) {
  for (;;) {
    Entry* holder = binding.holder();
    if (holder == nullptr) return;
    // The capability may go meanwhile, and take the binding off; what it names is safe until this CPU leaves ring 0.
    auto* other = CapTree::object_of(holder);
    if (other == nullptr) continue;
    const core::Guard guard(other->lock);
    if (binding.holder() != holder || CapTree::object_of(holder) != other) continue;
    return binding.detach();
  }
}

}  // namespace fb::kernel::object
