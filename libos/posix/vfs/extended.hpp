// Extended attributes of an inode: what file systems in memory keep of them, and who may (Linux xattr(7)).
#pragma once

#include <string_view>

#include "libos/posix/vfs/access.hpp"
#include "libos/posix/vfs/string.hpp"

namespace fb::libos::posix::vfs {

/// Names with their values, in order of names.
class ExtendedAttributes {
 public:
  static constexpr std::size_t kNameMost = 255, kValueMost = 65'536, kListMost = 65'536;
  static constexpr std::size_t kBytesMost = 262'144;  ///< names and values of one inode
  static constexpr std::uint32_t kCreate = 1, kReplace = 2;
  struct Entry {
    String name;
    Vector<std::byte> value;
  };

  /// Errors: Exists, NoData by `flags`; NoSpace, NoMemory.
  Answer<> set(std::string_view name, Vector<std::byte> value, std::uint32_t flags);
  /// Errors: NoData.
  [[nodiscard]] Answer<std::span<const std::byte>> get(std::string_view name) const;
  Answer<> remove(std::string_view name);
  [[nodiscard]] const Vector<Entry>& entries() const { return entries_; }

 private:
  [[nodiscard]] std::size_t position(std::string_view name) const;
  [[nodiscard]] bool there(std::size_t at, std::string_view name) const;

  Vector<Entry> entries_;
  std::size_t bytes_ = 0;
};

/// The calls on a file that has been found. Errors: NotSupported for what is not user., trusted. or security.; Invalid for a
/// prefix alone; Perm and Access as Linux has them; and those above.
Answer<> set_extended(Inode& inode, const Credentials& who, std::string_view name, Vector<std::byte> value,
                      std::uint32_t flags, core::Nanoseconds now);
Answer<std::span<const std::byte>> get_extended(Inode& inode, const Credentials& who, std::string_view name);
Answer<> remove_extended(Inode& inode, const Credentials& who, std::string_view name, core::Nanoseconds now);
/// All names that `who` may see, each with its NUL. Errors: ArgumentsTooLong, NoMemory.
Answer<Vector<char>> list_extended(Inode& inode, const Credentials& who);

}  // namespace fb::libos::posix::vfs
