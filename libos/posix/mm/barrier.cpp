// membarrier (uapi linux/membarrier.h).
#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {
namespace {

enum Command : std::uint32_t {
  kQuery = 0,
  kGlobal = 1,
  kGlobalExpedited = 2,
  kRegisterGlobal = 4,
  kPrivate = 8,
  kRegisterPrivate = 16,
  kPrivateCore = 32,
  kRegisterCore = 64,
  kRegistrations = 512,
};

}  // namespace

Answer<std::uint64_t> Space::barrier(std::int32_t command, std::uint32_t flags) {
  constexpr std::uint32_t kAll = kGlobal | kGlobalExpedited | kRegisterGlobal | kPrivate | kRegisterPrivate |
                                 kPrivateCore | kRegisterCore | kRegistrations;
  if (flags != 0) return fail(Errno::Invalid);
  switch (static_cast<std::uint32_t>(command)) {
    case kQuery:
      return kAll;
    case kGlobal:
    case kGlobalExpedited:
      return 0;
    case kRegisterGlobal:
    case kRegisterPrivate:
    case kRegisterCore:
      barriers_ |= static_cast<std::uint32_t>(command);
      return 0;
    case kPrivate:
    case kPrivateCore:
      if ((barriers_ & static_cast<std::uint32_t>(command) << 1) == 0) return fail(Errno::Perm);
      return 0;
    case kRegistrations:
      return barriers_;
    default:
      return fail(Errno::Invalid);
  }
}

Space::Barrier Space::reach_of(std::int32_t command) {
  switch (static_cast<std::uint32_t>(command)) {
    case kGlobal:
    case kGlobalExpedited:
      return Barrier::All;
    case kPrivate:
    case kPrivateCore:
      return Barrier::Own;
    default:
      return Barrier::None;
  }
}

}  // namespace fb::libos::posix::mm
