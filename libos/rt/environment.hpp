// Who this program is and what it holds: the start page, checked once, with types.
#pragma once

#include <array>
#include <string_view>

#include "abi/calls.hpp"
#include "libos/rt/start_info.hpp"

namespace fb::libos::rt {

struct Environment {
  bool first_domain{};  ///< started by the kernel, not by another program
  abi::Cap<abi::ObjectType::Domain> domain;
  abi::Cap<abi::ObjectType::AddressSpace> space;
  abi::Cap<abi::ObjectType::Context> context;
  abi::Cap<abi::ObjectType::Budget> budget;
  abi::Cap<abi::ObjectType::Event> event;
  abi::Cap<abi::ObjectType::Gate> console;
  abi::Cap<abi::ObjectType::Pages> archive;
  core::ByteCount archive_bytes, archive_offset;
  const exo_area* area{};  ///< null when it was given none
  core::cap::Authorities authorities;
  std::uint64_t cpus{};
  core::CpuId context_cpu;
  std::array<std::uint64_t, kMaxCpus> slots{};
  std::string_view name, arguments, files;
};

/// Of this program. Views refer to the start page, which nobody writes any more.
const Environment& environment();

/// Ends the program: tells the console's owner the status, then stops this context. Does not return.
[[noreturn]] void end(int status);

}  // namespace fb::libos::rt

/// What a program defines; its result is the status that end() passes on.
int fb_main(const fb::libos::rt::Environment& environment);
