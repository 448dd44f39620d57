// Writes newc archives with all their fields, truthful or not.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace fb::libos::posix::vfs::test {

struct Member {
  std::string_view name;
  std::uint32_t mode = 0;
  std::string_view contents{};
  std::uint32_t inode = 0, links = 1, uid = 0, gid = 0, modified = 0, major = 0, minor = 0;
};

inline std::string archive_of(std::initializer_list<Member> members) {
  std::string bytes;
  const auto add = [&](const Member& m) {
    char header[111];
    std::snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                  m.inode, m.mode, m.uid, m.gid, m.links, m.modified,
                  static_cast<unsigned>(m.contents.size()), 0U, 0U, m.major, m.minor,
                  static_cast<unsigned>(m.name.size() + 1), 0U);
    bytes.append(header).append(m.name).append(1, '\0');
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
    bytes.append(m.contents);
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
  };
  for (const Member& member : members) add(member);
  add({.name = "TRAILER!!!"});
  return bytes;
}

}  // namespace fb::libos::posix::vfs::test
