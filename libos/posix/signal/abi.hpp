// Signals as Linux x86-64 programs know them (signal(7), sigaction(2); uapi asm/signal.h, asm-generic/siginfo.h).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fb::libos::posix::signal {

/// 1 to 64; those without a name here are real-time signals.
enum class Signal : std::uint8_t {
  HangUp = 1,
  Interrupt,
  Quit,
  Illegal,
  Trap,
  Abort,
  Bus,
  Arithmetic,
  Kill,
  User1,
  Segment,
  User2,
  Pipe,
  Alarm,
  Terminate,
  StackFault,
  Child,
  Continue,
  Stop,
  TerminalStop,
  TerminalInput,
  TerminalOutput,
  Urgent,
  CpuLimit,
  FileLimit,
  VirtualAlarm,
  Profile,
  Window,
  Io,
  Power,
  BadCall,
  FirstRealTime,
  Last = 64,
};

/// A program's number; 0, which asks whether one could, and everything above 64 are none.
constexpr std::optional<Signal> signal_of(std::uint64_t number) {
  if (number == 0 || number > static_cast<std::uint64_t>(Signal::Last)) return std::nullopt;
  return static_cast<Signal>(number);
}

/// sigset_t: bit n - 1 is signal n.
class Set {
 public:
  constexpr Set() = default;
  constexpr explicit Set(std::uint64_t bits) : bits_(bits) {}
  template <class... S>
  static constexpr Set of(S... signals) {
    return Set((bit(signals) | ... | 0));
  }
  [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool has(Signal signal) const { return (bits_ & bit(signal)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  constexpr void add(Signal signal) { bits_ |= bit(signal); }
  constexpr void remove(Signal signal) { bits_ &= ~bit(signal); }
  /// The lowest of them. Not of an empty set.
  [[nodiscard]] constexpr Signal lowest() const { return static_cast<Signal>(std::countr_zero(bits_) + 1); }
  constexpr Set operator|(Set other) const { return Set(bits_ | other.bits_); }
  constexpr Set operator&(Set other) const { return Set(bits_ & other.bits_); }
  constexpr Set operator~() const { return Set(~bits_); }
  constexpr bool operator==(const Set&) const = default;

 private:
  static constexpr std::uint64_t bit(Signal signal) {
    return std::uint64_t{1} << (static_cast<unsigned>(signal) - 1);
  }
  std::uint64_t bits_ = 0;
};

/// Nobody blocks or ignores these.
inline constexpr Set kUnstoppable = Set::of(Signal::Kill, Signal::Stop);
/// What an instruction brings about; they go before others.
inline constexpr Set kSynchronous =
    Set::of(Signal::Segment, Signal::Bus, Signal::Illegal, Signal::Trap, Signal::Arithmetic, Signal::BadCall);
inline constexpr Set kStops =
    Set::of(Signal::Stop, Signal::TerminalStop, Signal::TerminalInput, Signal::TerminalOutput);

namespace code {
inline constexpr std::int32_t kUser = 0, kKernel = 0x80, kQueue = -1, kTimer = -2, kThread = -6;
inline constexpr std::int32_t kChildExited = 1, kChildKilled = 2, kChildStopped = 5, kChildContinued = 6;
inline constexpr std::int32_t kNotMapped = 1, kNotAllowed = 2, kBusAddress = 2;
inline constexpr std::int32_t kDividedByZero = 1, kInvalidFloat = 7, kBadOpcode = 2, kTraced = 2;
}  // namespace code

/// siginfo_t.
struct Info {
  std::int32_t number = 0, error = 0, code = 0, padding = 0;
  std::array<std::uint64_t, 14> payload{};

  [[nodiscard]] constexpr Signal signal() const { return static_cast<Signal>(number); }
  static constexpr Info of(Signal signal, std::int32_t code) {
    return {.number = static_cast<std::int32_t>(signal), .code = code};
  }
  static constexpr Info from(Signal signal, std::int32_t code, std::int32_t pid, std::uint32_t uid,
                             std::uint64_t value = 0) {
    Info info = of(signal, code);
    info.payload = {static_cast<std::uint32_t>(pid) | std::uint64_t{uid} << 32, value};
    return info;
  }
  /// `address` is the instruction's, or the one that it touched.
  static constexpr Info fault(Signal signal, std::int32_t code, std::uint64_t address) {
    Info info = of(signal, code);
    info.payload[0] = address;
    return info;
  }
};
static_assert(sizeof(Info) == 128 && offsetof(Info, payload) == 16);

namespace action {
inline constexpr std::uint64_t kNoChildStop = 1, kNoChildWait = 2, kInfo = 4, kRestorer = 0x0400'0000,
                               kOnStack = 0x0800'0000, kRestart = 0x1000'0000, kNoDefer = 0x4000'0000,
                               kReset = 0x8000'0000;
inline constexpr std::uint64_t kDefault = 0, kIgnore = 1;
}  // namespace action

/// struct sigaction, as rt_sigaction has it.
struct Action {
  std::uint64_t handler = action::kDefault, flags = 0, restorer = 0, mask = 0;
  [[nodiscard]] bool handled() const { return handler != action::kDefault && handler != action::kIgnore; }
};
static_assert(sizeof(Action) == 32);

/// stack_t.
struct AlternateStack {
  static constexpr std::uint32_t kOn = 1, kDisabled = 2, kAutoDisarm = 1U << 31;
  static constexpr std::uint64_t kLeast = 2048;
  std::uint64_t address = 0;
  std::uint32_t flags = kDisabled;
  std::uint32_t padding = 0;
  std::uint64_t size = 0;

  [[nodiscard]] bool enabled() const { return size != 0; }
  [[nodiscard]] bool holds(std::uint64_t stack_pointer) const {
    return stack_pointer > address && stack_pointer - address <= size;
  }
  /// Somebody runs on it, and it is not one that disarms itself.
  [[nodiscard]] bool occupied(std::uint64_t stack_pointer) const {
    return enabled() && (flags & kAutoDisarm) == 0 && holds(stack_pointer);
  }
  /// As sigaltstack tells it, and a frame keeps it.
  [[nodiscard]] AlternateStack with_state(std::uint64_t stack_pointer) const {
    AlternateStack told = *this;
    told.flags &= kAutoDisarm;
    if (!enabled()) told.flags |= kDisabled;
    if (occupied(stack_pointer)) told.flags |= kOn;
    return told;
  }
};
static_assert(sizeof(AlternateStack) == 24);

}  // namespace fb::libos::posix::signal
