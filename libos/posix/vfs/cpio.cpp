#include "libos/posix/vfs/cpio.hpp"

#include <algorithm>
#include <tuple>

#include "core/archive/newc.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::vfs {
namespace {

using core::archive::Archive;
using core::archive::Entry;

core::Nanoseconds time_of(const Entry& entry) {
  return core::Nanoseconds(std::uint64_t{entry.modified} * 1'000'000'000);
}

class Filler {
 public:
  explicit Filler(const Ref<Inode>& root) : root_(root) {}
  /// Over what is there.
  explicit Filler(const Place& over) : root_(over.root), over_(&over) {}

  Answer<> add(const Entry& entry);
  /// Filling has changed the times of directories.
  void stamp_directories() {
    for (const auto& [inode, time] : directories_) inode->attributes().modified = time;
  }

 private:
  struct Stamp {
    Ref<Inode> inode;
    core::Nanoseconds time;
  };
  /// An inode that may come again under another name.
  struct Known {
    std::uint32_t major, minor, number;
    Ref<Inode> inode;
    [[nodiscard]] auto key() const { return std::tuple(major, minor, number); }
  };
  struct Target {
    Ref<Inode> directory;
    std::string_view name;  ///< empty for the root itself
  };

  [[nodiscard]] Answer<Target> find(std::string_view path) const;
  [[nodiscard]] Answer<Ref<Inode>> directory_for(std::string_view path) const;
  [[nodiscard]] Answer<Target> find_over(std::string_view path) const;
  Answer<> clear_way(const Target& target) const;
  Answer<> add_directory(const Target& target, const Entry& entry);
  Answer<> add_file(const Target& target, const Entry& entry);
  Answer<Ref<Inode>> make(const Target& target, const Entry& entry);
  static void own(Inode& inode, const Entry& entry);
  static Answer<> fill(Inode& inode, const Entry& entry);

  Ref<Inode> root_;
  const Place* over_ = nullptr;
  Vector<Stamp> directories_;
  Vector<Known> known_;  ///< by key
};

/// The directory that is to hold the last component. Nothing leads out of the tree: ".." is refused, links are no directories.
Answer<Filler::Target> Filler::find(std::string_view path) const {
  if (path.size() >= kPathMax) return fail(Errno::NameTooLong);
  Target target{.directory = root_, .name = {}};
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t first = at;
    while (at != path.size() && path[at] != '/') ++at;
    const std::string_view component(path.data() + first, at - first);
    while (at != path.size() && path[at] == '/') ++at;
    if (component.empty() || component == ".") continue;
    if (component == "..") return fail(Errno::Invalid);
    if (component.size() > kNameMax) return fail(Errno::NameTooLong);
    if (!target.name.empty()) {
      FB_ASSIGN(target.directory, target.directory->lookup(target.name));
    }
    if (!target.directory->is_directory()) return fail(Errno::NotDirectory);
    target.name = component;
  }
  return target;
}

/// Made as far as it is missing.
Answer<Ref<Inode>> Filler::directory_for(std::string_view path) const {
  for (std::size_t end = 0; end != path.size();) {
    while (end != path.size() && path[end] == '/') ++end;
    while (end != path.size() && path[end] != '/') ++end;
    const std::string_view part(path.data(), end);
    const auto there = resolve(*over_, part, true);
    if (there) continue;
    if (there.error() != Errno::NoEntry) return fail(there.error());
    FB_TRY(make_node(*over_, part, mode::kDirectory | 0755));
  }
  return path.empty() ? over_->root : resolve(*over_, path, true);
}

Answer<Filler::Target> Filler::find_over(std::string_view path) const {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path == ".") path = {};
  std::size_t name = path.size();
  while (name != 0 && path[name - 1] != '/') --name;
  Target target{.directory = {}, .name = {path.data() + name, path.size() - name}};
  if (target.name == "." || target.name == "..") return fail(Errno::Invalid);
  if (target.name.size() > kNameMax) return fail(Errno::NameTooLong);
  FB_ASSIGN(target.directory, directory_for({path.data(), name}));
  if (!target.directory->is_directory()) return fail(Errno::NotDirectory);
  return target;
}

Answer<> Filler::clear_way(const Target& target) const {
  const auto old = target.directory->lookup(target.name);
  if (!old) return old.error() == Errno::NoEntry ? Answer<>{} : fail(old.error());
  if ((*old)->is_directory()) return fail(Errno::IsDirectory);
  return target.directory->unlink(target.name);
}

void Filler::own(Inode& inode, const Entry& entry) {
  Attributes& its = inode.attributes();
  its.mode = (its.mode & mode::kType) | (entry.mode & mode::kPermissions);
  its.uid = entry.uid;
  its.gid = entry.gid;
  its.modified = time_of(entry);
}

