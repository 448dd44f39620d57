// From paths to inodes, and back for directories.
#pragma once

#include "libos/posix/vfs/access.hpp"
#include "libos/posix/vfs/mounts.hpp"
#include "libos/posix/vfs/origin.hpp"

namespace fb::libos::posix::vfs {

/// Where a path begins and whose walk it is.
struct Place {
  Ref<Inode> root;
  Ref<Inode> directory;  ///< the working directory, or that of a descriptor
  Credentials who;
  const Mounts& mounts;
  std::uint32_t resolving = 0;  ///< of namespace resolving: what the walk must not do
};

/// What the last component of a path is.
enum class Last : std::uint8_t { Name, Dot, DotDot, Root };

/// One walk. Use: to_last(), and then either look at last() and directory() to create or remove, or finish().
/// Errors of a walk: NoEntry, NotDirectory, Access, Loop, NameTooLong, NoMemory; CrossDevice as openat2 has it.
class Walk {
 public:
  /// `path` lives as long as this.
  Walk(const Place& place, std::string_view path) : place_(place), path_(path), at_(place.directory) {}
  /// What openat2's flags make of a place: with kInRoot its directory is the root.
  static Place restricted(const Place& place, std::uint32_t flags) {
    Place made = place;
    made.resolving = flags;
    if ((flags & (resolving::kInRoot | resolving::kBeneath)) != 0) made.root = place.directory;
    return made;
  }

  /// Up to the last component, whose directory may be searched.
  Answer<> to_last();
  [[nodiscard]] const Ref<Inode>& directory() const { return at_; }
  [[nodiscard]] Last kind() const { return kind_; }
  [[nodiscard]] std::string_view last() const { return last_; }
  /// Slashes follow: it must be a directory.
  [[nodiscard]] bool slash() const { return slash_; }
  /// What the last component is, through mounts, not through a symbolic link.
  Answer<Ref<Inode>> look();
  /// Goes into this link, which look() gave, up to the last component of what it says. True when `link` leads to a file
  /// and not to a path; that is in `directory` then.
  Answer<bool> enter(Inode& link);
  /// What the path names; the link itself when it is one and neither `follow` nor a slash asks for more.
  Answer<Ref<Inode>> finish(bool follow);
  /// By what name the walk has ended: for what is no directory. Errors: NoMemory.
  [[nodiscard]] Answer<Ref<Origin>> origin() const;

 private:
  struct Rest {
    String text;
    std::size_t at;
  };
  Answer<> to_root();
  Answer<Ref<Inode>> crossed(Ref<Inode> found) const;
  [[nodiscard]] bool must_not(std::uint32_t what) const { return (place_.resolving & what) != 0; }
  bool next_component(std::string_view& component);
  bool only_slashes_left(bool& some) const;
  Answer<bool> push(Inode& link);
  Answer<> step(std::string_view component);
  Answer<> up();

  const Place& place_;
  std::string_view path_;
  std::size_t used_ = 0;  ///< of path_
  Vector<Rest> links_;    ///< what is left of links' targets, the innermost last
  Ref<Inode> at_;
  Ref<Origin> jumped_;  ///< of what the last link led to without a path
  std::uint32_t followed_ = 0;
  bool begun_ = false, slash_ = false;
  Last kind_ = Last::Root;
  std::string_view last_;
};

/// A path to its inode. Errors: of a walk.
Answer<Ref<Inode>> resolve(const Place& place, std::string_view path, bool follow);

/// And by what name, through symbolic links. Errors: of a walk.
Answer<Target> locate(const Place& place, std::string_view path);

/// The path of `directory` below `root`, into `room`. Errors: NoEntry when it has been removed or is not below `root`, Range when
/// the room is too small.
Answer<std::string_view> path_of(const Place& place, const Ref<Inode>& directory, std::span<char> room);
/// What /proc says of it: with " (deleted)" behind the path when it has been removed. Errors: NoEntry when it never had a name,
/// or its directory is not below `root`; Range.
Answer<std::string_view> path_of(const Place& place, const Target& target, std::span<char> room);

}  // namespace fb::libos::posix::vfs
