// Contexts of asynchronous input and output (io_setup(2)): completions that wait to be taken, and files that are waited for.
#pragma once

#include "libos/posix/aio/ring.hpp"
#include "libos/posix/poll/event_count.hpp"
#include "libos/posix/poll/joined_queue.hpp"
#include "libos/posix/poll/services.hpp"

namespace fb::libos::posix::aio {

/// How much of it all programs of an instance together may have.
struct Quotas {
  poll::Quota contexts{1024};
  poll::Quota events{1 << 16};  ///< as they were asked for: /proc/sys/fs/aio-max-nr
  poll::Quota polls{1 << 14};
};

/// Who is told of a completion: what the control block says, and where that is.
struct Tag {
  std::uint64_t data = 0, object = 0;
  Ref<poll::EventCount> events{};  ///< one more for each, if there is one
};

/// Reading, writing and syncing is done when it is submitted, as Linux does it with files in memory; only waiting for a file
/// goes on afterwards. Not for concurrent use.
class Context final : public Shared, private poll::Alarm {
 public:
  /// `services` and `quotas` outlive it. Errors: TryAgain when there are too many, NoMemory.
  static Answer<Ref<Context>> make(poll::Services& services, Frames& frames, Quotas& quotas,
                                   std::uint32_t events);
  Context(poll::Services& services, Quotas& quotas, Ring ring, std::uint32_t events);
  ~Context();

  [[nodiscard]] const Ring& ring_of() const { return ring_; }
  [[nodiscard]] std::uint32_t events() const { return events_; }
  /// There is room for the completion of one more.
  [[nodiscard]] bool has_room() const { return ring_.count() + polls_.size() < ring_.room(); }
  /// There is room.
  void complete(const Tag& tag, std::int64_t result);
  /// Completes when one of `events`, an error or a hang-up is there; perhaps now. There is room. Errors: TryAgain, NoMemory.
  Answer<> wait_for(const Tag& tag, const Ref<vfs::File>& file, std::uint32_t events);
  /// A wait for a file ends without an event, but with a completion. False: there is none for this control block.
  bool cancel(std::uint64_t object);

  [[nodiscard]] std::uint32_t count() const { return ring_.count(); }
  [[nodiscard]] Event peek(std::uint32_t n) const { return ring_.peek(n); }
  void take(std::uint32_t count) { ring_.take(count); }
  /// Until something is there. Errors: Invalid when it ends; those of sleeping.
  Answer<> sleep(vfs::Waiter& waiter, core::Nanoseconds deadline);
  /// Nothing is waited for any more, and nobody waits here.
  void end();

  core::VirtAddr at{};  ///< where its program sees it: its name

 private:
  class Poll;
  void ring() override;
  void look(std::size_t i);
  void finish(std::size_t i, std::uint32_t events);
  void end_poll(std::size_t i);

  poll::Services& services_;
  Quotas& quotas_;
  Ring ring_;
  std::uint32_t events_;
  bool ended_ = false;
  vfs::WaitQueue waiting_;
  Vector<Poll*> polls_;  ///< its own; few
};

/// Those of an address space, by where they are.
class Contexts {
 public:
  Contexts() = default;
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  ~Contexts() {
    for (const auto& context : all_) context->end();
  }
  /// Errors: NoMemory.
  Answer<> add(const Ref<Context>& context) { return all_.push_back(context); }
  /// Errors: Invalid.
  [[nodiscard]] Answer<Ref<Context>> find(core::VirtAddr at) const;
  void remove(const Context& context);

 private:
  Vector<Ref<Context>> all_;
};

}  // namespace fb::libos::posix::aio
