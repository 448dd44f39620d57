#include <algorithm>
#include <functional>

#include "libos/posix/vfs/tmpfs_nodes.hpp"

namespace fb::libos::posix::vfs {

TmpDirectory::TmpDirectory(const Ref<Tmpfs::Store>& store, const NewInode& begin, TmpDirectory* parent)
    : TmpNode(store, begin), parent_(parent == nullptr ? this : parent) {
  attributes().links = 2;
  note_entries();
}

/// Neither a deep tree nor a long chain of removed directories may use the stack.
TmpDirectory::~TmpDirectory() {
  for (TmpDirectory* at = this;;) {
    if (at->entries_.empty()) {
      if (at == this) break;
      at = at->parent_;
      continue;
    }
    const Ref<TmpNode>& last = at->entries_.back()->node;
    if (TmpDirectory* child = as_directory(last); child != nullptr) {
      if (last->references() == 1 && !child->entries_.empty()) {
        at = child;
        continue;
      }
      child->parent_ = nullptr;
    }
    at->entries_.pop_back();
  }
  Ref<TmpDirectory> above = std::move(last_parent_);
  while (above && above->references() == 1) {
    Ref<TmpDirectory> next = std::move(above->last_parent_);
    above = std::move(next);
  }
}

TmpDirectory* TmpDirectory::as_directory(const Ref<TmpNode>& node) {
  return node->is_directory() ? static_cast<TmpDirectory*>(node.get()) : nullptr;
}

std::size_t TmpDirectory::position(std::uint64_t cookie) const {
  const auto* const at =
      std::ranges::lower_bound(entries_, cookie, {}, [](const auto& entry) { return entry->cookie; });
  return static_cast<std::size_t>(at - entries_.begin());
}

bool TmpDirectory::within(const Inode& directory) const {
  for (const TmpDirectory* at = this; at != nullptr; at = at->parent_) {
    if (at == &directory) return true;
    if (at->parent_ == at) return false;
  }
  return false;
}

Answer<> TmpDirectory::may_add(std::string_view name) const {
  if (removed_) return fail(Errno::NoEntry);
  if (name.size() > kNameMax) return fail(Errno::NameTooLong);
  if (entry_of(name) != nullptr) return fail(Errno::Exists);
  return {};
}

Answer<> TmpDirectory::add(std::string_view name, const Ref<TmpNode>& node) {
  FB_TRY(by_name_.make_room());
  FB_ASSIGN(String text, String::make(name));
  std::unique_ptr<Entry> made(new (std::nothrow) Entry(next_cookie_, std::move(text), node));
  if (made == nullptr) return fail(Errno::NoMemory);
  Entry& entry = *made;
  FB_TRY(entries_.push_back(std::move(made)));
  by_name_.insert(entry);
  ++next_cookie_;
  note_entries();
  mark_modified();
  return {};
}

void TmpDirectory::remove(const Entry& entry) {
  by_name_.remove(entry);
  entries_.erase(position(entry.cookie));
  note_entries();
  mark_modified();
}

/// `node`, which comes from another directory, is in this one now.
void TmpDirectory::adopt(TmpNode& node, TmpDirectory& from) {
  if (!node.is_directory()) return;
  static_cast<TmpDirectory&>(node).parent_ = this;
  --from.attributes().links;
  ++attributes().links;
}

/// This is no longer in its parent; ".." still leads there.
void TmpDirectory::detach() {
  removed_ = true;
  attributes().links = 0;
  mark_changed();
  last_parent_ = Ref<TmpDirectory>(*parent_);
}

Answer<Ref<Inode>> TmpDirectory::lookup(std::string_view name) {
  const Entry* const entry = entry_of(name);
  if (entry == nullptr) return fail(Errno::NoEntry);
  return entry->node;
}

Answer<Ref<Inode>> TmpDirectory::parent() {
  if (parent_ == nullptr) return fail(Errno::NoEntry);
  return Ref<Inode>(*parent_);
}

/// What it gets of a directory with the set-gid bit.
NewInode TmpDirectory::fitted(const NewInode& begin) const {
  NewInode fitted = begin;
  if ((attributes().mode & mode::kSetGid) == 0) return fitted;
  fitted.gid = attributes().gid;
  if ((begin.mode & mode::kType) == mode::kDirectory) fitted.mode |= mode::kSetGid;
  return fitted;
}

Answer<Ref<Inode>> TmpDirectory::create_unnamed(const NewInode& begin, bool linkable) {
  if (store().inodes >= store().limits.inodes) return fail(Errno::NoSpace);
  FB_ASSIGN(const auto node, make_shared<TmpFile>(shared_store(), fitted(begin)));
  node->attributes().links = 0;
  if (linkable) node->allow_link();
  return node;
}

Answer<Ref<Inode>> TmpDirectory::create(std::string_view name, const NewInode& begin) {
  FB_TRY(may_add(name));
  if (store().inodes >= store().limits.inodes) return fail(Errno::NoSpace);
  const std::uint32_t type = begin.mode & mode::kType;
  Ref<TmpNode> node;
  if (type == mode::kDirectory) {
    FB_ASSIGN(node, make_shared<TmpDirectory>(shared_store(), fitted(begin), this));
  } else if (type == mode::kRegular) {
    FB_ASSIGN(node, make_shared<TmpFile>(shared_store(), fitted(begin)));
  } else {
    FB_ASSIGN(node, make_shared<TmpSpecial>(shared_store(), fitted(begin)));
  }
  FB_TRY(add(name, node));
  if (type == mode::kDirectory) ++attributes().links;
  return node;
}

Answer<Ref<Inode>> TmpDirectory::symlink(std::string_view name, std::string_view target,
                                         const NewInode& begin) {
  FB_TRY(may_add(name));
  if (store().inodes >= store().limits.inodes) return fail(Errno::NoSpace);
  NewInode fitted = begin;
  fitted.mode = mode::kSymlink | 0777;
  if ((attributes().mode & mode::kSetGid) != 0) fitted.gid = attributes().gid;
  FB_ASSIGN(String text, String::make(target));
  FB_ASSIGN(auto node, make_shared<TmpLink>(shared_store(), fitted, std::move(text)));
  FB_TRY(add(name, node));
  return node;
}

Answer<> TmpDirectory::link(std::string_view name, Inode& target) {
  FB_TRY(may_add(name));
  if (target.attributes().device != attributes().device) return fail(Errno::CrossDevice);
  if (target.is_directory()) return fail(Errno::Perm);
  if (target.attributes().links == 0 && !static_cast<TmpNode&>(target).may_be_linked()) {
    return fail(Errno::NoEntry);
  }
  FB_TRY(add(name, Ref<TmpNode>(static_cast<TmpNode&>(target))));
  ++target.attributes().links;
  static_cast<TmpNode&>(target).forbid_link();
  target.attributes().changed = attributes().changed;
  return {};
}

Answer<> TmpDirectory::unlink(std::string_view name) {
  const Entry* const entry = entry_of(name);
  if (entry == nullptr) return fail(Errno::NoEntry);
  if (entry->node->is_directory()) return fail(Errno::IsDirectory);
  --entry->node->attributes().links;
  entry->node->attributes().changed = store().clock.now();
  remove(*entry);
  return {};
}

Answer<> TmpDirectory::remove_directory(std::string_view name) {
  const Entry* const entry = entry_of(name);
  if (entry == nullptr) return fail(Errno::NoEntry);
  TmpDirectory* const child = as_directory(entry->node);
  if (child == nullptr) return fail(Errno::NotDirectory);
  if (!child->entries_.empty()) return fail(Errno::NotEmpty);
  child->detach();
  --attributes().links;
  remove(*entry);
  return {};
}

void TmpDirectory::exchange(Entry& from, TmpDirectory& target, Entry& over) {
  std::swap(from.node, over.node);
  if (&target != this) {
    target.adopt(*over.node, *this);
    adopt(*from.node, target);
  }
  mark_modified();
  target.mark_modified();
}

/// `over` goes, and what `from` names takes its place.
Answer<> TmpDirectory::replace(const Entry& from, TmpDirectory& target, Entry& over) {
  if (TmpDirectory* const gone = as_directory(over.node); gone != nullptr) {
    if (!from.node->is_directory()) return fail(Errno::IsDirectory);
    if (!gone->entries_.empty()) return fail(Errno::NotEmpty);
    gone->detach();
    --target.attributes().links;
  } else {
    if (from.node->is_directory()) return fail(Errno::NotDirectory);
    --over.node->attributes().links;
    over.node->attributes().changed = store().clock.now();
  }
  over.node = from.node;
  return {};
}

Answer<> TmpDirectory::rename(std::string_view name, Inode& to, std::string_view to_name,
                              std::uint32_t flags) {
  if (!to.is_directory()) return fail(Errno::NotDirectory);
  if (to.attributes().device != attributes().device) return fail(Errno::CrossDevice);
  auto& target = static_cast<TmpDirectory&>(to);
  Entry* const from = entry_of(name);
  if (from == nullptr || target.removed_) return fail(Errno::NoEntry);
  Entry* const over = target.entry_of(to_name);
  const bool swaps = (flags & renaming::kExchange) != 0;
  if (over != nullptr && (flags & renaming::kNoReplace) != 0) return fail(Errno::Exists);
  if (over == nullptr && swaps) return fail(Errno::NoEntry);
  const Ref<TmpNode> node = from->node;
  if (target.within(*node)) return fail(Errno::Invalid);
  if (over != nullptr && within(*over->node)) return fail(swaps ? Errno::Invalid : Errno::NotEmpty);
  if (over != nullptr && over->node == node) return {};

  if (swaps) {
    exchange(*from, target, *over);
  } else if (over != nullptr) {
    FB_TRY(replace(*from, target, *over));
    target.mark_modified();
  } else {
    FB_TRY(target.may_add(to_name));
    FB_TRY(target.add(to_name, node));
  }
  mark_changed();
  node->attributes().changed = attributes().changed;
  if (swaps) return {};
  if (&target != this) target.adopt(*node, *this);
  remove(*from);
  return {};
}

Answer<std::optional<DirectoryEntry>> TmpDirectory::entry_after(std::uint64_t cookie) {
  const std::size_t at = position(cookie + 1);
  if (cookie == ~std::uint64_t{0} || at == entries_.size()) return std::nullopt;
  const Entry& entry = *entries_[at];
  return DirectoryEntry{.cookie = entry.cookie,
                        .name = entry.name.view(),
                        .inode = entry.node->attributes().inode,
                        .mode = entry.node->attributes().mode};
}

}  // namespace fb::libos::posix::vfs
