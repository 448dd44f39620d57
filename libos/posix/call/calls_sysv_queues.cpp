// System V semaphores and message queues.
#include "libos/posix/call/sysv_caller.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

enum Command : std::uint32_t {
  kRemove = 0,
  kSet = 1,
  kStat = 2,
  kInfo = 3,
  kGetPid = 11,
  kGetValue,
  kGetAll,
  kGetWaiters,
  kGetZeroWaiters,
  kSetValue,
  kSetAll,
  kStatPlace,
  kUse,
  kStatAny,
  kQueueStatPlace = 11,
  kQueueUse = 12,
  kQueueStatAny = 13,
};

/// struct seminfo, struct msginfo.
struct SemaphoreLimits {
  std::int32_t map, sets, all, undos, in_set, operations, undo_entries, undo_size, largest, adjust;
};
struct QueueLimits {
  std::int32_t pool, map, largest, queue_bytes, queues, segment_size, all;
  std::uint16_t segments;
};

Done operate(Call& call, core::Nanoseconds deadline) {
  auto& semaphores = call.process.system.ipc.semaphores;
  const auto count = call.word32(2);
  if (count == 0) return fail(Errno::Invalid);
  if (count > sysv::semaphore::kOperations) return fail(Errno::ArgumentsTooLong);
  Vector<sysv::Operation> operations;
  FB_TRY(operations.reserve(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    FB_ASSIGN(const auto each,
              call.get<sysv::Operation>(call.address(1) + core::ByteCount(i * sizeof(sysv::Operation))));
    FB_TRY(operations.push_back(each));
  }
  auto waiter = call.waiter();
  FB_TRY(semaphores.operate(caller_of(call), call.number32(0), operations.view(), waiter, deadline));
  return 0;
}

Done get_all(Call& call, sysv::Id id) {
  auto& semaphores = call.process.system.ipc.semaphores;
  FB_ASSIGN(const auto count, semaphores.count(caller_of(call), id, sysv::kRead));
  ProgramOutput out(call.memory(), call.address(3));
  for (std::size_t i = 0; i < count; ++i) {
    FB_ASSIGN(const auto each, semaphores.look(caller_of(call), id, static_cast<std::int32_t>(i)));
    const auto value = static_cast<std::uint16_t>(each.value);
    FB_TRY(out.put(std::as_bytes(std::span(&value, 1))));
  }
  return 0;
}

Done set_all(Call& call, sysv::Id id) {
  auto& semaphores = call.process.system.ipc.semaphores;
  FB_ASSIGN(const auto count, semaphores.count(caller_of(call), id, sysv::kWrite));
  Vector<std::uint16_t> values;
  FB_TRY(values.reserve(count));
  while (values.size() < count) FB_TRY(values.push_back(0));
  FB_TRY(call.memory().read(call.address(3), std::as_writable_bytes(std::span(values.begin(), count))));
  FB_TRY(semaphores.set_values(caller_of(call), id, values.view()));
  return 0;
}

Done look(Call& call, sysv::Id id) {
  FB_ASSIGN(const auto told, call.process.system.ipc.semaphores.look(caller_of(call), id, call.number32(1)));
  switch (call.word32(2)) {
    case kGetPid:
      return static_cast<std::uint64_t>(told.pid);
    case kGetValue:
      return static_cast<std::uint64_t>(told.value);
    case kGetWaiters:
      return told.wait_more;
    default:
      return told.wait_zero;
  }
}

}  // namespace

Done do_semget(Call& call) {
  FB_ASSIGN(const auto id, call.process.system.ipc.semaphores.get(caller_of(call), call.number32(0),
                                                                  call.number32(1), call.word32(2)));
  return static_cast<std::uint64_t>(id);
}

Done do_semop(Call& call) { return operate(call, vfs::kForever); }
Done do_semtimedop(Call& call) {
  if (call.word(3) == 0) return operate(call, vfs::kForever);
  FB_ASSIGN(const auto time, call.get<vfs::Timespec>(call.address(3)));
  if (time.seconds < 0 || time.nanoseconds < 0 || static_cast<std::uint64_t>(time.nanoseconds) >= kSecond) {
    return fail(Errno::Invalid);
  }
  constexpr std::int64_t kLong = 1'000'000'000;  // seconds that nobody waits
  const auto seconds = static_cast<std::uint64_t>(std::min(time.seconds, kLong));
  const core::Nanoseconds after(seconds * kSecond + static_cast<std::uint64_t>(time.nanoseconds));
  return operate(call, call.waiter().now() + after);
}

