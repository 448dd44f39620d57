#include "libos/posix/poll/poll_set.hpp"

#include "libos/posix/poll/joined_queue.hpp"

namespace fb::libos::posix::poll {
namespace {

class Joined final : public JoinedQueue {
 public:
  void wakes(vfs::Waiter& waiter) { waiter_ = &waiter; }

 private:
  void woken() override { waiter_->wake(); }
  vfs::Waiter* waiter_ = nullptr;
};

std::size_t look(std::span<PollEntry> entries) {
  std::size_t ready = 0;
  for (PollEntry& entry : entries) {
    if (entry.skipped) continue;
    entry.found = entry.file ? entry.file->poll().events & entry.wanted : vfs::poll::kInvalid;
    if (entry.found != 0) ++ready;
  }
  return ready;
}

/// On all their queues. Errors: NoMemory.
Answer<std::unique_ptr<Joined[]>> join(std::span<PollEntry> entries, vfs::Waiter& waiter) {
  std::size_t count = 0;
  for (const PollEntry& entry : entries) {
    if (!entry.file) continue;
    for (const auto* queue : entry.file->poll().queues) count += queue != nullptr ? 1 : 0;
  }
  std::unique_ptr<Joined[]> joined(new (std::nothrow) Joined[count + 1]);
  if (joined == nullptr) return fail(Errno::NoMemory);
  std::size_t at = 0;
  for (const PollEntry& entry : entries) {
    if (!entry.file) continue;
    for (auto* const queue : entry.file->poll().queues) {
      if (queue == nullptr) continue;
      joined[at].wakes(waiter);
      joined[at++].join(*queue);
    }
  }
  return joined;
}

}  // namespace

Answer<std::size_t> wait_ready(std::span<PollEntry> entries, vfs::Waiter& waiter,
                               core::Nanoseconds deadline) {
  std::size_t ready = look(entries);
  if (ready != 0 || deadline == core::Nanoseconds(0) || deadline <= waiter.now()) return ready;
  FB_ASSIGN(const auto joined, join(entries, waiter));
  for (;;) {
    const auto slept = waiter.sleep(deadline);
    ready = look(entries);
    if (ready != 0) return ready;
    if (slept) continue;
    if (slept.error() == Errno::TimedOut) return 0;
    return fail(slept.error() == Errno::Restart ? Errno::RestartNoHandler : slept.error());
  }
}

Answer<std::size_t> poll(const vfs::Descriptors& descriptors, std::span<PollRecord> records,
                         vfs::Waiter& waiter, core::Nanoseconds deadline) {
  if (records.size() > descriptors.limit()) return fail(Errno::Invalid);
  Vector<PollEntry> entries;
  FB_TRY(entries.reserve(records.size()));
  for (const PollRecord& record : records) {
    PollEntry entry{.file = {}, .wanted = record.wanted | event::kAlways, .skipped = record.descriptor < 0};
    if (auto file = descriptors.get(record.descriptor); file && !(*file)->path_only())
      entry.file = *std::move(file);
    FB_TRY(entries.push_back(std::move(entry)));
  }
  const auto ready = wait_ready({entries.begin(), entries.size()}, waiter, deadline);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].found = static_cast<std::uint16_t>(entries[i].found);
  }
  return ready;
}

}  // namespace fb::libos::posix::poll
