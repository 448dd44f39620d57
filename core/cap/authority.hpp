// The named elements of the authority lattice and how authority is handed down (E3.01, CAP-8).
#pragma once

#include "core/cap/rights.hpp"

namespace fb::core::cap {

// Three-Zone Harmony's diagram as sets of the authorities in authorities.def. It is drawn as a tree, but is
// none: Data lies below File, and Ipc below App, because the same authorities are in both.
inline constexpr Authorities kKernelAuthority =
    Authority::Hardware | Authority::MemoryPhys | Authority::Interrupt | Authority::IoPort;
inline constexpr Authorities kIpcAuthority = Authority::IpcSend | Authority::IpcRecv;
inline constexpr Authorities kFileAuthority =
    Authority::Filesystem | Authority::FileRead | Authorities(Authority::FileWrite);
inline constexpr Authorities kNetAuthority = Authority::Network | Authority::Socket;
inline constexpr Authorities kAppAuthority = Authority::ProcessCreate | Authority::Socket | kIpcAuthority;
inline constexpr Authorities kDataAuthority = Authority::FileRead | Authority::FileWrite;
inline constexpr Authorities kSystemAuthority = kKernelAuthority | kIpcAuthority;
inline constexpr Authorities kLibosAuthority =
    Authority::Scheduler | Authority::MemoryVirt | kFileAuthority | kNetAuthority;
inline constexpr Authorities kUserAuthority = kAppAuthority | kDataAuthority;
inline constexpr Authorities kRootAuthority = kSystemAuthority | kLibosAuthority | kUserAuthority;
static_assert(kRootAuthority == ceiling(Zone::Kernel) && kUserAuthority == ceiling(Zone::User));

/// Where a domain stands: what it may obtain, and the ceiling it stands under.
struct Standing {
  Zone zone = Zone::User;
  Authorities authorities;
  constexpr bool operator==(const Standing&) const = default;
};

/// The standing of a domain that `creator` makes: never a higher zone than its own, and of what is asked only
/// what the creator has and the zone's ceiling admits. So no sequence of creations lifts anybody (CAP-8).
constexpr Standing lower(Standing creator, Zone zone, Authorities asked) {
  const auto lowest = zone < creator.zone ? creator.zone : zone;
  return {lowest, asked.meet(creator.authorities).meet(ceiling(lowest))};
}

}  // namespace fb::core::cap
