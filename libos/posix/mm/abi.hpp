// What Linux programs pass to the calls that shape their memory, x86-64 (uapi asm-generic/mman.h). The values are Linux's.
#pragma once

#include <cstdint>

#include "core/types.hpp"

namespace fb::libos::posix::mm {

inline constexpr std::uint32_t kProtNone = 0;
inline constexpr std::uint32_t kProtRead = 1;
inline constexpr std::uint32_t kProtWrite = 2;
inline constexpr std::uint32_t kProtExecute = 4;
inline constexpr std::uint32_t kProtAll = kProtRead | kProtWrite | kProtExecute;
inline constexpr std::uint32_t kProtSemaphores = 8;
inline constexpr std::uint32_t kProtGrowsDown = 0x0100'0000;
inline constexpr std::uint32_t kProtGrowsUp = 0x0200'0000;

inline constexpr std::uint32_t kMapShared = 0x1;
inline constexpr std::uint32_t kMapPrivate = 0x2;
inline constexpr std::uint32_t kMapSharedValidate = 0x3;
inline constexpr std::uint32_t kMapType = 0xf;
inline constexpr std::uint32_t kMapFixed = 0x10;
inline constexpr std::uint32_t kMapAnonymous = 0x20;
inline constexpr std::uint32_t kMap32Bit = 0x40;
inline constexpr std::uint32_t kMapGrowsDown = 0x100;
inline constexpr std::uint32_t kMapDenyWrite = 0x800;
inline constexpr std::uint32_t kMapExecutable = 0x1000;
inline constexpr std::uint32_t kMapLocked = 0x2000;
inline constexpr std::uint32_t kMapNoReserve = 0x4000;
inline constexpr std::uint32_t kMapPopulate = 0x8000;
inline constexpr std::uint32_t kMapNonBlock = 0x1'0000;
inline constexpr std::uint32_t kMapStack = 0x2'0000;
inline constexpr std::uint32_t kMapHugeTlb = 0x4'0000;
inline constexpr std::uint32_t kMapFixedNoReplace = 0x10'0000;
/// What MAP_SHARED_VALIDATE lets pass; it refuses every other flag.
inline constexpr std::uint32_t kMapKnown = kMapType | kMapFixed | kMapAnonymous | kMap32Bit | kMapGrowsDown |
                                           kMapDenyWrite | kMapExecutable | kMapLocked | kMapNoReserve |
                                           kMapPopulate | kMapNonBlock | kMapStack | kMapFixedNoReplace;

inline constexpr std::uint32_t kRemapMayMove = 1;
inline constexpr std::uint32_t kRemapFixed = 2;
inline constexpr std::uint32_t kRemapDontUnmap = 4;

enum class Advice : std::uint32_t {
  Normal = 0,
  Random = 1,
  Sequential = 2,
  WillNeed = 3,
  DontNeed = 4,
  Free = 8,
  Remove = 9,
  DontFork = 10,
  DoFork = 11,
  Mergeable = 12,
  Unmergeable = 13,
  HugePage = 14,
  NoHugePage = 15,
  DontDump = 16,
  DoDump = 17,
  WipeOnFork = 18,
  KeepOnFork = 19,
  Cold = 20,
  PageOut = 21,
  PopulateRead = 22,
  PopulateWrite = 23,
  DontNeedLocked = 24,
  Collapse = 25,
};

inline constexpr std::uint32_t kLockOnFault = 1;                                           ///< of mlock2
inline constexpr std::uint32_t kLockCurrent = 1, kLockFuture = 2, kLockAllOnFault = 4;     ///< of mlockall
inline constexpr std::uint32_t kSyncAsync = 1, kSyncInvalidate = 2, kSyncSynchronous = 4;  ///< of msync

/// The lowest address that may be mapped (vm.mmap_min_addr).
inline constexpr std::uint64_t kLowest = 0x1'0000;
/// The end of what may be mapped: TASK_SIZE, one page below the end of the lower half.
inline constexpr std::uint64_t kTop = core::kUserEnd;
/// What stays free below an area that grows down.
inline constexpr std::uint64_t kStackGuard = 256 * core::kPageSize;

}  // namespace fb::libos::posix::mm
