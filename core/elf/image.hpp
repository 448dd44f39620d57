// A checked view of an ELF64 x86-64 program: what a loader maps and what it tells the program about itself.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/cap/rights.hpp"
#include "core/elf/format.hpp"
#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::elf {

inline constexpr std::size_t kMaxProgramHeaders = 64;
inline constexpr std::size_t kMaxSegments = 16;
inline constexpr std::size_t kMaxInterpreterPath = 4096;  ///< bytes with the NUL: PATH_MAX of Linux

/// One PT_LOAD (or the PT_TLS) of a checked image. Bytes past file_size() up to memory_size are zero.
struct Segment {
  VirtAddr address;
  ByteCount memory_size;             ///< never 0, never less than file_size()
  ByteCount offset;                  ///< of the first byte in the file; congruent to address within a page
  ByteCount in_file;                 ///< how many bytes the file has for it
  std::span<const std::byte> bytes;  ///< those of them that lie in what was parsed, from the first one on
  ByteCount alignment;               ///< a power of two
  cap::Rights rights;                ///< of Read, Write, Execute; never Write and Execute together

  [[nodiscard]] constexpr ByteCount file_size() const { return in_file; }
  [[nodiscard]] constexpr VirtAddr end() const { return address + memory_size; }
  [[nodiscard]] constexpr VirtAddr first_page() const { return VirtAddr(address.raw() & ~kPageMask); }
  [[nodiscard]] constexpr PageCount pages() const {
    return pages_for(ByteCount(end().raw() - first_page().raw()));
  }
};

/// Everything a loader needs, validated once and held by value (gABI chapter 5, psABI 3.4; C4.02).
///
/// The bytes may lie in memory that somebody else can write while this runs: each header field is fetched
/// once, and nothing is fetched again after it was checked, so all addresses, sizes and rights here stay as
/// checked. Only what `bytes` and `interpreter()` refer to stays in place: those can change, but never reach
/// outside.
class Image {
 public:
  /// Errors: NotSupported (class, byte order or machine is another one), Limit (more than kMaxProgramHeaders
  /// headers, more than kMaxSegments segments), BadFormat (anything else that is not a loadable program).
  [[nodiscard]] static Result<Image> parse(std::span<const std::byte> file) {
    return parse(file, ByteCount(file.size()));
  }
  /// From the beginning of a file of `size` bytes: what it has of headers and interpreter path must lie in `head`, at
  /// most `size` bytes; segments may lie behind it.
  [[nodiscard]] static Result<Image> parse(std::span<const std::byte> head, ByteCount size);

  /// Sorted by address, at least one; no two share a page; all lie in the user half (plus the bias of a
  /// relocatable image, which the loader chooses and checks).
  [[nodiscard]] std::span<const Segment> segments() const { return std::span(segments_).first(count_); }
  /// ET_DYN: addresses are relative to a page-aligned bias, itself a multiple of alignment().
  [[nodiscard]] bool relocatable() const { return relocatable_; }
  /// In an executable segment.
  [[nodiscard]] VirtAddr entry() const { return entry_; }
  /// First page of the first segment, and the bytes from there to the end of the last page of the last one.
  [[nodiscard]] VirtAddr start() const { return segments_[0].first_page(); }
  [[nodiscard]] ByteCount extent() const;
  /// The largest alignment that a segment asks for, at least a page.
  [[nodiscard]] ByteCount alignment() const;
  /// PT_INTERP without its NUL; empty when there is none.
  [[nodiscard]] std::string_view interpreter() const { return interpreter_; }
  /// PT_TLS: `bytes` is the initial image, `memory_size` the size of a thread's block.
  [[nodiscard]] const std::optional<Segment>& tls() const { return tls_; }
  /// PT_GNU_STACK asks for an executable stack; without that header it is not (as Linux on x86-64).
  [[nodiscard]] bool executable_stack() const { return executable_stack_; }
  /// AT_PHDR: where the program finds its headers once mapped, by PT_PHDR or by the segment that holds them.
  /// Nothing when no segment holds them.
  [[nodiscard]] std::optional<VirtAddr> header_address() const { return header_address_; }
  /// AT_PHNUM; each is sizeof(ProgramHeader) bytes (AT_PHENT).
  [[nodiscard]] std::size_t header_count() const { return header_count_; }

 private:
  struct File;
  Image() = default;
  static Result<Segment> segment_from(const File& file, const ProgramHeader& header);
  Result<> accept(const File& file, const ProgramHeader& header);
  Result<> accept_load(const File& file, const ProgramHeader& header);
  Result<> accept_tls(const File& file, const ProgramHeader& header);
  Result<> accept_interpreter(const File& file, const ProgramHeader& header);
  Result<> locate_header_table(ByteCount offset);
  [[nodiscard]] const Segment* segment_of(VirtAddr address, ByteCount size) const;

  std::array<Segment, kMaxSegments> segments_{};
  std::size_t count_{};
  std::size_t header_count_{};
  VirtAddr entry_;
  std::string_view interpreter_;
  std::optional<Segment> tls_;
  std::optional<VirtAddr> header_address_;
  bool relocatable_{};
  bool executable_stack_{};
};

}  // namespace fb::core::elf
