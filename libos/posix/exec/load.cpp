#include "libos/posix/exec/load.hpp"

#include <algorithm>

namespace fb::libos::posix::exec {
namespace {

using core::ByteCount;
using core::VirtAddr;
using core::cap::Right;
using core::elf::Segment;

constexpr VirtAddr kStackTop{mm::kTop};
constexpr ByteCount kStackBytes{std::uint64_t{132} * 1024};
constexpr std::uint64_t kClockTicks = 100;

std::uint32_t protection_of(core::cap::Rights rights) {
  return (rights.has(Right::Read) ? mm::kProtRead : 0) | (rights.has(Right::Write) ? mm::kProtWrite : 0) |
         (rights.has(Right::Execute) ? mm::kProtExecute : 0);
}

Answer<> map_segment(mm::Space& space, const Executable& file, const Segment& segment, ByteCount bias) {
  const auto start = segment.first_page() + bias;
  const auto in_page = segment.address.raw() & core::kPageMask;
  const auto protection = protection_of(segment.rights);
  const auto file_end = mm::page_up(in_page + segment.file_size().raw());
  if (segment.file_size() != ByteCount(0)) {
    FB_TRY(space.mmap({.address = start,
                       .length = ByteCount(file_end),
                       .protection = protection,
                       .flags = mm::kMapPrivate | mm::kMapFixed,
                       .backing = file.backing(),
                       .offset = ByteCount(segment.offset.raw() - in_page)}));
  }
  const auto mapped = segment.file_size() == ByteCount(0) ? 0 : file_end;
  const auto whole = mm::page_up(in_page + segment.memory_size.raw());
  if (whole > mapped) {
    FB_TRY(space.mmap({.address = start + ByteCount(mapped),
                       .length = ByteCount(whole - mapped),
                       .protection = protection,
                       .flags = mm::kMapPrivate | mm::kMapFixed | mm::kMapAnonymous}));
  }
  // What the file has behind the segment's bytes in their last page is not the program's.
  const auto rest = mapped - (in_page + segment.file_size().raw());
  if (!segment.rights.has(Right::Write) || mapped == 0 || rest == 0 ||
      segment.memory_size == segment.file_size())
    return {};
  static constexpr std::array<std::byte, core::kPageSize> kZeros{};
  return space.write(segment.address + bias + segment.file_size(), std::span(kZeros).first(rest));
}

}  // namespace

Answer<core::elf::Image> image_of(const Executable& file) {
  const auto image = core::elf::Image::parse(file.head(), file.size());
  if (!image) return fail(Errno::NotExecutable);
  return *image;
}

Answer<Placed> place_image(mm::Space& space, const Executable& file, const core::elf::Image& image,
                           VirtAddr base) {
  ByteCount bias(0);
  if (image.relocatable()) {
    // All of it is taken at once, so that nothing comes between its segments.
    const auto taken = space.mmap(
        {.address = base,
         .length = image.extent(),
         .protection = mm::kProtNone,
         .flags = mm::kMapPrivate | mm::kMapAnonymous | (base == VirtAddr(0) ? 0 : mm::kMapFixed)});
    if (!taken) return fail(taken.error());
    bias = ByteCount(taken->raw() - image.start().raw());
  }
  for (const auto& segment : image.segments()) FB_TRY(map_segment(space, file, segment, bias));
  return Placed{.image = image,
                .bias = bias,
                .entry = image.entry() + bias,
                .end = image.start() + bias + image.extent()};
}

Answer<Start> prepare_start(mm::Space& space, const Placed& program, const Placed* interpreter,
                            const StartOptions& options) {
  space.set_brk(program.end);
  const VirtAddr bottom(kStackTop.raw() - kStackBytes.raw());
  FB_TRY(space.mmap({.address = bottom,
                     .length = kStackBytes,
                     .protection = mm::kProtRead | mm::kProtWrite,
                     .flags = mm::kMapPrivate | mm::kMapFixed | mm::kMapAnonymous | mm::kMapGrowsDown}));
  const auto headers = program.image.header_address().value_or(VirtAddr(0)) + program.bias;
  const std::array values{
      AuxEntry{Aux::VdsoHeader, options.vdso.raw()},
      AuxEntry{Aux::ProgramHeaders, headers.raw()},
      AuxEntry{Aux::HeaderSize, sizeof(core::elf::ProgramHeader)},
      AuxEntry{Aux::HeaderCount, program.image.header_count()},
      AuxEntry{Aux::PageSize, core::kPageSize},
      AuxEntry{Aux::InterpreterBase, interpreter != nullptr ? interpreter->bias.raw() : 0},
      AuxEntry{Aux::Flags, 0},
      AuxEntry{Aux::Entry, program.entry.raw()},
      AuxEntry{Aux::Uid, options.ids.user},
      AuxEntry{Aux::EffectiveUid, options.ids.effective_user},
      AuxEntry{Aux::Gid, options.ids.group},
      AuxEntry{Aux::EffectiveGid, options.ids.effective_group},
      AuxEntry{Aux::Capabilities, 0},
      AuxEntry{Aux::ClockTicks, kClockTicks},
      AuxEntry{Aux::Secure, options.ids.differ() ? 1U : 0U}};
  const auto most = std::min<std::uint64_t>(space.limits().stack.raw() / 4, kStackBytes.raw() / 2);
  FB_ASSIGN(const auto stack, make_start_stack(kStackTop.raw(), most, options.text, values, options.random));
  FB_TRY(space.write(VirtAddr(stack.pointer), stack.bytes.view()));
  space.set_start({.stack = stack.pointer,
                   .auxiliary = stack.auxiliary,
                   .auxiliary_end = stack.auxiliary_end,
                   .arguments = stack.arguments,
                   .environment = stack.environment,
                   .environment_end = stack.environment_end});
  return Start{.entry = interpreter != nullptr ? interpreter->entry : program.entry,
               .stack = VirtAddr(stack.pointer)};
}

}  // namespace fb::libos::posix::exec
