#include "libos/posix/vfs/operations.hpp"

#include "libos/posix/vfs/notify.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::uint32_t kWithPath =
    flag::kPath | flag::kDirectory | flag::kNoFollow | flag::kCloseOnExec;  ///< others mean nothing then

Want wanted_by(std::uint32_t flags) {
  const std::uint32_t access = flags & flag::kAccess;
  Want want = access == flag::kRead    ? Want::Read
              : access == flag::kWrite ? Want::Write
                                       : Want::Read | Want::Write;
  if ((flags & flag::kTruncate) != 0) want = want | Want::Write;
  return want;
}

/// The walk stops at the name to be made. Errors: Exists, also for ".", ".." and the root.
Answer<> to_new(Walk& walk, const Credentials& who, bool directory) {
  FB_TRY(walk.to_last());
  if (walk.kind() != Last::Name) return fail(Errno::Exists);
  if (const auto old = walk.look())
    return fail(Errno::Exists);
  else if (old.error() != Errno::NoEntry)
    return fail(old.error());
  if (walk.slash() && !directory) return fail(Errno::NoEntry);
  return check_create(*walk.directory(), who);
}

/// A program that runs would lose its pages, or find others. Linux lets libraries be written all the same. Errors: TextBusy.
Answer<> check_not_executed(Inode& inode) {
  const bool runs = inode.viewer() != nullptr && inode.viewer()->executed();
  return runs ? Answer<>(fail(Errno::TextBusy)) : Answer<>();
}

/// What is there already is opened: is it of the kind, and may it be?
Answer<> check_open(Inode& inode, const Credentials& who, std::uint32_t flags) {
  if ((flags & flag::kCreate) != 0 && inode.is_directory()) return fail(Errno::IsDirectory);
  if ((flags & flag::kDirectory) != 0 && !inode.is_directory()) return fail(Errno::NotDirectory);
  if ((flags & flag::kPath) != 0) return {};
  if (inode.is(mode::kSymlink)) return fail(Errno::Loop);
  const Want want = wanted_by(flags);
  if (inode.is_directory() && want != Want::Read) return fail(Errno::IsDirectory);
  FB_TRY(check_access(inode.attributes(), who, want));
  if (inode.is(mode::kSocket)) return fail(Errno::NoDeviceOrAddress);
  if (want != Want::Read) FB_TRY(check_not_executed(inode));
  if ((flags & flag::kNoAccessTime) != 0 && !who.root() && who.uid != inode.attributes().uid) {
    return fail(Errno::Perm);
  }
  return {};
}

/// Errors: those of Inode::truncate().
Answer<> cut_opened(Opened& opened, const Credentials& who, std::uint32_t flags) {
  if ((flags & flag::kTruncate) == 0 || !opened.inode->is(mode::kRegular)) return {};
  FB_TRY(opened.inode->truncate(0));
  strip_set_ids(*opened.inode, who);
  opened.truncated = true;
  return {};
}

Answer<Opened> create_at(const Walk& walk, const Credentials& who, std::uint32_t permissions) {
  FB_TRY(check_create(*walk.directory(), who));
  const NewInode begin =
      begin_in(*walk.directory(), who, mode::kRegular | (permissions & mode::kPermissions));
  FB_ASSIGN(Ref<Origin> origin, walk.origin());
  FB_ASSIGN(Ref<Inode> made, walk.directory()->create(walk.last(), begin));
  note_entry(*walk.directory(), notice::kCreate, *made, walk.last());
  return Opened{.inode = std::move(made), .created = true, .origin = std::move(origin)};
}

/// What is at the new name may go, or may come. `old` is what moves there, `over` what is there.
Answer<> check_target(const Walk& walk, const Place& place, const Inode& old, const Answer<Ref<Inode>>& over,
                      std::uint32_t flags) {
  if (!over) {
    if (over.error() != Errno::NoEntry) return fail(over.error());
    if ((flags & renaming::kExchange) != 0) return fail(Errno::NoEntry);
    if (walk.slash() && !old.is_directory()) return fail(Errno::NotDirectory);
    return check_create(*walk.directory(), place.who);
  }
  if ((flags & renaming::kNoReplace) != 0) return fail(Errno::Exists);
  if (walk.slash() && !old.is_directory()) return fail(Errno::NotDirectory);
  FB_TRY(check_remove(*walk.directory(), **over, place.who));
  return place.mounts.involves(**over) ? Answer<>(fail(Errno::Busy)) : Answer<>();
}

/// O_TMPFILE.
Answer<Opened> open_unnamed(const Place& place, std::string_view path, std::uint32_t flags,
                            std::uint32_t permissions) {
  const std::uint32_t access = flags & flag::kAccess;
  if ((flags & (flag::kDirectory | flag::kCreate)) != flag::kDirectory) return fail(Errno::Invalid);
  if (access != flag::kWrite && access != flag::kReadWrite) return fail(Errno::Invalid);
  FB_ASSIGN(const Ref<Inode> directory, resolve(place, path, (flags & flag::kNoFollow) == 0));
  if (!directory->is_directory()) return fail(Errno::NotDirectory);
  FB_TRY(check_access(directory->attributes(), place.who, Want::Write | Want::Execute));
  const NewInode begin = begin_in(*directory, place.who, mode::kRegular | (permissions & mode::kPermissions));
  FB_ASSIGN(Ref<Inode> made, directory->create_unnamed(begin, (flags & flag::kExclusive) == 0));
  return Opened{.inode = std::move(made), .created = true};
}

}  // namespace

