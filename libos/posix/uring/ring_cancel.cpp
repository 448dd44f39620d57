// Timeouts, and what ends requests before their time.
#include "libos/posix/poll/time.hpp"
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {

/// Sets its alarm, by its flags and its time.
void Ring::arm(Request& request) {
  using namespace timeout;
  request.state = Request::State::Waiting;
  const auto now = services_.alarms.now();
  auto deadline = request.time;
  if ((request.sqe.how & kAbsolute) == 0) {
    deadline = poll::deadline_after(now, request.time);
  } else if ((request.sqe.how & kRealTime) != 0) {
    const auto real = services_.clock.now();
    deadline = request.time > real ? poll::deadline_after(now, request.time - real) : now;
  }
  if (deadline != vfs::kForever) services_.alarms.set(request, deadline);
}

void Ring::begin_timeout(Request& request) {
  if (request.sqe.offset != 0) {
    if (counted_count_ == kCountedMost) return complete(request, Errno::NoMemory);
    request.target = completions_ + static_cast<std::uint32_t>(request.sqe.offset);
    // The nearest first.
    Queue later;
    while (counted_.front() != nullptr &&
           static_cast<std::int32_t>(counted_.front()->target - request.target) <= 0) {
      later.push_back(*counted_.pop_front());
    }
    counted_.push_front(request);
    Queue earlier;
    while (Request* const one = later.pop_front()) earlier.push_front(*one);
    while (Request* const one = earlier.pop_front()) counted_.push_front(*one);
    ++counted_count_;
  }
  arm(request);
}

void Ring::expired(Request& request) {
  if (Request* const limited = request.partner; limited != nullptr) {
    limited->partner = nullptr;
    request.partner = nullptr;
    const auto found = cancel_it(*limited);
    complete(request, found == Found::Working ? Errno::Already : Errno::TimerExpired);
  } else {
    complete(request, Errno::TimerExpired);
  }
  if (!pump(kTurn)) attend();
}

Answer<> Ring::remove_timeout(Request& request) {
  using namespace timeout;
  const bool links = (request.sqe.how & kLinkUpdate) != 0,
             updates = (request.sqe.how & kUpdate) != 0 || links;
  for (Request& other : all_) {
    const bool fits = other.operation.kind == (links ? Kind::LinkTimeout : Kind::Timeout);
    if (!fits || other.sqe.user_data != request.sqe.address) continue;
    if (other.state != Request::State::Waiting) continue;
    if (!updates) {
      complete(other, Errno::Canceled);
      return {};
    }
    auto time = request.time;
    const auto now = services_.alarms.now();
    if ((request.sqe.how & kAbsolute) == 0) {
      time = poll::deadline_after(now, time);
    } else if ((request.sqe.how & kRealTime) != 0) {
      const auto real = services_.clock.now();
      time = time > real ? poll::deadline_after(now, time - real) : now;
    }
    services_.alarms.set(other, time);
    return {};
  }
  return fail(Errno::NoEntry);
}

Answer<> Ring::remove_poll(Request& request) {
  for (Request& other : all_) {
    if (other.operation.kind != Kind::Poll || other.sqe.user_data != request.sqe.address) continue;
    if (cancel_it(other) == Found::Cancelled) return {};
  }
  return fail(Errno::NoEntry);
}

Ring::Found Ring::cancel_it(Request& request) {
  switch (request.state) {
    case Request::State::Linked:
    case Request::State::Running:
    case Request::State::Done:
      return Found::No;
    case Request::State::Working:
      request.patience.end();
      return Found::Working;
    case Request::State::Deferred:
    case Request::State::Runnable:
    case Request::State::Waiting:
    case Request::State::Ready:
    case Request::State::Queued:
      break;
  }
  complete(request, Errno::Canceled);
  return Found::Cancelled;
}

bool Ring::matches(const Request& request, const Request& other, const vfs::File* file) const {
  using namespace cancel;
  const auto how = request.sqe.how;
  if (&other == &request) return false;
  if ((how & kAny) != 0) return true;
  if ((how & kDescriptor) != 0 && other.file.get() != file) return false;
  if ((how & kOpcode) != 0 && other.sqe.opcode != request.sqe.length) return false;
  const bool by_data = (how & kUserData) != 0 || (how & (kDescriptor | kOpcode)) == 0;
  return !by_data || other.sqe.user_data == request.sqe.address;
}

/// How many, where more than one is meant. Errors: NoEntry, Already, BadDescriptor.
Answer<std::uint64_t> Ring::cancel(Request& request) {
  using namespace uring::cancel;
  const auto how = request.sqe.how;
  Ref<vfs::File> file;
  if ((how & kDescriptor) != 0) {
    const auto number = static_cast<std::uint32_t>(request.sqe.descriptor);
    const bool fixed = (how & kFixed) != 0 || request.is(sqe::kFixedFile);
    if (!fixed) {
      FB_ASSIGN(file, request.submitter->descriptors().get(request.sqe.descriptor));
    } else if (number < files_.size()) {
      file = files_[number];
    }
    if (!file) return fail(Errno::BadDescriptor);
  }
  if ((how & (kAll | kAny)) != 0) return cancel_many(request, file.get());
  for (Request& other : all_) {
    if (!matches(request, other, file.get()) || other.patience.ended()) continue;
    const auto found = cancel_it(other);
    if (found == Found::Working) return fail(Errno::Already);
    if (found == Found::Cancelled) return 0;
  }
  return fail(Errno::NoEntry);
}

/// All that there are, each once: whom one takes along is not among the rest any more.
std::uint64_t Ring::cancel_many(Request& request, const vfs::File* file) {
  std::uint64_t count = 0;
  for (std::uint32_t left = count_; left != 0 && !all_.empty(); --left) {
    Request& other = *all_.pop_front();
    all_.push_back(other);
    if (!matches(request, other, file) || other.patience.ended()) continue;
    if (cancel_it(other) != Found::No) ++count;
  }
  return count;
}

void Ring::cancel_for_end(Request& request) {
  cancel_it(request);
  while (!pump(kTurn)) {
  }
}

}  // namespace fb::libos::posix::uring
