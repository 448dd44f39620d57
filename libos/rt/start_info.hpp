// What a program is told when it starts, and the conventions between it and whoever started it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/types.hpp"

namespace fb::libos::rt {

inline constexpr std::uint64_t kStartMagic = 0x4642'5354'4152'5401;  ///< "FBSTART", 1
inline constexpr std::uint64_t kStartVersion = 1;
inline constexpr std::size_t kMaxCpus = 16;
inline constexpr std::size_t kNameSize = 24;  ///< of programs and instances, with the NUL
inline constexpr std::size_t kFilesSize = 128;

/// The page whose address is the start argument of every program but the first domain's (that one gets an
/// exo_boot_info). Handles are the program's own, 0 where it was not given one. Text ends with a NUL.
struct StartInfo {
  std::uint64_t magic;
  std::uint64_t version;
  std::uint64_t domain, space, context, budget, event;
  std::uint64_t console;  ///< Gate: see protocol.hpp
  std::uint64_t archive;  ///< Pages of the boot archive
  std::uint64_t archive_bytes, archive_offset;
  std::uint64_t area;             ///< address of the context's exo_area, its call ring one page further on
  std::uint64_t authorities;      ///< ceiling of the domain
  std::uint64_t cpus;             ///< CPUs of the machine
  std::uint64_t slots[kMaxCpus];  ///< slice slots that the budget holds, per CPU; one is the context's
  std::uint64_t context_cpu;
  char name[kNameSize];
  char arguments[512];
  char files[kFilesSize];  ///< archives of the boot archive that its files are in, with commas between
};
static_assert(sizeof(StartInfo) <= core::kPageSize);

/// Where the starter puts things; the same as the kernel's for the first domain. All else is the program's.
inline constexpr std::uint64_t kReservedStart = 0x7ffe'0000'0000;
inline constexpr core::VirtAddr kStartInfoAddress{kReservedStart};
inline constexpr core::VirtAddr kAreaAddress{kReservedStart + 0x1'0000};
inline constexpr core::VirtAddr kStackTop{kReservedStart + 0x100'0000};
inline constexpr core::PageCount kStackPages{16};

/// What the bits of a program's event mean to its starter. The others are its own.
enum class Signal : std::uint8_t {
  Input = 0,   ///< the console has something to read
  Output = 1,  ///< the console takes output again
  Answer = 2,  ///< the answer to a request is there
  Stop = 3,    ///< please end
};
inline constexpr unsigned kFirstOwnBit = 8;
constexpr abi::EventBits bits_of(Signal signal) {
  return abi::EventBits(std::uint64_t{1} << static_cast<unsigned>(signal));
}

}  // namespace fb::libos::rt
