// Writes newc archives for tests: the inverse of core/archive, in the plainest way.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace fb::core::archive {

inline void pad(std::string& bytes) { bytes.resize((bytes.size() + 3) & ~std::size_t{3}); }

/// `name` is written as given: add the NUL, or leave it out. `sizes` can lie about both.
inline void add_member(std::string& bytes, std::string_view name, std::string_view contents,
                       std::uint32_t mode, std::uint32_t name_size, std::uint32_t file_size) {
  char header[111];
  std::snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 7u, mode,
                0u, 0u, 1u, 0u, file_size, 0u, 0u, 0u, 0u, name_size, 0u);
  bytes += header;
  bytes += name;
  pad(bytes);
  bytes += contents;
  pad(bytes);
}

inline void add_file(std::string& bytes, std::string_view name, std::string_view contents,
                     std::uint32_t mode = 0100644) {
  const std::string padded = std::string(name) + '\0';
  add_member(bytes, padded, contents, mode, static_cast<std::uint32_t>(padded.size()),
             static_cast<std::uint32_t>(contents.size()));
}

inline void add_trailer(std::string& bytes) { add_file(bytes, "TRAILER!!!", "", 0); }

}  // namespace fb::core::archive
