// The two ELF64 structures a loader reads, as they lie in the file (System V gABI, chapters 4 and 5).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fb::core::elf {

static_assert(std::endian::native == std::endian::little, "the structures are read as the file has them");

/// Elf64_Ehdr. Section headers are a linker's business: their fields are never looked at.
struct FileHeader {
  std::array<std::uint8_t, 4> magic;
  std::uint8_t file_class;
  std::uint8_t data;
  std::uint8_t ident_version;
  std::array<std::uint8_t, 9> ident_rest;
  std::uint16_t type;
  std::uint16_t machine;
  std::uint32_t version;
  std::uint64_t entry;
  std::uint64_t program_headers_offset;
  std::uint64_t section_headers_offset;
  std::uint32_t flags;
  std::uint16_t header_size;
  std::uint16_t program_header_size;
  std::uint16_t program_header_count;
  std::uint16_t section_header_size;
  std::uint16_t section_header_count;
  std::uint16_t section_name_index;
};
static_assert(sizeof(FileHeader) == 64 && offsetof(FileHeader, entry) == 24);

/// Elf64_Phdr.
struct ProgramHeader {
  std::uint32_t type;
  std::uint32_t flags;
  std::uint64_t offset;
  std::uint64_t address;
  std::uint64_t physical;
  std::uint64_t file_size;
  std::uint64_t memory_size;
  std::uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == 56 && offsetof(ProgramHeader, alignment) == 48);

inline constexpr std::array<std::uint8_t, 4> kMagic{0x7f, 'E', 'L', 'F'};
inline constexpr std::uint8_t kClass64 = 2;
inline constexpr std::uint8_t kLittleEndian = 1;
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint16_t kMachineX8664 = 62;  ///< EM_X86_64 (psABI 4.1.1)
inline constexpr std::uint16_t kTypeExec = 2;
inline constexpr std::uint16_t kTypeDyn = 3;

inline constexpr std::uint32_t kLoad = 1;
inline constexpr std::uint32_t kInterpreter = 3;
inline constexpr std::uint32_t kHeaderTable = 6;
inline constexpr std::uint32_t kTls = 7;
inline constexpr std::uint32_t kGnuStack = 0x6474'e551;

inline constexpr std::uint32_t kFlagExecute = 1;
inline constexpr std::uint32_t kFlagWrite = 2;
inline constexpr std::uint32_t kFlagRead = 4;

}  // namespace fb::core::elf
