#include "libos/posix/console/input.hpp"

namespace fb::libos::posix::console {

void Input::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    // What follows the end is nobody's.
    if (ended()) break;
    const auto came = streams_ ? reader_.take(byte) : std::optional(byte);
    if (!came || count_ == kRoom) continue;
    bytes_[(first_ + count_) % kRoom] = *came;
    ++count_;
  }
  arrival.wake_all();
}

Answer<std::size_t> Input::read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter, bool block) {
  if (count == 0) return 0;
  while (count_ == 0) {
    if (ended()) return 0;
    if (!block) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(arrival));
  }
  std::size_t done = 0;
  while (done != count && count_ != 0) {
    const std::size_t size = std::min({count - done, count_, kRoom - first_});
    const std::string_view piece(bytes_.data() + first_, size);
    if (const auto put = out.put(std::as_bytes(std::span(piece))); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    first_ = (first_ + size) % kRoom;
    count_ -= size;
    done += size;
  }
  space.wake_all();
  return done;
}

}  // namespace fb::libos::posix::console