Done do_semctl(Call& call) {
  auto& semaphores = call.process.system.ipc.semaphores;
  const auto caller = caller_of(call);
  auto id = call.number32(0);
  switch (call.word32(2)) {
    case kRemove:
      FB_TRY(semaphores.remove(caller, id));
      return 0;
    case kSet: {
      FB_ASSIGN(const auto to, call.get<sysv::SetStat>(call.address(3)));
      FB_TRY(semaphores.set(caller, id, to.permissions));
      return 0;
    }
    case kStatPlace:
    case kStatAny: {
      FB_ASSIGN(id, semaphores.table().id_at(call.word32(0)));
      [[fallthrough]];
    }
    case kStat: {
      FB_ASSIGN(const auto stat, semaphores.stat(caller, id));
      FB_TRY(call.put(call.address(3), stat));
      return call.word32(2) == kStat ? 0 : static_cast<std::uint64_t>(id);
    }
    case kGetPid:
    case kGetValue:
    case kGetWaiters:
    case kGetZeroWaiters:
      return look(call, id);
    case kGetAll:
      return get_all(call, id);
    case kSetAll:
      return set_all(call, id);
    case kSetValue:
      FB_TRY(semaphores.set_value(caller, id, call.number32(1), call.number32(3)));
      return 0;
    case kInfo:
    case kUse: {
      namespace s = sysv::semaphore;
      const bool use = call.word32(2) == kUse;
      SemaphoreLimits told{s::kInAll,      s::kSets,       s::kInAll, s::kInAll,   s::kInSet,
                           s::kOperations, s::kOperations, 20,        s::kLargest, s::kLargest};
      if (use) told.undo_size = static_cast<std::int32_t>(semaphores.table().used());
      if (use) told.adjust = static_cast<std::int32_t>(semaphores.semaphores());
      FB_TRY(call.put(call.address(3), told));
      return semaphores.table().highest();
    }
    default:
      return fail(Errno::Invalid);
  }
}

Done do_msgget(Call& call) {
  FB_ASSIGN(const auto id,
            call.process.system.ipc.queues.get(caller_of(call), call.number32(0), call.word32(1)));
  return static_cast<std::uint64_t>(id);
}

Done do_msgsnd(Call& call) {
  if (call.word(2) > sysv::message::kBytes) return fail(Errno::Invalid);
  sysv::Message message;
  FB_ASSIGN(message.type, call.get<std::int64_t>(call.address(1)));
  FB_TRY(message.text.reserve(call.word(2)));
  while (message.text.size() < call.word(2)) FB_TRY(message.text.push_back(std::byte{0}));
  FB_TRY(call.memory().read(call.address(1) + core::ByteCount(sizeof(std::int64_t)),
                            {message.text.begin(), message.text.size()}));
  auto waiter = call.waiter();
  FB_TRY(call.process.system.ipc.queues.send(caller_of(call), call.number32(0), std::move(message),
                                             call.word32(3), waiter));
  return 0;
}

Done do_msgrcv(Call& call) {
  auto waiter = call.waiter();
  FB_ASSIGN(const auto message, call.process.system.ipc.queues.receive(
                                    caller_of(call), call.number32(0), call.word(2),
                                    static_cast<std::int64_t>(call.word(3)), call.word32(4), waiter));
  FB_TRY(call.put(call.address(1), message.type));
  FB_TRY(call.memory().write(call.address(1) + core::ByteCount(sizeof(std::int64_t)), message.text.view()));
  return message.text.size();
}

Done do_msgctl(Call& call) {
  auto& queues = call.process.system.ipc.queues;
  const auto caller = caller_of(call);
  auto id = call.number32(0);
  switch (call.word32(1)) {
    case kRemove:
      FB_TRY(queues.remove(caller, id));
      return 0;
    case kSet: {
      FB_ASSIGN(const auto to, call.get<sysv::QueueStat>(call.address(2)));
      FB_TRY(queues.set(caller, id, to.permissions, to.most_bytes));
      return 0;
    }
    case kQueueStatPlace:
    case kQueueStatAny: {
      FB_ASSIGN(id, queues.table().id_at(call.word32(0)));
      [[fallthrough]];
    }
    case kStat: {
      FB_ASSIGN(const auto stat, queues.stat(caller, id));
      FB_TRY(call.put(call.address(2), stat));
      return call.word32(1) == kStat ? 0 : static_cast<std::uint64_t>(id);
    }
    case kInfo:
    case kQueueUse: {
      namespace m = sysv::message;
      QueueLimits told{0, m::kInAll, m::kBytes, m::kQueueBytes, m::kQueues, 16, m::kInAll, 0xffff};
      if (call.word32(1) == kQueueUse) {
        told.pool = static_cast<std::int32_t>(queues.table().used());
        told.map = static_cast<std::int32_t>(queues.messages());
      }
      FB_TRY(call.put(call.address(2), told));
      return queues.table().highest();
    }
    default:
      return fail(Errno::Invalid);
  }
}

}  // namespace fb::libos::posix::call
