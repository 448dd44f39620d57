// What programs and rings agree on: layouts and values of x86-64 (uapi linux/io_uring.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fb::libos::posix::uring {

/// struct io_uring_sqe. Names are those of the most common use; what an operation makes of them is its own.
struct Sqe {
  std::uint8_t opcode, flags;
  std::uint16_t priority;
  std::int32_t descriptor;
  std::uint64_t offset;  ///< or the second address
  std::uint64_t address;
  std::uint32_t length;
  std::uint32_t how;  ///< the flags of the operation
  std::uint64_t user_data;
  std::uint16_t buffer;
  std::uint16_t personality;
  std::uint32_t file_index;
  std::uint64_t address3, padding;
};
static_assert(sizeof(Sqe) == 64 && offsetof(Sqe, user_data) == 32 && offsetof(Sqe, file_index) == 44);

/// struct io_uring_cqe.
struct Cqe {
  std::uint64_t user_data;
  std::int32_t result;
  std::uint32_t flags;
};
static_assert(sizeof(Cqe) == 16);
inline constexpr std::uint32_t kMore = 2;  ///< IORING_CQE_F_MORE

struct SqOffsets {
  std::uint32_t head, tail, mask, entries, flags, dropped, array, reserved;
  std::uint64_t user_address;
};
struct CqOffsets {
  std::uint32_t head, tail, mask, entries, overflow, cqes, flags, reserved;
  std::uint64_t user_address;
};
/// struct io_uring_params.
struct Params {
  std::uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_descriptor;
  std::array<std::uint32_t, 3> reserved;
  SqOffsets sq;
  CqOffsets cq;
};
static_assert(sizeof(Params) == 120);

inline constexpr std::uint32_t kSqEntriesMost = 32768, kCqEntriesMost = 2 * kSqEntriesMost;
/// Where mmap finds what; both rings are in one region.
inline constexpr std::uint64_t kMapSq = 0, kMapCq = 0x800'0000, kMapSqes = 0x1000'0000;

namespace setup {
inline constexpr std::uint32_t kCqSize = 1U << 3, kClamp = 1U << 4, kDisabled = 1U << 6, kSubmitAll = 1U << 7,
                               kCoopTaskRun = 1U << 8, kTaskRunFlag = 1U << 9, kSingleIssuer = 1U << 12,
                               kDeferTaskRun = 1U << 13, kNoSqArray = 1U << 16;
inline constexpr std::uint32_t kKnown = kCqSize | kClamp | kDisabled | kSubmitAll | kCoopTaskRun |
                                        kTaskRunFlag | kSingleIssuer | kDeferTaskRun | kNoSqArray;
}  // namespace setup

/// SINGLE_MMAP, NODROP, SUBMIT_STABLE, RW_CUR_POS, CUR_PERSONALITY, FAST_POLL, POLL_32BITS, EXT_ARG, CQE_SKIP, LINKED_FILE.
inline constexpr std::uint32_t kFeatures =
    1U << 0 | 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 8 | 1U << 11 | 1U << 12;

namespace enter {
inline constexpr std::uint32_t kGetEvents = 1, kWakeUp = 2, kSqWait = 4, kExtended = 8;
inline constexpr std::uint32_t kKnown = kGetEvents | kWakeUp | kSqWait | kExtended;
/// struct io_uring_getevents_arg.
struct Extended {
  std::uint64_t mask;
  std::uint32_t mask_size, least_wait;
  std::uint64_t time;
};
static_assert(sizeof(Extended) == 24);
}  // namespace enter

namespace sqe {
inline constexpr std::uint8_t kFixedFile = 1, kDrain = 2, kLink = 4, kHardLink = 8, kAsync = 16,
                              kSelectBuffer = 32, kSkipSuccess = 64;
inline constexpr std::uint8_t kKnown = 127, kAnyLink = kLink | kHardLink;
}  // namespace sqe

inline constexpr std::uint32_t kOverflowing = 2;  ///< of the submission ring's flags: IORING_SQ_CQ_OVERFLOW
inline constexpr std::uint32_t kEventsOff =
    1;  ///< of the completion ring's flags: IORING_CQ_EVENTFD_DISABLED

enum class Opcode : std::uint8_t {
  Nop,
  ReadV,
  WriteV,
  FileSync,
  ReadFixed,
  WriteFixed,
  PollAdd,
  PollRemove,
  SyncFileRange,
  SendMessage,
  ReceiveMessage,
  Timeout,
  TimeoutRemove,
  Accept,
  AsyncCancel,
  LinkTimeout,
  Connect,
  Allocate,
  OpenAt,
  Close,
  FilesUpdate,
  StatX,
  Read,
  Write,
  Advise,
  AdviseMemory,
  Send,
  Receive,
  OpenAt2,
  EpollControl,
  Splice,
  ProvideBuffers,
  RemoveBuffers,
  Tee,
  ShutDown,
  RenameAt,
  UnlinkAt,
  MakeDirectoryAt,
  SymlinkAt,
  LinkAt
};
inline constexpr std::size_t kOpcodes = static_cast<std::size_t>(Opcode::LinkAt) + 1;

namespace timeout {
inline constexpr std::uint32_t kAbsolute = 1, kUpdate = 2, kBootTime = 4, kRealTime = 8, kLinkUpdate = 16,
                               kTimeSuccess = 32;
}  // namespace timeout

namespace cancel {
inline constexpr std::uint32_t kAll = 1, kDescriptor = 2, kAny = 4, kFixed = 8, kUserData = 16, kOpcode = 32,
                               kKnown = 63;
}  // namespace cancel

inline constexpr std::uint32_t kPollMany = 1;    ///< IORING_POLL_ADD_MULTI, in the length
inline constexpr std::uint32_t kPollFirst = 1;   ///< IORING_RECVSEND_POLL_FIRST, in the priority
inline constexpr std::uint32_t kAcceptMany = 1;  ///< IORING_ACCEPT_MULTISHOT, in the priority
inline constexpr std::uint32_t kDataSync = 1;    ///< IORING_FSYNC_DATASYNC

namespace registering {
enum Operation : std::uint32_t {
  kBuffers = 0,
  kNoBuffers = 1,
  kFiles = 2,
  kNoFiles = 3,
  kEventFile = 4,
  kNoEventFile = 5,
  kFilesUpdate = 6,
  kEventFileAsync = 7,
  kProbe = 8,
  kEnable = 12
};
/// struct io_uring_files_update.
struct FilesUpdate {
  std::uint32_t offset, reserved;
  std::uint64_t descriptors;
};
/// struct io_uring_probe and its elements.
struct Probe {
  std::uint8_t last, count;
  std::uint16_t reserved;
  std::array<std::uint32_t, 3> reserved2;
};
struct ProbeOperation {
  std::uint8_t opcode, reserved;
  std::uint16_t flags;
  std::uint32_t reserved2;
};
static_assert(sizeof(Probe) == 16 && sizeof(ProbeOperation) == 8);
inline constexpr std::uint16_t kSupported = 1;
}  // namespace registering

}  // namespace fb::libos::posix::uring