Answer<Opened> open_inode(const Place& place, std::string_view path, std::uint32_t flags,
                          std::uint32_t permissions) {
  if ((flags & flag::kPath) != 0) flags &= kWithPath;
  if ((flags & flag::kTemporary & ~flag::kDirectory) != 0)
    return open_unnamed(place, path, flags, permissions);
  const bool creates = (flags & flag::kCreate) != 0;
  if (creates && (flags & flag::kDirectory) != 0) return fail(Errno::Invalid);
  const bool exclusive = creates && (flags & flag::kExclusive) != 0;
  const bool follow = (flags & flag::kNoFollow) == 0 && !exclusive;

  Walk walk(place, path);
  FB_TRY(walk.to_last());
  for (;;) {
    if (creates && walk.kind() == Last::Name && walk.slash()) return fail(Errno::IsDirectory);
    auto found = walk.look();
    if (!found) {
      if (!creates || found.error() != Errno::NoEntry) return fail(found.error());
      return create_at(walk, place.who, permissions);
    }
    if (exclusive) return fail(Errno::Exists);
    if ((*found)->is(mode::kSymlink) && (follow || walk.slash())) {
      FB_ASSIGN(const bool jumped, walk.enter(**found));
      if (!jumped) continue;
      found = walk.directory();
    }
    if (walk.slash() && !(*found)->is_directory()) return fail(Errno::NotDirectory);
    Ref<Origin> origin;
    // Of a directory only who watches its parent wants to know by what name.
    const bool watched = walk.kind() == Last::Name && !walk.directory()->watchers().empty();
    if (!(*found)->is_directory() || watched) {
      FB_ASSIGN(origin, walk.origin());
    }
    FB_TRY(check_open(**found, place.who, flags));
    Opened opened{.inode = *std::move(found), .created = false, .origin = std::move(origin)};
    FB_TRY(cut_opened(opened, place.who, flags));
    return opened;
  }
}

Answer<Ref<Inode>> make_node(const Place& place, std::string_view path, std::uint32_t mode,
                             std::uint64_t rdev) {
  const std::uint32_t type = mode & mode::kType;
  Walk walk(place, path);
  FB_TRY(to_new(walk, place.who, type == mode::kDirectory));
  const bool device = type == mode::kCharacter || type == mode::kBlock;
  if (device && !place.who.root()) return fail(Errno::Perm);
  NewInode begin = begin_in(*walk.directory(), place.who, mode);
  if (device) begin.rdev = rdev;
  FB_ASSIGN(Ref<Inode> made, walk.directory()->create(walk.last(), begin));
  note_entry(*walk.directory(), notice::kCreate, *made, walk.last());
  return made;
}

Answer<> make_symlink(const Place& place, std::string_view path, std::string_view target) {
  if (target.empty()) return fail(Errno::NoEntry);
  if (target.size() >= kPathMax) return fail(Errno::NameTooLong);
  Walk walk(place, path);
  FB_TRY(to_new(walk, place.who, false));
  FB_ASSIGN(const Ref<Inode> made,
            walk.directory()->symlink(walk.last(), target,
                                      {.mode = 0, .uid = place.who.uid, .gid = place.who.gid}));
  note_entry(*walk.directory(), notice::kCreate, *made, walk.last());
  return {};
}

Answer<> link(const Place& from, const Ref<Inode>& target, std::string_view path) {
  Walk walk(from, path);
  FB_TRY(to_new(walk, from.who, false));
  if (walk.directory()->attributes().device != target->attributes().device) return fail(Errno::CrossDevice);
  FB_TRY(walk.directory()->link(walk.last(), *target));
  note_self(*target, notice::kAttributes);
  note_entry(*walk.directory(), notice::kCreate, *target, walk.last());
  return {};
}

Answer<> unlink(const Place& place, std::string_view path) {
  Walk walk(place, path);
  FB_TRY(walk.to_last());
  if (walk.kind() != Last::Name) return fail(Errno::IsDirectory);
  FB_ASSIGN(Ref<Inode> victim, walk.look());
  if (walk.slash()) return fail(victim->is_directory() ? Errno::IsDirectory : Errno::NotDirectory);
  FB_TRY(check_remove(*walk.directory(), *victim, place.who));
  if (victim->is_directory()) return fail(Errno::IsDirectory);
  FB_TRY(walk.directory()->unlink(walk.last()));
  note_self(*victim, notice::kAttributes);
  victim.reset();  // its end, if nobody has it open, is told before
  note_gone(*walk.directory(), walk.last(), false);
  return {};
}

