// What holds of every image that parse() accepts, whatever the bytes were. For the unit tests and the fuzzer.
#pragma once

#include <bit>
#include <cstddef>
#include <functional>
#include <span>

#include "core/elf/image.hpp"

namespace fb::core::elf {

inline bool within(std::span<const std::byte> part, std::span<const std::byte> whole) {
  const std::less_equal<const std::byte*> before;
  return part.empty() || (before(whole.data(), part.data()) &&
                          before(part.data() + part.size(), whole.data() + whole.size()));
}

/// The first invariant that does not hold; null when all do.
inline const char* broken_segment(const Segment& segment, std::span<const std::byte> file) {
  if (!within(segment.bytes, file)) return "the bytes lie in the file";
  if (!segment.bytes.empty() && segment.bytes.data() != file.data() + segment.offset.raw())
    return "at the offset";
  if (segment.file_size() > segment.memory_size) return "file size <= memory size";
  if (segment.memory_size == ByteCount(0)) return "no segment is empty";
  if (!user_range(segment.address, segment.memory_size)) return "in the user half";
  if (!std::has_single_bit(segment.alignment.raw())) return "the alignment is a power of two";
  if (segment.rights.has(cap::Right::Write | cap::Right::Execute)) return "never writable and executable";
  if (!segment.rights.within(cap::kReadWriteExecute)) return "no other rights";
  return nullptr;
}

/// The first invariant that does not hold; null when all do.
inline const char* broken_invariant(const Image& image, std::span<const std::byte> file) {
  const auto segments = image.segments();
  if (segments.empty() || segments.size() > kMaxSegments) return "1 to kMaxSegments segments";
  bool entry_found = false;
  VirtAddr free = image.start();
  for (const Segment& segment : segments) {
    if (const char* broken = broken_segment(segment, file)) return broken;
    if ((segment.address.raw() & kPageMask) != (segment.offset.raw() & kPageMask)) return "page-congruent";
    if (segment.first_page() < free) return "sorted and disjoint by pages";
    free = segment.first_page() + bytes_of(segment.pages());
    if (free < segment.end() || free.raw() > kUserEnd) return "the pages hold the segment";
    if (segment.alignment > image.alignment()) return "the image's alignment is the largest";
    entry_found = entry_found || (segment.rights.has(cap::Right::Execute) &&
                                  segment.address <= image.entry() && image.entry() < segment.end());
  }
  if (!entry_found) return "the entry lies in an executable segment";
  if (image.start() + image.extent() != free) return "the extent ends with the last page";
  if (image.header_count() > kMaxProgramHeaders) return "few headers";
  if (const auto& tls = image.tls()) {
    if (const char* broken = broken_segment(*tls, file)) return broken;
  }
  const std::string_view path = image.interpreter();
  if (!within(std::as_bytes(std::span(path)), file)) return "the interpreter's path lies in the file";
  if (!path.empty() && !within(std::as_bytes(std::span(path.data(), path.size() + 1)), file))
    return "with its NUL";
  return nullptr;
}

}  // namespace fb::core::elf
