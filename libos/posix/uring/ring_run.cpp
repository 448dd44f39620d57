// Making requests go on: at once, when their files have changed, by workers.
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {
namespace {

constexpr std::uint32_t kManyMost = 64;  ///< completions of one request in a row

}  // namespace

bool Ring::pump(std::uint32_t most) {
  for (std::uint32_t i = 0; i < most; ++i) {
    while (deferred_.front() != nullptr && !must_wait(*deferred_.front())) start(*deferred_.pop_front());
    Request* const next = runnable_.pop_front();
    if (next == nullptr) return true;
    begin(*next);
  }
  return false;
}

void Ring::ring() {
  const Ref<Ring> keep(*this);
  for (std::uint32_t i = 0; i < kTurn; ++i) {
    Request* const request = ready_.pop_front();
    if (request == nullptr) break;
    try_now(*request);
  }
  if (!pump(kTurn) || !ready_.empty()) attend();
}

void Ring::woken(Request& request) {
  if (request.state != Request::State::Waiting) return;
  request.state = Request::State::Ready;
  ready_.push_back(request);
  attend();
}

void Ring::begin(Request& request) {
  request.state = Request::State::Running;
  if (request.submitter->ending()) return complete(request, Errno::Canceled);
  if (Request* const limit = request.next; limit != nullptr && limit->operation.kind == Kind::LinkTimeout) {
    request.next = std::exchange(limit->next, nullptr);
    request.partner = limit;
    limit->partner = &request;
    arm(*limit);
  }
  if (const auto found = find_file(request); !found) return complete(request, found.error());
  const auto done = [&](const Answer<>& how) {
    complete(request, how ? Answer<std::uint64_t>(0) : fail(how.error()));
  };
  switch (request.operation.kind) {
    case Kind::Nop:
      return complete(request, 0);
    case Kind::PollRemove:
      return done(remove_poll(request));
    case Kind::Timeout:
      return begin_timeout(request);
    case Kind::TimeoutRemove:
      return done(remove_timeout(request));
    case Kind::LinkTimeout:
      return complete(request, Errno::Invalid);
    case Kind::Cancel:
      return complete(request, cancel(request));
    case Kind::Poll:
      return try_now(request);
    case Kind::Carry:
      break;
  }
  if (!request.is(sqe::kAsync)) return try_now(request);
  request.state = Request::State::Waiting;
  woken(request);
}

/// Errors: BadDescriptor.
Answer<> Ring::find_file(Request& request) const {
  if (!request.operation.has_file) return {};
  if (!request.is(sqe::kFixedFile)) {
    FB_ASSIGN(request.file, request.submitter->descriptors().get(request.sqe.descriptor));
    return request.file->path_only() ? fail(Errno::BadDescriptor) : Answer<>();
  }
  const auto number = static_cast<std::uint32_t>(request.sqe.descriptor);
  if (number >= files_.size() || !files_[number]) return fail(Errno::BadDescriptor);
  request.file = files_[number];
  return {};
}

/// Errors: Fault unless it is in the buffer that it names.
Answer<> Ring::check_memory(const Request& request) const {
  if (!request.operation.registered_memory) return {};
  if (request.sqe.buffer >= buffers_.size()) return fail(Errno::Fault);
  const Extent& buffer = buffers_[request.sqe.buffer];
  const auto begin = request.sqe.address;
  if (begin < buffer.address || begin - buffer.address > buffer.size) return fail(Errno::Fault);
  return request.sqe.length > buffer.size - (begin - buffer.address) ? fail(Errno::Fault) : Answer<>();
}

Answer<std::uint64_t> Ring::attempt(Request& request) {
  FB_TRY(check_memory(request));
  vfs::Patience none(true);
  return request.submitter->carry_out(request, none);
}

void Ring::try_now(Request& request) {
  request.leave();
  request.state = Request::State::Running;
  if (request.operation.kind == Kind::Poll) return look(request);
  for (std::uint32_t i = 0; i < kManyMost; ++i) {
    const auto done = attempt(request);
    if (!done && done.error() == Errno::TryAgain && !request.operation.no_wait) return wait_for_file(request);
    if (!done || !request.operation.many) return complete(request, done);
    if (!complete_one(request, static_cast<std::int32_t>(*done))) return;
  }
  request.state = Request::State::Waiting;
  woken(request);
}

void Ring::wait_for_file(Request& request) {
  if (!request.file || request.operation.waits_for == 0) return to_worker(request);
  const auto state = request.file->poll();
  if (state.queues[0] == nullptr && state.queues[1] == nullptr) return to_worker(request);
  request.state = Request::State::Waiting;
  request.join(state);
}

void Ring::look(Request& request) {
  const auto state = request.file->poll();
  const std::uint32_t found = state.events & (request.wanted() | poll::event::kAlways);
  if (found != 0 && (!request.operation.many || !complete_one(request, static_cast<std::int32_t>(found)))) {
    if (!request.operation.many) complete(request, static_cast<std::int32_t>(found));
    return;
  }
  request.state = Request::State::Waiting;
  request.join(state);
}

void Ring::to_worker(Request& request) {
  const bool own = workers_ < kWorkersMost && quotas_.workers.take();
  if (own && request.submitter->start_worker(request)) {
    ++workers_;
    request.state = Request::State::Working;
    return;
  }
  if (own) quotas_.workers.give();
  // Only who has a worker is told when that is free again.
  if (workers_ == 0) return complete(request, Errno::TryAgain);
  request.state = Request::State::Queued;
  queued_.push_back(request);
}

void Ring::next_worker() {
  --workers_;
  do {
    Request* const next = queued_.pop_front();
    if (next == nullptr) return;
    to_worker(*next);
  } while (workers_ == 0);
}

void Ring::work(Request& request, Quotas& quotas) {
  Answer<std::uint64_t> done = fail(Errno::Canceled);
  if (!request.patience.ended()) done = request.submitter->carry_out(request, request.patience);
  quotas.workers.give();
  if (request.owner == nullptr) {
    request.submitter->remove(request);
    quotas.requests.give();
    delete &request;
    return;
  }
  const Ref<Ring> ring(*request.owner);
  if (!done && done.error() == Errno::TryAgain && request.patience.ended()) done = fail(Errno::Canceled);
  request.state = Request::State::Running;
  ring->complete(request, done);
  ring->next_worker();
  if (!ring->pump(kTurn)) ring->attend();
}

}  // namespace fb::libos::posix::uring
