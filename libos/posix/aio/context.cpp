#include "libos/posix/aio/context.hpp"

#include <new>

namespace fb::libos::posix::aio {

/// A file that is waited for.
class Context::Poll {
 public:
  Poll(Context& its, const Tag& told, const Ref<vfs::File>& of, std::uint32_t events)
      : tag(told), file(of), wanted(events | poll::event::kAlways), context_(its) {}

  void join(const vfs::PollState& state) {
    for (std::size_t i = 0; i < joined_.size(); ++i) {
      joined_[i].leave();
      if (state.queues[i] != nullptr) joined_[i].join(*state.queues[i]);
    }
  }

  Tag tag;
  Ref<vfs::File> file;
  std::uint32_t wanted;
  bool changed = false;

 private:
  class Joined final : public poll::JoinedQueue {
   public:
    explicit Joined(Poll& poll) : poll_(poll) {}

   private:
    /// It is looked at when whoever changed the file is done with it.
    void woken() override {
      poll_.changed = true;
      auto& alarms = poll_.context_.services_.alarms;
      alarms.set(poll_.context_, alarms.now());
    }
    Poll& poll_;
  };

  Context& context_;
  std::array<Joined, 2> joined_{Joined(*this), Joined(*this)};
};

Context::Context(poll::Services& services, Quotas& quotas, Ring ring, std::uint32_t events)
    : services_(services), quotas_(quotas), ring_(std::move(ring)), events_(events) {}

Context::~Context() {
  end();
  services_.alarms.cancel(*this);
  quotas_.events.give(events_);
  quotas_.contexts.give();
}

Answer<Ref<Context>> Context::make(poll::Services& services, Frames& frames, Quotas& quotas,
                                   std::uint32_t events) {
  if (!quotas.events.take(events)) return fail(Errno::TryAgain);
  if (!quotas.contexts.take()) {
    quotas.events.give(events);
    return fail(Errno::TryAgain);
  }
  const auto give_back = [&](Errno error) {
    quotas.events.give(events);
    quotas.contexts.give();
    return fail(error);
  };
  auto ring = Ring::make(frames, events);
  if (!ring) return give_back(ring.error());
  auto made = make_shared<Context>(services, quotas, std::move(*ring), events);
  if (!made) return give_back(made.error());
  return *made;
}

void Context::complete(const Tag& tag, std::int64_t result) {
  ring_.put({.data = tag.data, .object = tag.object, .result = result, .result2 = 0});
  if (tag.events) tag.events->signal();
  waiting_.wake_all();
}

Answer<> Context::wait_for(const Tag& tag, const Ref<vfs::File>& file, std::uint32_t events) {
  const auto state = file->poll();
  if (const auto found = state.events & (events | poll::event::kAlways); found != 0) {
    complete(tag, found);
    return {};
  }
  if (!quotas_.polls.take()) return fail(Errno::TryAgain);
  Poll* const poll = new (std::nothrow) Poll(*this, tag, file, events);
  if (poll == nullptr || !polls_.push_back(poll)) {
    delete poll;
    quotas_.polls.give();
    return fail(Errno::NoMemory);
  }
  poll->join(state);
  return {};
}

void Context::end_poll(std::size_t i) {
  Poll* const poll = polls_[i];
  polls_[i] = polls_.back();
  polls_.erase(polls_.size() - 1);
  quotas_.polls.give();
  delete poll;
}

void Context::finish(std::size_t i, std::uint32_t events) {
  const Tag tag = polls_[i]->tag;
  end_poll(i);
  complete(tag, events);
}

void Context::look(std::size_t i) {
  Poll& poll = *polls_[i];
  poll.changed = false;
  if (const auto found = poll.file->poll().events & poll.wanted; found != 0) finish(i, found);
}

void Context::ring() {
  const Ref<Context> keep(*this);
  for (std::size_t i = polls_.size(); i-- != 0;) {
    if (i < polls_.size() && polls_[i]->changed) look(i);
  }
}

bool Context::cancel(std::uint64_t object) {
  for (std::size_t i = 0; i < polls_.size(); ++i) {
    if (polls_[i]->tag.object != object) continue;
    finish(i, 0);
    return true;
  }
  return false;
}

Answer<> Context::sleep(vfs::Waiter& waiter, core::Nanoseconds deadline) {
  if (ended_) return fail(Errno::Invalid);
  FB_TRY(waiter.wait(waiting_, deadline));
  return ended_ ? fail(Errno::Invalid) : Answer<>();
}

void Context::end() {
  ended_ = true;
  while (!polls_.empty()) end_poll(polls_.size() - 1);
  waiting_.wake_all();
}

Answer<Ref<Context>> Contexts::find(core::VirtAddr at) const {
  for (const auto& context : all_) {
    if (context->at == at) return context;
  }
  return fail(Errno::Invalid);
}

void Contexts::remove(const Context& context) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].get() == &context) return all_.erase(i);
  }
}

}  // namespace fb::libos::posix::aio
