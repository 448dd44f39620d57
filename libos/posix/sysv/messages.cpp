#include "libos/posix/sysv/messages.hpp"

namespace fb::libos::posix::sysv {

using namespace message;

namespace {

constexpr std::uint64_t kLargestText = 0x7fff'ffff'ffff'ffff;

/// Where the message is that a receiver asks for; the end when there is none.
std::size_t wanted(const MessageQueue& queue, std::int64_t type, bool except) {
  std::size_t found = queue.all.size();
  // The most negative number has no opposite.
  const std::int64_t most = type == std::int64_t{-0x7fff'ffff'ffff'ffff} - 1 ? 0x7fff'ffff'ffff'ffff : -type;
  for (std::size_t i = 0; i < queue.all.size(); ++i) {
    const std::int64_t its = queue.all[i].type;
    if (type >= 0) {
      if (type == 0 || (its == type) != except) return i;
    } else if (its <= most && (found == queue.all.size() || its < queue.all[found].type)) {
      found = i;
    }
  }
  return found;
}

Answer<> wait(MessageQueue& queue, vfs::WaitQueue& on, vfs::Waiter& waiter) {
  const auto answer = waiter.wait(on);
  if (queue.removed) return fail(Errno::IdentifierRemoved);
  return answer ? Answer<>() : fail(Errno::RestartNoHandler);
}

}  // namespace

Answer<Id> MessageQueues::get(const Caller& caller, std::int32_t key, std::uint32_t flags) {
  const auto make = [&] -> Answer<Ref<MessageQueue>> {
    FB_ASSIGN(auto made, make_shared<MessageQueue>());
    made->changed = caller.now;
    return made;
  };
  return table_.get(key, flags, caller.who, make, [](const MessageQueue&) { return Answer<>(); });
}

Answer<> MessageQueues::send(const Caller& caller, Id id, Message message, std::uint32_t flags,
                             vfs::Waiter& waiter) {
  if (message.type < 1 || message.text.size() > kBytes) return fail(Errno::Invalid);
  FB_ASSIGN(const auto queue, table_.find(id));
  FB_TRY(queue->check(caller.who, 2));
  const std::uint64_t size = message.text.size();
  while (queue->bytes + size > queue->most_bytes || queue->all.size() + 1 > queue->most_bytes) {
    if ((flags & kNoWait) != 0) return fail(Errno::TryAgain);
    FB_TRY(wait(*queue, queue->to_send, waiter));
  }
  if (messages_ >= kInAll) return fail(Errno::NoMemory);
  FB_TRY(queue->all.push_back(std::move(message)));
  ++messages_;
  queue->bytes += size;
  queue->last_sender = caller.pid;
  queue->sent = caller.now;
  queue->to_receive.wake_all();
  return {};
}

Answer<Message> MessageQueues::receive(const Caller& caller, Id id, std::uint64_t most, std::int64_t type,
                                       std::uint32_t flags, vfs::Waiter& waiter) {
  if ((flags & kCopy) != 0) return fail(Errno::NoCall);
  if (most > kLargestText) return fail(Errno::Invalid);
  FB_ASSIGN(const auto queue, table_.find(id));
  FB_TRY(queue->check(caller.who, 4));
  for (;;) {
    const std::size_t at = wanted(*queue, type, (flags & kExcept) != 0);
    if (at != queue->all.size()) {
      const std::uint64_t size = queue->all[at].text.size();
      if (size > most && (flags & kCut) == 0) return fail(Errno::ArgumentsTooLong);
      Message message = std::move(queue->all[at]);
      queue->all.erase(at);
      --messages_;
      queue->bytes -= size;
      while (message.text.size() > most) message.text.pop_back();
      queue->last_receiver = caller.pid;
      queue->received = caller.now;
      queue->to_send.wake_all();
      return message;
    }
    if ((flags & kNoWait) != 0) return fail(Errno::NoMessage);
    FB_TRY(wait(*queue, queue->to_receive, waiter));
  }
}

Answer<QueueStat> MessageQueues::stat(const Caller& caller, Id id) const {
  FB_ASSIGN(const auto queue, table_.find(id));
  FB_TRY(queue->check(caller.who, 4));
  return QueueStat{.permissions = queue->permissions,
                   .sent = queue->sent,
                   .received = queue->received,
                   .changed = queue->changed,
                   .bytes = queue->bytes,
                   .messages = queue->all.size(),
                   .most_bytes = queue->most_bytes,
                   .last_sender = queue->last_sender,
                   .last_receiver = queue->last_receiver,
                   .reserved = {}};
}

Answer<> MessageQueues::set(const Caller& caller, Id id, const Permissions& to, std::uint64_t most_bytes) {
  FB_ASSIGN(const auto queue, table_.find(id));
  FB_TRY(queue->check_owner(caller.who));
  // More than this no queue of ours holds, whoever asks for it.
  if (most_bytes > kQueueBytes && (!caller.who.root() || most_bytes > 4 * kQueueBytes))
    return fail(Errno::Perm);
  queue->set(to);
  queue->most_bytes = most_bytes;
  queue->changed = caller.now;
  queue->to_send.wake_all();
  return {};
}

Answer<> MessageQueues::remove(const Caller& caller, Id id) {
  FB_ASSIGN(const auto queue, table_.find(id));
  FB_TRY(queue->check_owner(caller.who));
  table_.remove(id);
  messages_ -= queue->all.size();
  queue->all.clear();
  queue->removed = true;
  queue->to_send.wake_all();
  queue->to_receive.wake_all();
  return {};
}

}  // namespace fb::libos::posix::sysv
