// eventfd(2): a count that can be waited for.
#pragma once

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/poll/event_file.hpp"

namespace fb::libos::posix::poll {

class EventCount final : public EventFile {
 public:
  static constexpr char kAnonymousName[] = "[eventfd]";

  /// `flags` may have kNonBlock. As a semaphore each read takes one.
  EventCount(std::uint64_t begin, std::uint32_t flags, bool semaphore)
      : EventFile(flags | vfs::flag::kReadWrite), count_(begin), semaphore_(semaphore) {}
  /// One more, for who cannot wait: at the largest count nothing is added.
  void signal();
  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};  ///< no count, and none to add

  /// All of it, or one. Errors: Invalid for less than 8 bytes, TryAgain, Restart, Fault.
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;
  /// Waits until the sum is a count. Errors: Invalid also for the largest number.
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override;

  std::uint64_t count_;
  bool semaphore_;
  vfs::WaitQueue to_read_, to_write_;
};

/// eventfd2. Errors: Invalid for unknown flags, NoMemory.
Answer<Ref<vfs::File>> make_event_count(std::uint32_t begin, std::uint32_t flags);

}  // namespace fb::libos::posix::poll
