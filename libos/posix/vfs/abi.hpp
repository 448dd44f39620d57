// What Linux programs and the file layer agree on: values and layouts of x86-64 (uapi asm-generic/fcntl.h, stat.h, poll.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fb::libos::posix::vfs {

/// The C names are macros wherever <fcntl.h> is, so these have names of their own.
namespace mode {
inline constexpr std::uint32_t kType = 0170000;
inline constexpr std::uint32_t kSocket = 0140000, kSymlink = 0120000, kRegular = 0100000, kBlock = 0060000,
                               kDirectory = 0040000, kCharacter = 0020000, kFifo = 0010000;
inline constexpr std::uint32_t kSetUid = 04000, kSetGid = 02000, kSticky = 01000, kPermissions = 07777;
inline constexpr std::uint32_t kGroupExecute = 010, kAnyExecute = 0111;
}  // namespace mode

namespace flag {
inline constexpr std::uint32_t kRead = 0, kWrite = 1, kReadWrite = 2, kAccess = 3;
inline constexpr std::uint32_t kCreate = 0100, kExclusive = 0200, kNoTerminal = 0400, kTruncate = 01000,
                               kAppend = 02000, kNonBlock = 04000, kDataSync = 010000, kAsync = 020000,
                               kDirect = 040000, kLargeFile = 0100000, kDirectory = 0200000,
                               kNoFollow = 0400000, kNoAccessTime = 01000000, kCloseOnExec = 02000000,
                               kSync = 04010000, kPath = 010000000, kTemporary = 020200000;
/// What F_SETFL may change.
inline constexpr std::uint32_t kSettable = kAppend | kNonBlock | kAsync | kDirect | kNoAccessTime;
}  // namespace flag

namespace at {
inline constexpr std::int32_t kWorkingDirectory = -100;
inline constexpr std::uint32_t kNoFollow = 0x100, kRemoveDirectory = 0x200, kEffectiveAccess = 0x200,
                               kFollow = 0x400, kNoAutomount = 0x800, kEmptyPath = 0x1000;
}  // namespace at

namespace renaming {
inline constexpr std::uint32_t kNoReplace = 1, kExchange = 2;
}  // namespace renaming

namespace allocation {
inline constexpr std::uint32_t kKeepSize = 1, kPunchHole = 2, kZeroRange = 0x10;
}  // namespace allocation

namespace seal {
inline constexpr std::uint32_t kSeal = 1, kShrink = 2, kGrow = 4, kWrite = 8, kFutureWrite = 16,
                               kExecute = 32;
inline constexpr std::uint32_t kNoWrites = kWrite | kFutureWrite, kAll = 63;
}  // namespace seal

/// RESOLVE_* of openat2.
namespace resolving {
inline constexpr std::uint32_t kNoCrossing = 1, kNoMagicLinks = 2, kNoSymlinks = 4, kBeneath = 8,
                               kInRoot = 16, kCached = 32, kAll = 63;
}  // namespace resolving

enum class Whence : std::uint8_t { Set = 0, Current = 1, End = 2, Data = 3, Hole = 4 };

namespace poll {
inline constexpr std::uint32_t kIn = 1, kPriority = 2, kOut = 4, kError = 8, kHangUp = 0x10, kInvalid = 0x20,
                               kReadNormal = 0x40, kWriteNormal = 0x100, kReadHangUp = 0x2000;
}  // namespace poll

inline constexpr std::size_t kNameMax = 255;   ///< bytes of a component
inline constexpr std::size_t kPathMax = 4096;  ///< bytes of a path with its NUL
inline constexpr std::uint32_t kLinksMost = 40;
inline constexpr std::uint64_t kLargestFile = 0x7fff'ffff'ffff'ffff;
inline constexpr std::size_t kTransferMost = 0x7fff'f000;  ///< bytes of one read or write (MAX_RW_COUNT)
inline constexpr std::size_t kPipeAtomic = 4096;
inline constexpr std::uint32_t kReadableBytes = 0x541B;  ///< FIONREAD

/// As the kernel packs a device number into 64 bits for stat.
constexpr std::uint64_t make_device(std::uint32_t major, std::uint32_t minor) {
  return (minor & 0xffU) | (major & 0xfffU) << 8 | (std::uint64_t{minor} & ~0xffULL) << 12 |
         (std::uint64_t{major} & ~0xfffULL) << 32;
}

struct Timespec {
  std::int64_t seconds, nanoseconds;
};

/// struct stat.
struct Stat {
  std::uint64_t device, inode, links;
  std::uint32_t mode, uid, gid, padding;
  std::uint64_t rdev;
  std::int64_t size, block_size, blocks;  ///< blocks of 512 bytes
  Timespec accessed, modified, changed;
  std::int64_t reserved[3];
};
static_assert(sizeof(Stat) == 144 && offsetof(Stat, links) == 16 && offsetof(Stat, mode) == 24);
static_assert(offsetof(Stat, rdev) == 40 && offsetof(Stat, size) == 48 && offsetof(Stat, accessed) == 72);

/// struct linux_dirent64 up to its name; records are padded to 8 bytes.
struct DirectoryRecord {
  std::uint64_t inode;
  std::int64_t offset;  ///< the cookie to go on behind it
  std::uint16_t length;
  std::uint8_t type;
};
inline constexpr std::size_t kDirectoryRecordName = 19;
static_assert(offsetof(DirectoryRecord, length) == 16 && offsetof(DirectoryRecord, type) == 18);

}  // namespace fb::libos::posix::vfs
