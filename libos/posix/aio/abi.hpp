// What programs and contexts of asynchronous input and output agree on: layouts and values of x86-64 (uapi linux/aio_abi.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fb::libos::posix::aio {

/// struct iocb.
struct ControlBlock {
  std::uint64_t data;
  std::uint32_t key;
  std::uint32_t how;  ///< RWF_*
  std::uint16_t opcode, priority;
  std::int32_t descriptor;
  std::uint64_t buffer, size;
  std::int64_t offset;
  std::uint64_t reserved;
  std::uint32_t flags;
  std::int32_t event_descriptor;
};
static_assert(sizeof(ControlBlock) == 64 && offsetof(ControlBlock, key) == 8 &&
              offsetof(ControlBlock, flags) == 56);
inline constexpr std::uint32_t kKey = 0;        ///< what the key of a submitted one is
inline constexpr std::uint32_t kEventFile = 1;  ///< IOCB_FLAG_RESFD
inline constexpr std::uint64_t kEventsMost = 0x1000'0000 / 32;

/// struct io_event.
struct Event {
  std::uint64_t data, object;
  std::int64_t result, result2;
};
static_assert(sizeof(Event) == 32);

/// struct aio_ring, at the address that names the context; events follow. The program takes what is at the head.
struct RingHead {
  std::uint32_t id, events, head, tail, magic, compatible, incompatible, size;
};
static_assert(sizeof(RingHead) == 32);
inline constexpr std::uint32_t kMagic = 0xa10a'10a1;

enum class Opcode : std::uint16_t {
  Read = 0,
  Write = 1,
  Sync = 2,
  DataSync = 3,
  Poll = 5,
  ReadV = 7,
  WriteV = 8
};

}  // namespace fb::libos::posix::aio
