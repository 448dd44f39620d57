// Calls as an attacker makes them: numbers in registers.
#pragma once

#include <array>

#include "abi/calls.hpp"
#include "libos/rt/environment.hpp"
#include "tests/system/harness/tap.hpp"

namespace fb::test {

using abi::CallNumber;
using core::Error;
using core::PageCount;
using core::VirtAddr;
using core::cap::Right;
using core::cap::Rights;
using T = abi::ObjectType;
namespace calls = abi::calls;
using abi::Cap;
using libos::rt::environment;

struct Raw {
  std::uint64_t status, value;
  [[nodiscard]] bool ok() const { return status == 0; }
  [[nodiscard]] Error error() const { return static_cast<Error>(status); }
};
/// Any call, with no header in r12. Calls that switch contexts keep rsp and rbp only, so nothing else is relied upon.
inline Raw raw(std::uint64_t number, const std::array<std::uint64_t, 6>& a) {
  std::uint64_t status = number, first = a[0], second = a[1], value = a[2];
  register std::uint64_t r10 asm("r10") = a[3];
  register std::uint64_t r8 asm("r8") = a[4];
  register std::uint64_t r9 asm("r9") = a[5];
  register std::uint64_t header asm("r12") = 0;
  asm volatile("syscall"
               : "+a"(status), "+D"(first), "+S"(second), "+d"(value), "+r"(r10), "+r"(r8), "+r"(r9),
                 "+r"(header)
               :
               : "rcx", "r11", "rbx", "r13", "r14", "r15", "memory", "cc");
  return {status, value};
}
inline Raw raw(CallNumber number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
               std::uint64_t d = 0, std::uint64_t e = 0, std::uint64_t f = 0) {
  return raw(static_cast<std::uint64_t>(number), {a, b, c, d, e, f});
}

/// Sleeps for some 100 µs on `event`'s own bit 63, which nobody signals; yields where there is no event to wait for.
void nap();
void open_nap();  ///< by the supervisor, once

/// Whether a status is one the contract names.
inline bool named(std::uint64_t status) { return status <= static_cast<std::uint64_t>(Error::Interrupted); }

inline bool is_valid(std::uint64_t handle) { return calls::cap_query(Cap<T::Any>(handle)).has_value(); }

/// xorshift64*: the same sequence in each run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed | 1) {}
  std::uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  std::uint64_t below(std::uint64_t limit) { return ((*this)() >> 11) % limit; }

 private:
  std::uint64_t state_;
};

/// Waits for something in shared memory: gives the CPU away, and after a while lets it sleep, because the host may have
/// fewer CPUs than the guest.
template <class Condition>
void spin_until(Condition&& holds) {
  for (unsigned i = 0; !holds(); ++i) i < 100 ? static_cast<void>(calls::yield()) : nap();
}

inline unsigned cpus() { return static_cast<unsigned>(environment().cpus); }

}  // namespace fb::test
