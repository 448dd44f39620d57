// A program's registers and the time it is given (DESIGN §6).
#pragma once

#include "libos/posix/base/errno.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::posix::machine {

/// The processor's time-stamp counter.
[[nodiscard]] inline core::Ticks time_stamp() { return core::Ticks(__builtin_ia32_rdtsc()); }

/// A reflecting context with vector state, and the page that its registers are in. Move-only.
class ProgramContext {
 public:
  using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;

  /// All registers as a program begins. Errors: NoMemory.
  static Answer<ProgramContext> make(SpaceCap space);

  [[nodiscard]] bool none() const { return context_.none(); }
  /// Its registers, to be read and written while it does not run.
  [[nodiscard]] exo_frame& frame() const { return area_.mapping.as<exo_area>()->frame; }
  /// The next run takes all registers from the frame: what a system call leaves open, rcx and r11, too.
  void resume_from_frame() const { frame().stop = static_cast<std::uint64_t>(abi::Stop::Fault); }
  /// Until it stops; see exo_context_run.
  [[nodiscard]] core::Result<abi::Stop> run(core::Nanoseconds deadline) const {
    return abi::calls::context_run(context_.get(), deadline, 0);
  }
  /// What it sees. From now on it sees another address space; it is not running. Errors: NoMemory.
  [[nodiscard]] SpaceCap space() const { return space_; }
  Answer<> set_space(SpaceCap space);
  [[nodiscard]] abi::Cap<abi::ObjectType::Context> cap() const { return context_.get(); }

 private:
  rt::Region area_;
  rt::Owned<abi::ObjectType::Context> context_;  // goes before its area
  SpaceCap space_;
};

}  // namespace fb::libos::posix::machine
