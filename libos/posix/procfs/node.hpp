// Inodes that are made when they are looked up, from the rows of a table.
#pragma once

#include "libos/posix/procfs/table.hpp"
#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::procfs {

/// What the nodes of one mounted tree share.
class Tree final : public Shared {
 public:
  Tree(Context& its_context, std::uint64_t its_device, Errno its_refusal)
      : context(its_context), device(its_device), refusal(its_refusal) {}
  Context& context;
  const std::uint64_t device;
  const Errno refusal;  ///< what making a name in it fails with
};

class Node final : public vfs::Inode {
 public:
  /// Below `prefix` in `table`; `row` is null for directories that only have what is below.
  struct Where {
    Table table{};
    std::string_view prefix{};
    const Row* row = nullptr;
    Key key{};
  };
  /// `above` is none at the root.
  Node(const Ref<Tree>& tree, const Ref<Node>& above, const Where& where, const vfs::Attributes& attributes,
       core::Nanoseconds start)
      : Inode(attributes), tree_(tree), above_(above), where_(where), start_(start) {}

  static Answer<Ref<Node>> make_root(const Ref<Tree>& tree, Table table);

  Answer<Ref<vfs::Inode>> lookup(std::string_view name) override;
  Answer<Ref<vfs::Inode>> parent() override;
  Answer<std::optional<vfs::DirectoryEntry>> entry_after(std::uint64_t cookie) override;
  Answer<Ref<vfs::Inode>> create(std::string_view, const vfs::NewInode&) override { return refuse(); }
  Answer<Ref<vfs::Inode>> symlink(std::string_view, std::string_view, const vfs::NewInode&) override {
    return refuse();
  }
  Answer<> link(std::string_view, Inode&) override { return refuse(); }
  Answer<> unlink(std::string_view) override { return is_directory() ? fail(Errno::Perm) : refuse(); }
  Answer<> remove_directory(std::string_view) override { return unlink({}); }
  Answer<> rename(std::string_view, Inode&, std::string_view, std::uint32_t) override { return refuse(); }
  /// Its text is good until it is asked again.
  Answer<std::string_view> readlink() override;
  Answer<bool> jump(vfs::Target& to) override;
  Answer<vfs::File*> open(std::uint32_t flags) override;
  Answer<> truncate(std::uint64_t size) override;

  /// For its open files. Errors: NoProcess when it is of a process that has gone.
  Answer<> write_text(Text& text, Cursor& cursor) const;
  Answer<> store_text(std::string_view text) const;

 private:
  [[nodiscard]] View view() const { return {.context = tree_->context, .key = where_.key}; }
  [[nodiscard]] Answer<> check() const;
  [[nodiscard]] std::unexpected<Errno> refuse() const {
    return fail(is_directory() ? tree_->refusal : Errno::NotDirectory);
  }
  [[nodiscard]] std::string_view component(const Row& row, bool& last) const;
  [[nodiscard]] bool hidden(const Row& row) const;
  [[nodiscard]] std::optional<Key> key_for(const Row& row, std::string_view pattern,
                                           std::string_view name) const;
  [[nodiscard]] std::optional<std::int32_t> next_of(Wild wild, std::int64_t after) const;
  Answer<Ref<vfs::Inode>> make(const Where& where, std::string_view name);
  [[nodiscard]] vfs::DirectoryEntry entry(std::size_t row, std::int64_t number, std::string_view name,
                                          bool last) const;

  Ref<Tree> tree_;
  Ref<Node> above_;
  Where where_;
  core::Nanoseconds start_;  ///< of the process: another one's number may be the same
  std::array<char, 64> name_{};
  Text text_;
};

}  // namespace fb::libos::posix::procfs
