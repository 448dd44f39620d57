// io_uring(7): submissions that are taken from shared memory, and their completions put there.
#pragma once

#include "libos/posix/mm/space.hpp"
#include "libos/posix/poll/event_count.hpp"
#include "libos/posix/poll/services.hpp"
#include "libos/posix/uring/ring_memory.hpp"
#include "libos/posix/uring/submitter.hpp"

namespace fb::libos::posix::uring {

/// How much of it all programs of an instance together may have.
struct Quotas {
  poll::Quota rings{1024};
  poll::Quota pages{1 << 14};  ///< of ring memory
  poll::Quota requests{1 << 16};
  poll::Quota workers{64};
};

/// Requests that cannot go on wait on the queues of their files; an alarm, which is set when one wakes, tries them again. What
/// would wait elsewhere is left to a worker. Not for concurrent use; whoever makes requests go on holds a Ref to it.
class Ring final : public poll::EventFile, private poll::Alarm {
 public:
  static constexpr char kAnonymousName[] = "[io_uring]";
  static constexpr std::uint32_t kRequestsMost = 1 << 15, kCountedMost = 1024, kWorkersMost = 8;
  static constexpr std::uint32_t kFilesMost = 1 << 15, kBuffersMost = 1 << 14;

  /// io_uring_setup: `params` tells what came of it. `services` and `quotas` outlive it. Errors: Invalid, TooManyFilesInSystem,
  /// NoMemory.
  static Answer<Ref<Ring>> make(poll::Services& services, Frames& frames, Quotas& quotas,
                                std::uint32_t entries, Params& params, const Submitter& by);
  Ring(poll::Services& services, Quotas& quotas, RingMemory memory, const Params& params);
  ~Ring() override;

  /// For mmap, whose offset becomes that of what it names. Errors: Invalid.
  Answer<> set_mapping(mm::MapRequest& request) const;
  /// Takes up to `count`; says how many. Errors: BadState while it is not enabled, Exists by another than its only submitter,
  /// TryAgain and Busy when it has too many requests.
  Answer<std::uint32_t> submit(Submitter& by, std::uint32_t count);
  /// Until `least` completions are there, or the deadline. Errors: BadState, Exists, Interrupted, TimerExpired.
  Answer<> wait(const Submitter& by, std::uint32_t least, vfs::Waiter& waiter, core::Nanoseconds deadline);
  /// io_uring_register; memory by addresses of `by`. Errors: Invalid, Busy, NoDeviceOrAddress, BadDescriptor, TooManyFiles, Fault,
  /// Overflow, NoMemory.
  Answer<std::uint32_t> change(Submitter& by, std::uint32_t operation, std::uint64_t argument,
                               std::uint32_t count);
  /// Answers kProbe.
  static void probe(std::span<registering::ProbeOperation> operations);

  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }
  [[nodiscard]] std::uint32_t requests() const { return count_; }

  // For requests and those who work at them.

  /// The life of a worker: waits in the request, which is over afterwards.
  static void work(Request& request, Quotas& quotas);
  void woken(Request& request);
  void expired(Request& request);
  /// Its submitter ends.
  void cancel_for_end(Request& request);

 private:
  using Queue = core::list::List<Request, &Request::in_queue>;
  struct Chain {
    Request *first = nullptr, *last = nullptr;
    bool failed = false;
  };
  static constexpr std::uint32_t kTurn = 64;  ///< requests that go on in a row
  enum class Found : std::uint8_t { No, Cancelled, Working };

  // Submitting.
  Answer<Request*> take(Submitter& by);
  Answer<> prepare(Request& request);
  Answer<> prepare_time(Request& request);
  Answer<> prepare_pieces(Request& request);
  /// Whether the next one may be taken.
  bool add_to(Chain& chain, Request& request);
  void admit(Chain& chain);
  void go_on(Submitter& by);
  [[nodiscard]] bool must_wait(const Request& first) const;
  void start(Request& first);

  // Going on.
  /// At most `most` steps; whether there are no more.
  bool pump(std::uint32_t most);
  void ring() override;
  void attend() { services_.alarms.set(*this, services_.alarms.now()); }
  void begin(Request& request);
  void try_now(Request& request);
  Answer<std::uint64_t> attempt(Request& request);
  Answer<> find_file(Request& request) const;
  Answer<> check_memory(const Request& request) const;
  void wait_for_file(Request& request);
  void look(Request& request);
  void to_worker(Request& request);
  void next_worker();
  void begin_timeout(Request& request);
  void arm(Request& timeout);
  Answer<> remove_timeout(Request& request);
  Answer<> remove_poll(Request& request);
  Answer<std::uint64_t> cancel(Request& request);
  std::uint64_t cancel_many(Request& request, const vfs::File* file);
  [[nodiscard]] bool matches(const Request& request, const Request& other, const vfs::File* file) const;
  Found cancel_it(Request& request);

  // Completing.
  void complete(Request& request, std::int32_t result);
  void complete(Request& request, Errno error) { complete(request, -static_cast<std::int32_t>(error)); }
  void complete(Request& request, const Answer<std::uint64_t>& done);
  /// One of many; false: there is no room, and it has ended with this.
  bool complete_one(Request& request, std::int32_t result);
  /// `silent`: nothing is told.
  void finish(Request& request, std::int32_t result, bool silent = false);
  void detach(Request& request);
  void free(Request& request);
  void announce();
  void count_completion();
  void flush();

  // Registering.
  Answer<> register_files(Submitter& by, std::uint64_t argument, std::uint32_t count);
  Answer<std::uint32_t> update_files(Submitter& by, std::uint64_t argument, std::uint32_t count);
  Answer<Ref<vfs::File>> file_to_register(Submitter& by, std::int32_t descriptor) const;
  Answer<> register_buffers(Submitter& by, std::uint64_t argument, std::uint32_t count);
  Answer<> register_event_file(Submitter& by, std::uint64_t argument, std::uint32_t count, bool async);

  poll::Services& services_;
  Quotas& quotas_;
  RingMemory memory_;
  std::uint32_t flags_;
  const Submitter* only_ = nullptr;  ///< who may submit; compared, never followed
  core::list::List<Request, &Request::of_ring> all_;
  Queue deferred_, runnable_, ready_, queued_, counted_, backlog_;
  std::uint32_t count_ = 0, admitted_ = 0, draining_ = 0, counted_count_ = 0, workers_ = 0;
  std::uint32_t completions_ = 0;  ///< of others than timeouts; wraps
  bool submitting_ = false, skips_ = false;
  vfs::WaitQueue waiting_, polled_;
  Vector<Ref<vfs::File>> files_;
  Vector<Extent> buffers_;
  Ref<poll::EventCount> events_;
  bool events_async_ = false, enabled_;
};

}  // namespace fb::libos::posix::uring
