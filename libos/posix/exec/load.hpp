// Programs into address spaces: segments, interpreter, stack (C4.02).
#pragma once

#include <array>

#include "core/elf/image.hpp"
#include "libos/posix/exec/start_stack.hpp"
#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::exec {

/// A file that can be executed: its pages, and its beginning.
class Executable {
 public:
  static constexpr std::size_t kHead = core::kPageSize;
  Executable() = default;
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;
  /// The first bytes of the file, at most kHead; good as long as this.
  [[nodiscard]] virtual std::span<const std::byte> head() const = 0;
  [[nodiscard]] virtual core::ByteCount size() const = 0;
  [[nodiscard]] virtual Ref<mm::Backing> backing() const = 0;

 protected:
  ~Executable() = default;
};

/// Where an image came to lie.
struct Placed {
  core::elf::Image image;
  core::ByteCount bias;
  core::VirtAddr entry, end;
};

/// Where Linux puts position-independent programs.
inline constexpr core::VirtAddr kProgramBase{0x5555'5555'4000};

/// What the head of `file` says; a view into it. Errors: NotExecutable.
Answer<core::elf::Image> image_of(const Executable& file);
/// Maps the segments of `image`, which is that of `file`; a relocatable one at `base`, or where there is room. Errors:
/// NoMemory.
Answer<Placed> place_image(mm::Space& space, const Executable& file, const core::elf::Image& image,
                           core::VirtAddr base);

struct Start {
  core::VirtAddr entry, stack;
};
/// For the auxiliary vector.
struct StartIds {
  std::uint32_t user = 0, effective_user = 0, group = 0, effective_group = 0;
  [[nodiscard]] bool differ() const { return user != effective_user || group != effective_group; }
};
struct StartOptions {
  StartText text;
  std::span<const std::byte, 16> random;
  StartIds ids{};
  core::VirtAddr vdso{};  ///< 0: there is none
};
/// The stack of a program whose image and, perhaps, interpreter have been placed; where to begin. Sets the break. Errors:
/// ArgumentsTooLong, NoMemory.
Answer<Start> prepare_start(mm::Space& space, const Placed& program, const Placed* interpreter,
                            const StartOptions& options);

}  // namespace fb::libos::posix::exec
