#include "libos/posix/uring/submitter.hpp"

#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {

void Submitter::remove(Request& request) {
  if (!requests_.remove(request)) return;
  --count_;
  if (requests_.empty()) gone_.wake_all();
}

/// Each once, at least. What a worker is at has been told, and what is linked goes with what it is linked to.
void Submitter::cancel_all() {
  for (std::size_t left = count_; left != 0 && !requests_.empty(); --left) {
    Request& request = *requests_.pop_front();
    requests_.push_back(request);
    if (request.owner == nullptr) continue;
    const Ref<Ring> ring(*request.owner);
    ring->cancel_for_end(request);
  }
}

void Submitter::end(vfs::Waiter& waiter) {
  ending_ = true;
  while (!requests_.empty()) {
    cancel_all();
    if (!requests_.empty()) static_cast<void>(waiter.wait(gone_));
  }
}

}  // namespace fb::libos::posix::uring
