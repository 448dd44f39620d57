// What stands behind a mapping, and which address spaces may show it.
#pragma once

#include <cstdint>
#include <span>

#include "core/list/list.hpp"
#include "libos/posix/base/frames.hpp"
#include "libos/posix/base/ref.hpp"

namespace fb::libos::posix::mm {

class Backing;
class Space;

/// That a space has, or once had, areas of a backing. Goes with the first of both.
struct View {
  Space* space;
  Backing* backing;
  core::list::ListLink in_space{}, in_backing{};
};

/// What a mapping shows: a file's pages, or memory that processes share.
class Backing : public Shared {
 public:
  enum class Kind : std::uint8_t { Memory, File, Vdso };
  virtual ~Backing() { end_views(); }
  /// For who knows the classes that there are of each.
  [[nodiscard]] virtual Kind kind() const { return Kind::Memory; }
  /// The frame of a page, shared once for the caller: to be read, or to be written by MAP_SHARED. Errors: NoMemory; any
  /// other (NoDeviceOrAddress beyond the end, Io) is a bus error to who touched the page.
  virtual Answer<FrameId> frame(std::uint64_t page) = 0;
  /// The frame that a page has already; none otherwise. Nothing is shared.
  virtual FrameId present(std::uint64_t /*page*/) { return {}; }
  /// The same for the pages from `first` on.
  virtual void present_all(std::uint64_t first, std::span<FrameId> into) {
    for (FrameId& frame : into) frame = present(first++);
  }
  /// MADV_REMOVE: the pages [first, end) become zeros for everyone. Errors: NotSupported, those of the file.
  virtual Answer<> punch(std::uint64_t /*first*/, std::uint64_t /*end*/) { return fail(Errno::NotSupported); }

  /// No space maps the pages [first, end) afterwards; with `copies`, private copies of them go, too. Called before the
  /// backing lets go of its frames.
  void leave(std::uint64_t first, std::uint64_t end, bool copies);
  /// Somebody could write it through a shared mapping, now or by mprotect.
  [[nodiscard]] bool writable();
  /// It is a program, or a part of one, that runs: a private mapping may be executed.
  [[nodiscard]] bool executed();
  /// In how many areas it is, in all spaces: shm_nattch.
  [[nodiscard]] std::uint64_t areas();

 private:
  friend class Space;
  void end_views();

  core::list::List<View, &View::in_backing> views_;
};

}  // namespace fb::libos::posix::mm
