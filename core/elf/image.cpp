#include "core/elf/image.hpp"

#include <algorithm>

namespace fb::core::elf {

/// What is there of a file, and how long it is.
struct Image::File {
  std::span<const std::byte> head;
  std::uint64_t size;
  [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t bytes) const {
    return within(size, offset, bytes);
  }
  [[nodiscard]] bool shows(std::uint64_t offset, std::uint64_t bytes) const {
    return within(head.size(), offset, bytes);
  }
  /// Of bytes that it has, those from the first on that are there.
  [[nodiscard]] std::span<const std::byte> part(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset >= head.size()) return {};
    return head.subspan(offset, std::min<std::uint64_t>(bytes, head.size() - offset));
  }
  static constexpr bool within(std::uint64_t all, std::uint64_t offset, std::uint64_t bytes) {
    return offset <= all && bytes <= all - offset;
  }
};

namespace {

/// Each byte is loaded once, which no compiler may repeat: by words where they lie so. relaxed: another writer is allowed for,
/// never waited for.
template <class T>
T fetch(std::span<const std::byte> file, std::size_t offset) {
  T copy;
  const auto fetch_as = [&]<class Word>(Word /*of that size*/) {
    for (std::size_t at = 0; at < sizeof(T); at += sizeof(Word)) {
      const auto* const from = reinterpret_cast<const Word*>(file.data() + offset + at);
      const Word word = __atomic_load_n(from, __ATOMIC_RELAXED);
      __builtin_memcpy(reinterpret_cast<std::byte*>(&copy) + at, &word, sizeof word);
    }
  };
  const bool aligned = reinterpret_cast<std::uintptr_t>(file.data() + offset) % sizeof(std::uint64_t) == 0;
  if (sizeof(T) % sizeof(std::uint64_t) == 0 && aligned)
    fetch_as(std::uint64_t{});
  else
    fetch_as(std::uint8_t{});
  return copy;
}

Result<> check(const FileHeader& header) {
  if (header.magic != kMagic) return fail(Error::BadFormat);
  if (header.file_class != kClass64 || header.data != kLittleEndian || header.machine != kMachineX8664) {
    return fail(Error::NotSupported);
  }
  if (header.ident_version != kVersion || header.version != kVersion) return fail(Error::BadFormat);
  if (header.type != kTypeExec && header.type != kTypeDyn) return fail(Error::BadFormat);
  if (header.program_header_size != sizeof(ProgramHeader)) return fail(Error::BadFormat);
  if (header.program_header_count > kMaxProgramHeaders) return fail(Error::Limit);
  return {};
}

constexpr cap::Rights rights_of(std::uint32_t flags) {
  cap::Rights rights;
  if ((flags & kFlagRead) != 0) rights = rights | cap::Right::Read;
  if ((flags & kFlagWrite) != 0) rights = rights | cap::Right::Write;
  if ((flags & kFlagExecute) != 0) rights = rights | cap::Right::Execute;
  return rights;
}

}  // namespace

/// What PT_LOAD and PT_TLS have in common; the caller has seen to it that not both sizes are 0.
Result<Segment> Image::segment_from(const File& file, const ProgramHeader& header) {
  if (header.file_size > header.memory_size) return fail(Error::BadFormat);
  if (!user_range(VirtAddr(header.address), ByteCount(header.memory_size))) return fail(Error::BadFormat);
  const std::uint64_t alignment = header.alignment == 0 ? 1 : header.alignment;
  if (!std::has_single_bit(alignment)) return fail(Error::BadFormat);
  const cap::Rights rights = rights_of(header.flags);
  if (rights.has(cap::Right::Write | cap::Right::Execute)) return fail(Error::BadFormat);
  Segment segment{VirtAddr(header.address),
                  ByteCount(header.memory_size),
                  ByteCount(header.offset),
                  ByteCount(header.file_size),
                  {},
                  ByteCount(alignment),
                  rights};
  // Linkers may place the offset of a segment without bytes beyond the end of the file.
  if (header.file_size != 0) {
    if (!file.has(header.offset, header.file_size)) return fail(Error::BadFormat);
    segment.bytes = file.part(header.offset, header.file_size);
  }
  return segment;
}

