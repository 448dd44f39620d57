// What programs and the files of events agree on: values and layouts of x86-64 (uapi linux/eventpoll.h, eventfd.h, timerfd.h,
// inotify.h; asm-generic/poll.h).
#pragma once

#include "libos/posix/vfs/abi.hpp"

namespace fb::libos::posix::poll {

/// Beside those of vfs::poll.
namespace event {
inline constexpr std::uint32_t kReadBand = 0x80, kWriteBand = 0x200;
inline constexpr std::uint32_t kExclusive = 1U << 28, kWakeUp = 1U << 29, kOneShot = 1U << 30,
                               kEdge = 1U << 31;
/// How an item of an epoll behaves; the others are what it waits for.
inline constexpr std::uint32_t kBehaviour = kExclusive | kWakeUp | kOneShot | kEdge;
/// Told whether asked for or not.
inline constexpr std::uint32_t kAlways = vfs::poll::kError | vfs::poll::kHangUp;
}  // namespace event

/// struct pollfd.
struct PollRecord {
  std::int32_t descriptor;
  std::uint16_t wanted, found;
};
static_assert(sizeof(PollRecord) == 8 && offsetof(PollRecord, found) == 6);

/// struct epoll_event: packed on x86-64.
struct [[gnu::packed]] EpollEvent {
  std::uint32_t events;
  std::uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

enum class EpollOperation : std::uint32_t { Add = 1, Delete = 2, Modify = 3 };
inline constexpr std::size_t kEpollEventsMost = 0x7fff'ffff / sizeof(EpollEvent);

/// The flags of all the calls that make these files: those of open.
inline constexpr std::uint32_t kMakeFlags = vfs::flag::kCloseOnExec | vfs::flag::kNonBlock;
inline constexpr std::uint32_t kSemaphore = 1;  ///< EFD_SEMAPHORE

namespace timer {
inline constexpr std::uint32_t kAbsolute = 1, kCancelOnSet = 2;
enum class Clock : std::uint32_t { Real = 0, Monotonic = 1, Boot = 7, RealAlarm = 8, BootAlarm = 9 };
}  // namespace timer

/// struct itimerspec.
struct TimerSetting {
  vfs::Timespec interval, value;
};
static_assert(sizeof(TimerSetting) == 32);

namespace inotify {
inline constexpr std::uint32_t kEvents = 0xfff;  ///< IN_ALL_EVENTS: vfs::notice
inline constexpr std::uint32_t kUnmount = 0x2000, kOverflow = 0x4000, kIgnored = 0x8000;
inline constexpr std::uint32_t kOnlyDirectory = 0x0100'0000, kDontFollow = 0x0200'0000,
                               kExcludeUnlinked = 0x0400'0000, kMaskCreate = 0x1000'0000,
                               kMaskAdd = 0x2000'0000, kDirectory = 0x4000'0000, kOneShot = 0x8000'0000;
inline constexpr std::uint32_t kKnown = kEvents | kUnmount | kOverflow | kIgnored | kOnlyDirectory |
                                        kDontFollow | kExcludeUnlinked | kMaskCreate | kMaskAdd | kDirectory |
                                        kOneShot;

/// struct inotify_event up to its name, which is padded with zeros to a multiple of this size.
struct Record {
  std::int32_t watch;
  std::uint32_t mask, cookie, length;
};
static_assert(sizeof(Record) == 16);
}  // namespace inotify

}  // namespace fb::libos::posix::poll
