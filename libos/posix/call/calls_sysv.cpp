// System V shared memory (C4.11).
#include "libos/posix/call/sysv_caller.hpp"

namespace fb::libos::posix::call {
namespace {

/// struct shminfo64 and struct shm_info.
struct SegmentLimits {
  std::uint64_t largest, smallest, segments, per_process, all, reserved[4];
};
struct SegmentUse {
  std::int32_t used, padding;
  std::uint64_t total, resident, swapped, attempts, successes;
};

}  // namespace

Done do_shmget(Call& call) {
  FB_ASSIGN(const auto id,
            call.process.system.ipc.segments.get(call.process.system.frames, caller_of(call),
                                                 call.number32(0), call.word(1), call.word32(2)));
  return static_cast<std::uint64_t>(id);
}

Done do_shmat(Call& call) {
  FB_ASSIGN(const auto address,
            call.process.system.ipc.segments.attach(call.memory(), caller_of(call), call.number32(0),
                                                    call.address(1), call.word32(2)));
  return address.raw();
}

Done do_shmdt(Call& call) {
  FB_TRY(call.process.system.ipc.segments.detach(call.memory(), caller_of(call), call.address(0)));
  return 0;
}

Done do_shmctl(Call& call) {
  enum Command : std::uint32_t {
    kRemove,
    kSet,
    kStat,
    kInfo,
    kLock = 11,
    kUnlock,
    kStatPlace,
    kUse,
    kStatAny
  };
  auto& segments = call.process.system.ipc.segments;
  const auto caller = caller_of(call);
  auto id = call.number32(0);
  const auto highest = segments.table().highest();
  switch (call.word32(1)) {
    case kRemove:
      FB_TRY(segments.remove(caller, id));
      return 0;
    case kSet: {
      FB_ASSIGN(const auto to, call.get<sysv::SegmentStat>(call.address(2)));
      FB_TRY(segments.set(caller, id, to.permissions));
      return 0;
    }
    case kStatPlace:
    case kStatAny: {
      FB_ASSIGN(id, segments.table().id_at(call.word32(0)));
      [[fallthrough]];
    }
    case kStat: {
      FB_ASSIGN(const auto stat, segments.stat(caller, id));
      FB_TRY(call.put(call.address(2), stat));
      return call.word32(1) == kStat ? 0 : static_cast<std::uint64_t>(id);
    }
    case kInfo:
      FB_TRY(call.put(call.address(2), SegmentLimits{.largest = sysv::shared_memory::kLargest,
                                                     .smallest = 1,
                                                     .segments = sysv::shared_memory::kMost,
                                                     .per_process = sysv::shared_memory::kMost,
                                                     .all = sysv::shared_memory::kLargest >> core::kPageShift,
                                                     .reserved = {}}));
      return highest;
    case kUse:
      FB_TRY(call.put(call.address(2), SegmentUse{.used = static_cast<std::int32_t>(segments.table().used()),
                                                  .padding = 0,
                                                  .total = 0,
                                                  .resident = 0,
                                                  .swapped = 0,
                                                  .attempts = 0,
                                                  .successes = 0}));
      return highest;
    case kLock:
    case kUnlock:
      FB_TRY(segments.lock(caller, id, call.word32(1) == kLock));
      return 0;
    default:
      return fail(Errno::Invalid);
  }
}

}  // namespace fb::libos::posix::call
