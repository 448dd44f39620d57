// Open files whose text is made when it is read.
#pragma once

#include "libos/posix/procfs/node.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::procfs {

/// It holds one piece of the text at a time; what is read at the beginning is new, what is read behind it goes on there.
class TextFile final : public vfs::File {
 public:
  TextFile(const Ref<Node>& node, std::uint32_t flags) : File(node, flags), node_(node) {}
  Answer<std::uint64_t> seek(std::int64_t offset, vfs::Whence whence) override;

 private:
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;
  Answer<std::size_t> on_read_at(std::uint64_t offset, vfs::Output& out, std::size_t count) override;
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override;
  Answer<std::size_t> on_write_at(std::uint64_t offset, vfs::Input& in, std::size_t count) override;
  Answer<> reach(std::uint64_t offset);
  void restart();

  Ref<Node> node_;
  std::uint64_t offset_ = 0;
  Text piece_;
  std::uint64_t start_ = 0;  ///< of the piece
  Cursor cursor_ = 0;        ///< behind the piece
  bool ended_ = false;       ///< nothing is behind it
};

}  // namespace fb::libos::posix::procfs
