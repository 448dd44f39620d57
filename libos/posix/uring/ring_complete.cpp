// Ends of requests: what the program is told, and what comes after them.
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {

void Ring::complete(Request& request, const Answer<std::uint64_t>& done) {
  if (done) return complete(request, static_cast<std::int32_t>(*done));
  const bool broken = done.error() == Errno::Restart || done.error() == Errno::RestartNoHandler;
  complete(request, broken ? Errno::Interrupted : done.error());
}

void Ring::complete(Request& request, std::int32_t result) {
  constexpr auto kCanceled = -static_cast<std::int32_t>(Errno::Canceled);
  Request* rest = std::exchange(request.next, nullptr);
  Request* const partner = std::exchange(request.partner, nullptr);
  if (partner != nullptr) partner->partner = nullptr;
  const bool quiet = request.is(sqe::kSkipSuccess);
  const bool breaks = request.breaks_chain(result) && !request.is(sqe::kHardLink);
  Request* const limit =
      partner != nullptr && partner->operation.kind == Kind::LinkTimeout ? partner : nullptr;
  finish(request, result);
  if (limit != nullptr) finish(*limit, kCanceled);
  if (rest != nullptr && !breaks) {
    rest->state = Request::State::Runnable;
    runnable_.push_front(*rest);
    return;
  }
  while (rest != nullptr) {
    Request* const next = std::exchange(rest->next, nullptr);
    finish(*rest, kCanceled, quiet);
    rest = next;
  }
}

bool Ring::complete_one(Request& request, std::int32_t result) {
  const Cqe completion{.user_data = request.sqe.user_data, .result = result, .flags = kMore};
  if (!backlog_.empty() || !memory_.put(completion)) {
    complete(request, result);
    return false;
  }
  announce();
  count_completion();
  return true;
}

/// It waits for nothing any more, and nobody but this ring knows it.
void Ring::detach(Request& request) {
  request.leave();
  services_.alarms.cancel(request);
  // At most one of them has it, and which does not matter to a list.
  if (request.in_queue.linked()) {
    if (request.state == Request::State::Waiting) --counted_count_;
    runnable_.remove(request);
  }
  if (request.admitted) {
    --admitted_;
    if (request.drains) --draining_;
    request.admitted = false;
  }
  request.submitter->remove(request);
}

void Ring::free(Request& request) {
  all_.remove(request);
  --count_;
  quotas_.requests.give();
  delete &request;
}

void Ring::finish(Request& request, std::int32_t result, bool silent) {
  detach(request);
  const Ref<vfs::File> file = std::move(request.file);  // let go of at the end
  const bool timed = request.operation.kind == Kind::Timeout || request.operation.kind == Kind::LinkTimeout;
  silent = silent || (request.is(sqe::kSkipSuccess) && result >= 0);
  const Cqe completion{.user_data = request.sqe.user_data, .result = result, .flags = 0};
  if (silent || (backlog_.empty() && memory_.put(completion))) {
    free(request);
  } else {
    request.state = Request::State::Done;
    request.result = result;
    if (backlog_.empty()) memory_.set_overflowing(true);
    backlog_.push_back(request);
  }
  if (silent) return;
  announce();
  if (!timed) count_completion();
}

void Ring::announce() {
  waiting_.wake_all();
  polled_.wake_all();
  if (events_ && !(events_async_ && submitting_) && !memory_.events_off()) events_->signal();
}

void Ring::count_completion() {
  ++completions_;
  while (Request* const first = counted_.front()) {
    if (static_cast<std::int32_t>(first->target - completions_) > 0) return;
    complete(*first, 0);
  }
}

/// Completions that found no room, as far as there is some.
void Ring::flush() {
  if (backlog_.empty()) return;
  while (Request* const first = backlog_.front()) {
    if (!memory_.put({.user_data = first->sqe.user_data, .result = first->result, .flags = 0})) return;
    backlog_.pop_front();
    free(*first);
  }
  memory_.set_overflowing(false);
}

}  // namespace fb::libos::posix::uring