Answer<> remove_directory(const Place& place, std::string_view path) {
  Walk walk(place, path);
  FB_TRY(walk.to_last());
  if (walk.kind() == Last::Dot) return fail(Errno::Invalid);
  if (walk.kind() == Last::DotDot) return fail(Errno::NotEmpty);
  if (walk.kind() == Last::Root) return fail(Errno::Busy);
  FB_ASSIGN(Ref<Inode> victim, walk.look());
  FB_TRY(check_remove(*walk.directory(), *victim, place.who));
  if (!victim->is_directory()) return fail(Errno::NotDirectory);
  if (place.mounts.involves(*victim) || same_file(*victim, *place.root)) return fail(Errno::Busy);
  FB_TRY(walk.directory()->remove_directory(walk.last()));
  victim.reset();
  note_gone(*walk.directory(), walk.last(), true);
  return {};
}

Answer<> rename(const Place& from, std::string_view from_path, const Place& to, std::string_view to_path,
                std::uint32_t flags) {
  constexpr std::uint32_t kBoth = renaming::kNoReplace | renaming::kExchange;
  if ((flags & ~kBoth) != 0 || (flags & kBoth) == kBoth) return fail(Errno::Invalid);
  Walk source(from, from_path);
  Walk target(to, to_path);
  FB_TRY(source.to_last());
  FB_TRY(target.to_last());
  Inode& old_directory = *source.directory();
  Inode& new_directory = *target.directory();
  if (old_directory.attributes().device != new_directory.attributes().device) {
    return fail(Errno::CrossDevice);
  }
  if (source.kind() != Last::Name) return fail(Errno::Busy);
  if (target.kind() != Last::Name) {
    return fail((flags & renaming::kNoReplace) != 0 ? Errno::Exists : Errno::Busy);
  }
  FB_ASSIGN(const Ref<Inode> moved, source.look());
  if (source.slash() && !moved->is_directory()) return fail(Errno::NotDirectory);
  FB_TRY(check_remove(old_directory, *moved, from.who));
  const auto over = target.look();
  FB_TRY(check_target(target, to, *moved, over, flags));
  if (from.mounts.involves(*moved)) return fail(Errno::Busy);
  // To another parent, its ".." is changed.
  if (moved->is_directory() && source.directory() != target.directory()) {
    FB_TRY(check_access(moved->attributes(), from.who, Want::Write));
  }
  FB_TRY(old_directory.rename(source.last(), new_directory, target.last(), flags));
  const Move move{
      .from = old_directory, .name = source.last(), .to = new_directory, .to_name = target.last()};
  note_move(move, *moved, over ? over->get() : nullptr, (flags & renaming::kExchange) != 0);
  return {};
}

Answer<> change_mode(Inode& inode, const Credentials& who, std::uint32_t permissions, core::Nanoseconds now) {
  Attributes& its = inode.attributes();
  if (!who.root() && who.uid != its.uid) return fail(Errno::Perm);
  if (inode.is(mode::kSymlink)) return fail(Errno::NotSupported);
  if (!who.root() && !who.member_of(its.gid)) permissions &= ~mode::kSetGid;
  const std::uint32_t* const seals = inode.seals();
  const bool executes = ((its.mode ^ permissions) & mode::kAnyExecute) != 0;
  if (seals != nullptr && (*seals & seal::kExecute) != 0 && executes) return fail(Errno::Perm);
  its.mode = (its.mode & mode::kType) | (permissions & mode::kPermissions);
  its.changed = now;
  note_self(inode, notice::kAttributes);
  return {};
}

Answer<> change_owner(Inode& inode, const Credentials& who, std::uint32_t uid, std::uint32_t gid,
                      core::Nanoseconds now) {
  constexpr std::uint32_t kLeave = ~std::uint32_t{0};
  Attributes& its = inode.attributes();
  if (!who.root()) {
    const bool owns = who.uid == its.uid;
    if (uid != kLeave && (!owns || uid != its.uid)) return fail(Errno::Perm);
    if (gid != kLeave && (!owns || (gid != its.gid && !who.member_of(gid)))) return fail(Errno::Perm);
  }
  if (uid != kLeave) its.uid = uid;
  if (gid != kLeave) its.gid = gid;
  if (!inode.is_directory()) {
    its.mode &= ~mode::kSetUid;
    if ((its.mode & mode::kGroupExecute) != 0) its.mode &= ~mode::kSetGid;
  }
  its.changed = now;
  note_self(inode, notice::kAttributes);
  return {};
}

Answer<> truncate(Inode& inode, const Credentials& who, std::uint64_t size) {
  if (inode.is_directory()) return fail(Errno::IsDirectory);
  if (!inode.is(mode::kRegular)) return fail(Errno::Invalid);
  FB_TRY(check_access(inode.attributes(), who, Want::Write));
  FB_TRY(check_not_executed(inode));
  FB_TRY(inode.truncate(size));
  strip_set_ids(inode, who);
  note_self(inode, notice::kModify);
  return {};
}

}  // namespace fb::libos::posix::vfs
