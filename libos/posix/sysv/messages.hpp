// System V message queues (uapi linux/msg.h; POSIX msgsnd, msgrcv).
#pragma once

#include "libos/posix/sysv/object.hpp"
#include "libos/posix/vfs/io.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::sysv {

namespace message {
inline constexpr std::size_t kQueues = 1024, kBytes = 8192, kQueueBytes = 16'384;  ///< MSGMNI, MSGMAX, MSGMNB
inline constexpr std::size_t kInAll = 65'536;                                      ///< messages of all queues
inline constexpr std::uint32_t kCut = 010000, kExcept = 020000, kCopy = 040000;
}  // namespace message

/// struct msqid64_ds.
struct QueueStat {
  Permissions permissions;
  std::int64_t sent, received, changed;
  std::uint64_t bytes, messages, most_bytes;
  std::int32_t last_sender, last_receiver;
  std::uint64_t reserved[2];
};
static_assert(sizeof(QueueStat) == 120);

struct Message {
  std::int64_t type = 0;
  Vector<std::byte> text;
};

class MessageQueue final : public Object, public Shared {
 public:
  Vector<Message> all;  ///< in the order that they came
  std::uint64_t bytes = 0, most_bytes = message::kQueueBytes;
  std::int64_t sent = 0, received = 0, changed = 0;
  std::int32_t last_sender = 0, last_receiver = 0;
  bool removed = false;
  vfs::WaitQueue to_send, to_receive;
};

class MessageQueues {
 public:
  /// Errors: Exists, NoEntry, Access, NoSpace, NoMemory.
  Answer<Id> get(const Caller& caller, std::int32_t key, std::uint32_t flags);
  /// Errors: Invalid, Access, TryAgain, NoMemory, IdentifierRemoved, RestartNoHandler.
  Answer<> send(const Caller& caller, Id id, Message message, std::uint32_t flags, vfs::Waiter& waiter);
  /// Of this type, of any when that is 0, or the lowest up to -type. Its text has at most `most` bytes. Errors: Invalid, Access,
  /// ArgumentsTooLong, NoMessage, IdentifierRemoved, NoCall for kCopy, RestartNoHandler.
  Answer<Message> receive(const Caller& caller, Id id, std::uint64_t most, std::int64_t type,
                          std::uint32_t flags, vfs::Waiter& waiter);
  Answer<QueueStat> stat(const Caller& caller, Id id) const;
  /// Errors: Invalid, Perm.
  Answer<> set(const Caller& caller, Id id, const Permissions& to, std::uint64_t most_bytes);
  Answer<> remove(const Caller& caller, Id id);
  [[nodiscard]] const Table<MessageQueue>& table() const { return table_; }
  [[nodiscard]] std::size_t messages() const { return messages_; }

 private:
  Table<MessageQueue> table_{message::kQueues};
  std::size_t messages_ = 0;
};

}  // namespace fb::libos::posix::sysv