Answer<> Filler::fill(Inode& inode, const Entry& entry) {
  const auto bytes = entry.bytes();
  if (bytes.empty()) return {};
  FB_TRY(inode.truncate(0));
  BytesInput in(bytes);
  FB_ASSIGN(const std::size_t done, inode.write(0, in, bytes.size()));
  if (done != bytes.size()) return fail(Errno::NoSpace);
  return {};
}

Answer<> Filler::add_directory(const Target& target, const Entry& entry) {
  if (over_ != nullptr) {
    const auto there = resolve(*over_, entry.name, true);
    if (there && (*there)->is_directory()) return {};
    FB_TRY(clear_way(target));
  }
  Ref<Inode> inode = target.directory;
  if (!target.name.empty()) {
    const auto old = target.directory->lookup(target.name);
    if (old && !(*old)->is_directory()) return fail(Errno::Exists);
    if (old) {
      inode = *old;
    } else {
      FB_ASSIGN(inode, target.directory->create(target.name, {.mode = mode::kDirectory | 0700}));
    }
  }
  own(*inode, entry);
  return directories_.push_back({.inode = inode, .time = time_of(entry)});
}

Answer<Ref<Inode>> Filler::make(const Target& target, const Entry& entry) {
  const std::uint32_t type = entry.mode & mode::kType;
  if (type == mode::kSymlink) {
    if (entry.contents.size() >= kPathMax) return fail(Errno::NameTooLong);
    if (entry.contents.empty() || entry.contents.find('\0') != std::string_view::npos) {
      return fail(Errno::Invalid);
    }
    return target.directory->symlink(target.name, entry.contents, {});
  }
  const bool device = type == mode::kCharacter || type == mode::kBlock;
  const bool known = device || type == mode::kRegular || type == mode::kFifo || type == mode::kSocket;
  if (!known || (type != mode::kRegular && !entry.contents.empty())) return fail(Errno::Invalid);
  const std::uint64_t rdev = device ? make_device(entry.special.major, entry.special.minor) : 0;
  return target.directory->create(target.name, {.mode = type | 0600, .rdev = rdev});
}

/// Of hard links, any may have the contents; that of the last that has some counts, as for Linux.
Answer<> Filler::add_file(const Target& target, const Entry& entry) {
  const bool regular = (entry.mode & mode::kType) == mode::kRegular;
  const bool shared = entry.links > 1 && (entry.mode & mode::kType) != mode::kSymlink;
  const std::tuple key(entry.device.major, entry.device.minor, entry.inode);
  auto* const at = std::ranges::lower_bound(known_, key, {}, &Known::key);
  if (shared && at != known_.end() && at->key() == key) {
    if (((at->inode->attributes().mode ^ entry.mode) & mode::kType) != 0) return fail(Errno::Invalid);
    FB_TRY(target.directory->link(target.name, *at->inode));
    if (regular) FB_TRY(fill(*at->inode, entry));
    own(*at->inode, entry);
    return {};
  }
  FB_ASSIGN(const Ref<Inode> inode, make(target, entry));
  if (regular) FB_TRY(fill(*inode, entry));
  own(*inode, entry);
  if (!shared) return {};
  return known_.insert(
      static_cast<std::size_t>(at - known_.begin()),
      {.major = entry.device.major, .minor = entry.device.minor, .number = entry.inode, .inode = inode});
}

Answer<> Filler::add(const Entry& entry) {
  auto found = over_ == nullptr ? find(entry.name) : find_over(entry.name);
  if (!found) return fail(found.error());
  const Target& target = *found;
  if ((entry.mode & mode::kType) == mode::kDirectory) return add_directory(target, entry);
  if (target.name.empty()) return fail(Errno::Exists);
  // A slash behind the name of what is no directory.
  if (entry.name.back() == '/') return fail(Errno::Invalid);
  if (over_ != nullptr) FB_TRY(clear_way(target));
  return add_file(target, entry);
}

Answer<> fill_from(Filler& filler, std::span<const std::byte> bytes, std::string_view* fault) {
  if (fault != nullptr) *fault = {};
  const auto archive = Archive::parse(bytes);
  if (!archive) return fail(Errno::Invalid);
  for (const Entry& entry : *archive) {
    const auto added = filler.add(entry);
    if (added) continue;
    if (fault != nullptr) *fault = entry.name;
    return added;
  }
  filler.stamp_directories();
  return {};
}

}  // namespace

Answer<Ref<Tmpfs>> tmpfs_from_cpio(Frames& frames, Clock& clock, std::uint64_t device,
                                   std::span<const std::byte> archive, const Tmpfs::Limits& limits,
                                   std::string_view* fault) {
  FB_ASSIGN(auto tmpfs, Tmpfs::make(frames, clock, device, {.mode = mode::kDirectory | 0755}, limits));
  Filler filler(tmpfs->root());
  FB_TRY(fill_from(filler, archive, fault));
  return tmpfs;
}

Answer<> overlay_cpio(const Place& place, std::span<const std::byte> archive, std::string_view* fault) {
  Filler filler(place);
  return fill_from(filler, archive, fault);
}

}  // namespace fb::libos::posix::vfs
