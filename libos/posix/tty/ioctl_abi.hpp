// Numbers of what can be asked of terminals (uapi asm-generic/ioctls.h).
#pragma once

#include <cstdint>

namespace fb::libos::posix::tty {

enum class Request : std::uint32_t {
  GetSettings = 0x5401,
  SetSettings = 0x5402,
  SetSettingsWhenSent = 0x5403,
  SetSettingsAndFlush = 0x5404,
  Break = 0x5409,
  Flow = 0x540A,
  Flush = 0x540B,
  Exclusive = 0x540C,
  NotExclusive = 0x540D,
  Acquire = 0x540E,
  GetGroup = 0x540F,
  SetGroup = 0x5410,
  Unsent = 0x5411,
  Simulate = 0x5412,
  GetWindow = 0x5413,
  SetWindow = 0x5414,
  Readable = 0x541B,
  SetPacket = 0x5420,
  GiveUp = 0x5422,
  SetDiscipline = 0x5423,
  GetDiscipline = 0x5424,
  BreakTime = 0x5425,
  BreakOn = 0x5427,
  BreakOff = 0x5428,
  GetSession = 0x5429,
  GetSettings2 = 0x802C542A,
  SetSettings2 = 0x402C542B,
  SetSettings2WhenSent = 0x402C542C,
  SetSettings2AndFlush = 0x402C542D,
  GetNumber = 0x80045430,
  SetLock = 0x40045431,
  GetDevice = 0x80045432,
  SendSignal = 0x40045436,
  HangUp = 0x5437,
  GetPacket = 0x80045438,
  GetLock = 0x80045439,
  GetExclusive = 0x80045440,
  OpenPeer = 0x5441,
};

/// Arguments of Flow and of Flush.
enum class FlowAction : std::uint64_t { StopOutput, StartOutput, SendStop, SendStart };
enum class FlushQueue : std::uint64_t { Input, Output, Both };

/// What a master in packet mode is told before the data (TIOCPKT_*).
namespace packet {
inline constexpr std::uint8_t kData = 0, kFlushRead = 1, kFlushWrite = 2, kStop = 4, kStart = 8, kNoStop = 16,
                              kDoStop = 32;
}

}  // namespace fb::libos::posix::tty
