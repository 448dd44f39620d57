#include "libos/posix/procfs/file_system.hpp"

namespace fb::libos::posix::procfs {
namespace {

struct Kind {
  std::string_view type;
  std::uint64_t magic;
  Errno refusal;
};

Answer<Ref<vfs::FileSystem>> make(Context& context, std::uint64_t device, Table table, const Kind& kind) {
  FB_ASSIGN(const auto tree, make_shared<Tree>(context, device, kind.refusal));
  FB_ASSIGN(const auto root, Node::make_root(tree, table));
  FB_ASSIGN(const auto made, posix::make_shared<Computed>(root, kind.type, kind.magic));
  return Ref<vfs::FileSystem>(made);
}

}  // namespace

Answer<Ref<vfs::FileSystem>> make_proc(Context& context, std::uint64_t device) {
  return make(context, device, proc_table(),
              {.type = "proc", .magic = vfs::magic::kProc, .refusal = Errno::NoEntry});
}

Answer<Ref<vfs::FileSystem>> make_sysfs(Context& context, std::uint64_t device) {
  return make(context, device, sysfs_table(),
              {.type = "sysfs", .magic = vfs::magic::kSysfs, .refusal = Errno::Perm});
}

}  // namespace fb::libos::posix::procfs
