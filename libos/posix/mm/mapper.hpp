// What an address space asks of the machine.
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix::mm {

/// None is a page that the machine does not have. The kernel knows nothing writable and executable.
enum class Access : std::uint8_t { None, Read, ReadWrite, ReadExecute };

/// The page tables of one space. They may have less than they were told, never more: a page that is missing is asked for
/// again when the program touches it. What is asked may be put off until the program next runs, or until flush().
class Mapper {
 public:
  Mapper() = default;
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  /// Pages that are not mapped: frames that follow each other in one run (Frames::place_of), from `frame` on. `access` is not
  /// None. Errors: NoMemory.
  virtual Answer<> map(core::VirtAddr address, FrameId frame, core::PageCount count, Access access) = 0;
  /// Passes over pages that are not mapped. Needs no memory.
  virtual void unmap(core::VirtAddr address, core::PageCount count) = 0;
  /// Passes over pages that are not mapped, and unmaps those that it cannot change. `access` is not None.
  virtual void protect(core::VirtAddr address, core::PageCount count, Access access) = 0;
  /// When it returns, what was unmapped or protected is so on every CPU, whatever the answer. Errors: NoMemory when a
  /// page could not be mapped that was put off.
  virtual Answer<> flush() = 0;

 protected:
  ~Mapper() = default;
};

}  // namespace fb::libos::posix::mm