Result<Image> Image::parse(std::span<const std::byte> head, ByteCount size) {
  const File file{head, size.raw()};
  if (!file.shows(0, sizeof(FileHeader))) return fail(Error::BadFormat);
  const auto header = fetch<FileHeader>(head, 0);
  FB_TRY(check(header));
  const std::uint64_t table = header.program_headers_offset;
  Image image;
  image.header_count_ = header.program_header_count;
  image.relocatable_ = header.type == kTypeDyn;
  image.entry_ = VirtAddr(header.entry);
  if (!file.shows(table, image.header_count_ * sizeof(ProgramHeader))) return fail(Error::BadFormat);
  for (std::size_t i = 0; i != image.header_count_; ++i) {
    FB_TRY(image.accept(file, fetch<ProgramHeader>(head, table + i * sizeof(ProgramHeader))));
  }
  const Segment* code = image.segment_of(image.entry_, ByteCount(1));
  if (code == nullptr || !code->rights.has(cap::Right::Execute)) return fail(Error::BadFormat);
  FB_TRY(image.locate_header_table(ByteCount(table)));
  return image;
}

Result<> Image::accept(const File& file, const ProgramHeader& header) {
  switch (header.type) {
    case kLoad:
      return accept_load(file, header);
    case kTls:
      return accept_tls(file, header);
    case kInterpreter:
      return accept_interpreter(file, header);
    case kHeaderTable:
      if (header_address_) return fail(Error::BadFormat);
      header_address_ = VirtAddr(header.address);
      return {};
    case kGnuStack:
      executable_stack_ = (header.flags & kFlagExecute) != 0;
      return {};
    default:
      return {};
  }
}

Result<> Image::accept_load(const File& file, const ProgramHeader& header) {
  if (header.memory_size == 0 && header.file_size == 0) return {};
  FB_ASSIGN(const Segment segment, segment_from(file, header));
  if (((header.offset ^ header.address) & kPageMask) != 0) return fail(Error::BadFormat);
  if (count_ == kMaxSegments) return fail(Error::Limit);
  // The rights of a page are those of one segment; and what is sorted needs one look back only.
  if (count_ != 0 && segment.first_page() < segments_[count_ - 1].end()) return fail(Error::BadFormat);
  segments_[count_++] = segment;
  return {};
}

Result<> Image::accept_tls(const File& file, const ProgramHeader& header) {
  if (header.memory_size == 0 && header.file_size == 0) return {};
  if (tls_) return fail(Error::BadFormat);
  FB_ASSIGN(tls_, segment_from(file, header));
  return {};
}

Result<> Image::accept_interpreter(const File& file, const ProgramHeader& header) {
  if (!interpreter_.empty()) return fail(Error::BadFormat);
  if (header.file_size > kMaxInterpreterPath) return fail(Error::Limit);
  if (!file.shows(header.offset, header.file_size)) return fail(Error::BadFormat);
  const auto path = file.part(header.offset, header.file_size);
  std::size_t length = 0;
  while (length != path.size() && fetch<std::byte>(path, length) != std::byte{0}) ++length;
  if (length == 0 || length == path.size()) return fail(Error::BadFormat);
  interpreter_ = {reinterpret_cast<const char*>(path.data()), length};
  return {};
}

/// PT_PHDR precedes the segments in the table (gABI), so it is checked after all have been read.
Result<> Image::locate_header_table(ByteCount offset) {
  const ByteCount size(header_count_ * sizeof(ProgramHeader));
  if (header_address_) {
    return segment_of(*header_address_, size) != nullptr ? Result<>{} : fail(Error::BadFormat);
  }
  for (const Segment& segment : segments()) {
    if (File::within(segment.in_file.raw(), offset.raw() - segment.offset.raw(), size.raw())) {
      header_address_ = segment.address + (offset - segment.offset);
    }
  }
  return {};
}

const Segment* Image::segment_of(VirtAddr address, ByteCount size) const {
  for (const Segment& segment : segments()) {
    const ByteCount before(address.raw() - segment.address.raw());
    if (before <= segment.memory_size && size <= segment.memory_size - before) return &segment;
  }
  return nullptr;
}

ByteCount Image::extent() const {
  const Segment& last = segments_[count_ - 1];
  return ByteCount(last.first_page().raw() - start().raw()) + bytes_of(last.pages());
}

ByteCount Image::alignment() const {
  ByteCount largest(kPageSize);
  for (const Segment& segment : segments()) largest = std::max(largest, segment.alignment);
  return largest;
}

}  // namespace fb::core::elf
