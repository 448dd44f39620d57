// Taking submissions: from words of a program to chains of requests.
#include "libos/posix/poll/time.hpp"
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {
namespace {

constexpr std::uint32_t kStride = 64;  ///< steps between which others get their turn
constexpr std::uint32_t kPiecesMost = 1024;

}  // namespace

/// Null: there was nothing behind its index. Errors: TryAgain, Busy.
Answer<Request*> Ring::take(Submitter& by) {
  if (count_ == kRequestsMost || !quotas_.requests.take()) {
    return fail(backlog_.empty() ? Errno::TryAgain : Errno::Busy);
  }
  Sqe sqe;
  if (!memory_.take(sqe)) {
    quotas_.requests.give();
    return nullptr;
  }
  auto* const request = new (std::nothrow) Request(*this, by, sqe);
  if (request == nullptr) {
    quotas_.requests.give();
    return fail(Errno::TryAgain);
  }
  ++count_;
  all_.push_back(*request);
  by.add(*request);
  return request;
}

Answer<std::uint32_t> Ring::submit(Submitter& by, std::uint32_t count) {
  if (!enabled_) return fail(Errno::BadState);
  if ((flags_ & setup::kSingleIssuer) != 0 && only_ != &by) return fail(Errno::Exists);
  flush();
  count = std::min(count, memory_.submissions());
  std::uint32_t taken = 0;
  Chain chain;
  Answer<> stopped;
  while (taken < count && memory_.submissions() != 0) {
    const auto request = take(by);
    if (!request) stopped = fail(request.error());
    if (!request || *request == nullptr) break;
    ++taken;
    submitting_ = true;
    const bool ok = add_to(chain, **request);
    const bool over = pump(kStride);
    submitting_ = false;
    if (!over) go_on(by);
    if (taken % kStride == 0) by.breathe();
    if (!ok && (flags_ & setup::kSubmitAll) == 0) break;
  }
  if (chain.first != nullptr) admit(chain);
  go_on(by);
  memory_.commit();
  if (taken == 0 && !stopped) return fail(stopped.error());
  return taken;
}

void Ring::go_on(Submitter& by) {
  for (bool over = false; !over;) {
    submitting_ = true;
    over = pump(kStride);
    submitting_ = false;
    if (!over) by.breathe();
  }
}

Answer<> Ring::prepare_time(Request& request) {
  using namespace timeout;
  const bool changes = request.operation.kind == Kind::TimeoutRemove;
  if (changes && (request.sqe.how & (kUpdate | kLinkUpdate)) == 0) return {};
  FB_ASSIGN(auto time,
            request.submitter->get<vfs::Timespec>(changes ? request.sqe.offset : request.sqe.address));
  // As under Linux, the nanoseconds may be more than a second's.
  constexpr auto kSecond = static_cast<std::int64_t>(poll::kNanosecondsPerSecond);
  if (time.nanoseconds >= kSecond &&
      !__builtin_add_overflow(time.seconds, time.nanoseconds / kSecond, &time.seconds)) {
    time.nanoseconds %= kSecond;
  }
  FB_ASSIGN(const auto value, poll::duration_of(time));
  request.time = value;
  return {};
}

Answer<> Ring::prepare_pieces(Request& request) {
  if (request.sqe.length > kPiecesMost) return fail(Errno::Invalid);
  while (request.pieces.size() < request.sqe.length) FB_TRY(request.pieces.push_back({}));
  FB_TRY(request.submitter->read(
      core::VirtAddr(request.sqe.address),
      std::as_writable_bytes(std::span(request.pieces.begin(), request.pieces.size()))));
  request.size = 0;
  for (auto& piece : request.pieces) {
    if (static_cast<std::int64_t>(piece.size) < 0) return fail(Errno::Invalid);
    piece.size = std::min<std::uint64_t>(piece.size, vfs::kTransferMost - request.size);
    request.size += piece.size;
  }
  return {};
}

Answer<> Ring::prepare(Request& request) {
  FB_ASSIGN(request.operation, decode(request.sqe));
  skips_ = skips_ || request.is(sqe::kSkipSuccess);
  // Whoever waits for others counts their completions.
  if (skips_ && request.is(sqe::kDrain)) return fail(Errno::NotSupported);
  request.size = std::min<std::uint64_t>(request.sqe.length, vfs::kTransferMost);
  switch (request.operation.kind) {
    case Kind::Timeout:
    case Kind::TimeoutRemove:
    case Kind::LinkTimeout:
      return prepare_time(request);
    default:
      return request.operation.pieces ? prepare_pieces(request) : Answer<>();
  }
}

bool Ring::add_to(Chain& chain, Request& request) {
  auto ready = prepare(request);
  if (ready && request.operation.kind == Kind::LinkTimeout &&
      (chain.first == nullptr || chain.last->operation.kind == Kind::LinkTimeout)) {
    ready = fail(Errno::Invalid);
  }
  if (!ready) {
    chain.failed = true;
    request.result = -static_cast<std::int32_t>(ready.error());
  }
  request.state = Request::State::Linked;
  if (chain.first == nullptr) {
    chain.first = &request;
  } else {
    chain.last->next = &request;
  }
  chain.last = &request;
  if (request.is(sqe::kDrain)) chain.first->drains = true;
  if (request.is(sqe::kAnyLink)) return true;  // a chain is taken to its end
  admit(chain);                                // and nobody knows whether the request is still there
  return ready.has_value();
}

/// None of a chain is begun when one of it is not well-formed.
void Ring::admit(Chain& chain) {
  Request* const first = chain.first;
  const bool failed = chain.failed;
  chain = {};
  if (failed) {
    for (Request* request = first; request != nullptr;) {
      Request* const next = std::exchange(request->next, nullptr);
      finish(*request, request->result != 0 ? request->result : -static_cast<std::int32_t>(Errno::Canceled));
      request = next;
    }
    return;
  }
  if (deferred_.empty() && !must_wait(*first)) return start(*first);
  first->state = Request::State::Deferred;
  deferred_.push_back(*first);
}

bool Ring::must_wait(const Request& first) const { return first.drains ? admitted_ != 0 : draining_ != 0; }

void Ring::start(Request& first) {
  for (Request* request = &first; request != nullptr; request = request->next) {
    request->admitted = true;
    request->drains = first.drains;
    ++admitted_;
    if (request->drains) ++draining_;
  }
  first.state = Request::State::Runnable;
  runnable_.push_back(first);
}

}  // namespace fb::libos::posix::uring
