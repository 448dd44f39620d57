// What is done to descriptors and descriptions: fcntl, flock, close_range.
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/lock_call.hpp"
#include "libos/posix/vfs/memory_file.hpp"
#include "libos/posix/vfs/pipe.hpp"

namespace fb::libos::posix::call {
namespace {

enum Command : std::uint32_t {
  kDuplicate = 0,
  kGetFlags = 1,
  kSetFlags = 2,
  kGetStatus = 3,
  kSetStatus = 4,
  kGetLock = 5,
  kSetLock = 6,
  kSetLockWait = 7,
  kSetOwner = 8,
  kGetOwner = 9,
  kSetSignal = 10,
  kGetSignal = 11,
  kSetOwnerEx = 15,
  kGetOwnerEx = 16,
  kGetDescriptionLock = 36,
  kSetDescriptionLock = 37,
  kSetDescriptionLockWait = 38,
  kSetLease = 1024,
  kGetLease = 1025,
  kIsSame = 1027,
  kDuplicateCloseOnExec = 1030,
  kSetPipeSize = 1031,
  kGetPipeSize = 1032,
  kAddSeals = 1033,
  kGetSeals = 1034,
};

/// struct f_owner_ex.
struct Owner {
  std::int32_t type, pid;
};
constexpr std::int32_t kThread = 0, kGroup = 2;

Done set_lock(Call& call, const Ref<vfs::File>& file, bool description, bool waits) {
  FB_ASSIGN(const auto lock, call.get<vfs::FileLock>(call.address(2)));
  auto& descriptors = call.process.descriptors;
  const vfs::LockCall locking{*file, descriptors.lock_owner(), call.process.pid.raw(), description};
  auto waiter = call.waiter();
  FB_TRY(vfs::set_lock(locking, lock, waits ? &waiter : nullptr));
  // While it waited, another thread may have closed the descriptor, and with it ended locks that were not there yet.
  const auto now = descriptors.get(call.number32(0));
  if (description || lock.type == vfs::FileLock::kUnlock || (now && *now == file)) return 0;
  if (file->inode()) vfs::Locks::forget(*file->inode(), descriptors.lock_owner());
  return fail(Errno::BadDescriptor);
}

Done lock_command(Call& call, const Ref<vfs::File>& file) {
  const auto command = call.word32(1);
  const bool description = command >= kGetDescriptionLock;
  if (command != kGetLock && command != kGetDescriptionLock) {
    return set_lock(call, file, description, command == kSetLockWait || command == kSetDescriptionLockWait);
  }
  FB_ASSIGN(const auto lock, call.get<vfs::FileLock>(call.address(2)));
  const vfs::LockCall locking{*file, call.process.descriptors.lock_owner(), call.process.pid.raw(),
                              description};
  FB_ASSIGN(const auto told, vfs::get_lock(locking, lock));
  FB_TRY(call.put(call.address(2), told));
  return 0;
}

/// Who is told of what happens to a file, and how: kept, for who asks.
Done owner_command(Call& call, vfs::File& file) {
  constexpr std::int32_t kSignals = 64;
  switch (call.word32(1)) {
    case kSetOwner:
      file.owner = call.number32(2);
      return 0;
    case kGetOwner:
      return static_cast<std::uint64_t>(std::int64_t{file.owner});
    case kSetSignal:
      if (call.number32(2) < 0 || call.number32(2) > kSignals) return fail(Errno::Invalid);
      file.signal = call.number32(2);
      return 0;
    case kGetSignal:
      return static_cast<std::uint64_t>(file.signal);
    case kSetOwnerEx: {
      FB_ASSIGN(const auto owner, call.get<Owner>(call.address(2)));
      if (owner.type < kThread || owner.type > kGroup || owner.pid < 0) return fail(Errno::Invalid);
      file.owner = owner.type == kGroup ? -owner.pid : owner.pid;
      return 0;
    }
    default: {
      const bool group = file.owner < 0;
      FB_TRY(call.put(call.address(2), Owner{group ? kGroup : 1, group ? -file.owner : file.owner}));
      return 0;
    }
  }
}

Done file_command(Call& call, const Ref<vfs::File>& file) {
  vfs::Pipe* const pipe = file->pipe_behind();
  switch (call.word32(1)) {
    case kSetStatus:
      file->set_flags(call.word32(2));
      return 0;
    case kGetLock:
    case kSetLock:
    case kSetLockWait:
    case kGetDescriptionLock:
    case kSetDescriptionLock:
    case kSetDescriptionLockWait:
      return lock_command(call, file);
    case kSetOwner:
    case kGetOwner:
    case kSetSignal:
    case kGetSignal:
    case kSetOwnerEx:
    case kGetOwnerEx:
      return owner_command(call, *file);
    case kGetLease:
      return vfs::FileLock::kUnlock;
    case kSetPipeSize:
      if (pipe == nullptr) return fail(Errno::BadDescriptor);
      return pipe->resize(call.word32(2));
    case kGetPipeSize:
      if (pipe == nullptr) return fail(Errno::BadDescriptor);
      return pipe->capacity();
    case kAddSeals:
      FB_TRY(vfs::add_seals(*file, call.word32(2)));
      return 0;
    case kGetSeals: {
      FB_ASSIGN(const auto seals, vfs::get_seals(*file));
      return seals;
    }
    default:
      return fail(Errno::Invalid);
  }
}

}  // namespace

Done do_fcntl(Call& call) {
  auto& descriptors = call.process.descriptors;
  FB_ASSIGN(const auto file, descriptors.get(call.number32(0)));
  switch (call.word32(1)) {
    case kDuplicate:
    case kDuplicateCloseOnExec: {
      FB_ASSIGN(const auto made,
                descriptors.duplicate(call.number32(0), call.word32(1) != kDuplicate, call.number32(2)));
      return static_cast<std::uint64_t>(made);
    }
    case kGetFlags: {
      FB_ASSIGN(const bool closes, descriptors.close_on_exec(call.number32(0)));
      return closes ? 1 : 0;
    }
    case kSetFlags:
      FB_TRY(descriptors.set_close_on_exec(call.number32(0), (call.word(2) & 1) != 0));
      return 0;
    case kGetStatus:
      return file->flags();
    case kIsSame: {
      FB_ASSIGN(const auto other, descriptors.get(call.number32(2)));
      return file == other ? 1 : 0;
    }
    default:
      if (file->path_only()) return fail(Errno::BadDescriptor);
      return file_command(call, file);
  }
}

Done do_flock(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  auto waiter = call.waiter();
  FB_TRY(vfs::lock_whole(*file, call.word32(1), waiter));
  return 0;
}

Done do_close_range(Call& call) {
  constexpr std::uint32_t kUnshare = 2, kCloseOnExec = 4;
  const auto first = call.word32(0), last = call.word32(1), flags = call.word32(2);
  if ((flags & ~(kUnshare | kCloseOnExec)) != 0 || first > last) return fail(Errno::Invalid);
  constexpr std::uint32_t kMost = 0x7fff'ffff;
  auto& descriptors = call.process.descriptors;
  auto at = first > kMost ? std::nullopt : descriptors.next_open(static_cast<vfs::Descriptor>(first));
  for (; at && static_cast<std::uint32_t>(*at) <= last; at = descriptors.next_open(*at + 1)) {
    if ((flags & kCloseOnExec) != 0) {
      FB_TRY(descriptors.set_close_on_exec(*at, true));
    } else {
      FB_TRY(descriptors.close(*at));
    }
  }
  return 0;
}

}  // namespace fb::libos::posix::call
