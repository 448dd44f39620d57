// The inodes of a Tmpfs. Nothing else includes this.
#pragma once

#include <memory>

#include "libos/posix/vfs/extended.hpp"
#include "libos/posix/vfs/name_table.hpp"
#include "libos/posix/vfs/pages.hpp"
#include "libos/posix/vfs/string.hpp"
#include "libos/posix/vfs/tmpfs.hpp"

namespace fb::libos::posix::vfs {

/// What all inodes of one file system share.
struct Tmpfs::Store final : Shared {
  Store(Frames& the_frames, Clock& the_clock, std::uint64_t the_device, const Limits& the_limits)
      : frames(the_frames), clock(the_clock), device(the_device), limits(the_limits) {}
  Frames& frames;
  Clock& clock;
  std::uint64_t device;
  Limits limits;
  std::uint64_t last_inode = 0, inodes = 0, pages = 0;
};

class TmpNode : public Inode {
 public:
  TmpNode(const Ref<Tmpfs::Store>& store, const NewInode& begin);
  ~TmpNode() override { --store_->inodes; }
  Answer<ExtendedAttributes*> extended() override;
  /// A file without a name may get one, once: it comes of O_TMPFILE.
  [[nodiscard]] bool may_be_linked() const { return may_be_linked_; }
  void allow_link() { may_be_linked_ = true; }
  void forbid_link() { may_be_linked_ = false; }

 protected:
  [[nodiscard]] Tmpfs::Store& store() const { return *store_; }
  void mark_changed() { attributes().changed = store_->clock.now(); }
  void mark_modified() { attributes().modified = attributes().changed = store_->clock.now(); }
  /// Only when something has happened since the last time (relatime).
  void mark_accessed();
  [[nodiscard]] const Ref<Tmpfs::Store>& shared_store() const { return store_; }

 private:
  Ref<Tmpfs::Store> store_;
  std::unique_ptr<ExtendedAttributes> extended_;
  bool may_be_linked_ = false;
};

/// Devices, FIFOs and sockets: what they do is elsewhere.
class TmpSpecial final : public TmpNode {
 public:
  using TmpNode::TmpNode;
};

class TmpLink final : public TmpNode {
 public:
  TmpLink(const Ref<Tmpfs::Store>& store, const NewInode& begin, String target);
  Answer<std::string_view> readlink() override;

 private:
  String target_;
};

class TmpFile final : public TmpNode {
 public:
  TmpFile(const Ref<Tmpfs::Store>& store, const NewInode& begin)
      : TmpNode(store, begin), pages_(store->frames) {}
  ~TmpFile() override { store().pages -= pages_.held(); }

  Answer<std::size_t> read(std::uint64_t offset, Output& out, std::size_t count) override;
  Answer<std::size_t> write(std::uint64_t offset, Input& in, std::size_t count) override;
  Answer<> truncate(std::uint64_t size) override;
  Answer<FrameId> frame_at(core::PageCount page) override;
  Answer<std::uint64_t> find(std::uint64_t offset, bool hole) override;
  Answer<> allocate(std::uint32_t mode, std::uint64_t offset, std::uint64_t length) override;
  std::uint32_t* seals() override { return &seals_; }
  FrameId present(core::PageCount page) override { return pages_.get(page.raw()); }
  void present_all(core::PageCount first, std::span<FrameId> into) override {
    pages_.get_all(first.raw(), into);
  }

 private:
  Answer<FrameId> fill(std::uint64_t page);
  Answer<> fill_all(std::uint64_t first, std::uint64_t end);
  void punch(std::uint64_t offset, std::uint64_t end);
  void clear_tail();
  void count_pages();

  Pages pages_;
  std::uint32_t seals_ = seal::kSeal;
};

class TmpDirectory final : public TmpNode {
 public:
  TmpDirectory(const Ref<Tmpfs::Store>& store, const NewInode& begin, TmpDirectory* parent);
  ~TmpDirectory() override;

  Answer<Ref<Inode>> lookup(std::string_view name) override;
  Answer<Ref<Inode>> parent() override;
  Answer<Ref<Inode>> create(std::string_view name, const NewInode& begin) override;
  Answer<Ref<Inode>> create_unnamed(const NewInode& begin, bool linkable) override;
  Answer<Ref<Inode>> symlink(std::string_view name, std::string_view target, const NewInode& begin) override;
  Answer<> link(std::string_view name, Inode& target) override;
  Answer<> unlink(std::string_view name) override;
  Answer<> remove_directory(std::string_view name) override;
  Answer<> rename(std::string_view name, Inode& to, std::string_view to_name, std::uint32_t flags) override;
  Answer<std::optional<DirectoryEntry>> entry_after(std::uint64_t cookie) override;

 private:
  struct Entry : Named<Entry> {
    Entry(std::uint64_t the_cookie, String the_name, const Ref<TmpNode>& the_node)
        : cookie(the_cookie), name(std::move(the_name)), node(the_node) {}
    std::uint64_t cookie;
    String name;
    Ref<TmpNode> node;
  };
  static constexpr std::uint64_t kFirstCookie = 3;  ///< 1 and 2 are "." and ".."
  static constexpr std::uint64_t kEntrySize = 20;   ///< as Linux's tmpfs pretends

  static TmpDirectory* as_directory(const Ref<TmpNode>& node);
  [[nodiscard]] std::size_t position(std::uint64_t cookie) const;
  [[nodiscard]] Entry* entry_of(std::string_view name) const { return by_name_.find(name); }
  [[nodiscard]] bool within(const Inode& directory) const;
  [[nodiscard]] NewInode fitted(const NewInode& begin) const;
  Answer<> may_add(std::string_view name) const;
  Answer<> add(std::string_view name, const Ref<TmpNode>& node);
  void remove(const Entry& entry);
  void exchange(Entry& from, TmpDirectory& target, Entry& over);
  Answer<> replace(const Entry& from, TmpDirectory& target, Entry& over);
  void adopt(TmpNode& node, TmpDirectory& from);
  void detach();
  void note_entries() { attributes().size = kEntrySize * (entries_.size() + 2); }

  TmpDirectory* parent_;           ///< itself at the root; null when that is gone
  Ref<TmpDirectory> last_parent_;  ///< once removed
  bool removed_ = false;
  std::uint64_t next_cookie_ = kFirstCookie;
  Vector<std::unique_ptr<Entry>> entries_;  ///< by cookie
  NameTable<Entry> by_name_;
};

}  // namespace fb::libos::posix::vfs
