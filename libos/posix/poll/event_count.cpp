#include "libos/posix/poll/event_count.hpp"

namespace fb::libos::posix::poll {

vfs::PollState EventCount::poll() {
  vfs::PollState state{.events = 0, .queues = {&to_read_, &to_write_}, .split = true};
  if (count_ != 0) state.events |= vfs::poll::kIn;
  if (count_ < kNone - 1) state.events |= vfs::poll::kOut;
  return state;
}

void EventCount::signal() {
  if (count_ < kNone - 1) ++count_;
  to_read_.wake_all();
}

Answer<std::size_t> EventCount::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  if (count < sizeof(count_)) return fail(Errno::Invalid);
  while (count_ == 0) {
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(to_read_));
  }
  const std::uint64_t taken = semaphore_ ? 1 : count_;
  count_ -= taken;
  to_write_.wake_all();
  // As under Linux, what was taken is gone even when it cannot be told.
  FB_TRY(put_number(out, taken));
  return sizeof(taken);
}

Answer<std::size_t> EventCount::on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) {
  std::uint64_t added = 0;
  if (count < sizeof(added)) return fail(Errno::Invalid);
  FB_TRY(in.take(std::as_writable_bytes(std::span(&added, 1))));
  if (added == kNone) return fail(Errno::Invalid);
  while (added >= kNone - count_) {
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(to_write_));
  }
  count_ += added;
  to_read_.wake_all();
  return sizeof(added);
}

Answer<Ref<vfs::File>> make_event_count(std::uint32_t begin, std::uint32_t flags) {
  if ((flags & ~(kMakeFlags | kSemaphore)) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto made,
            make_shared<EventCount>(begin, flags & vfs::flag::kNonBlock, (flags & kSemaphore) != 0));
  return made;
}

}  // namespace fb::libos::posix::poll
