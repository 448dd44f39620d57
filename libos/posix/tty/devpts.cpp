#include "libos/posix/tty/devpts.hpp"

#include "core/text/buffer.hpp"
#include "core/text/parse.hpp"

namespace fb::libos::posix::tty {
namespace {

constexpr std::uint64_t kRootInode = 1, kPtmxInode = 2, kFirstInode = 3;
constexpr std::uint64_t kPtmxCookie = 3, kFirstCookie = 4;
constexpr std::string_view kPtmx = "ptmx";

}  // namespace

/// Numbers are places in it; a free one holds none.
class Devpts::Directory final : public vfs::Inode, public PtyNames {
 public:
  Directory(JobControl& jobs, vfs::Clock& clock, std::uint64_t device, std::uint32_t most)
      : Inode({.device = device, .inode = kRootInode, .mode = vfs::mode::kDirectory | 0755, .links = 2}),
        jobs_(jobs),
        clock_(clock),
        most_(most) {
    attributes().accessed = attributes().modified = attributes().changed = clock.now();
  }
  /// Errors: NoMemory.
  Answer<> prepare() {
    FB_ASSIGN(ptmx_, make_inode({}, kPtmxInode, 0666, vfs::make_device(kTerminalsMajor, kPtmxMinor)));
    return {};
  }
  Answer<Ref<vfs::File>> open_master(const Ref<vfs::Inode>& ptmx, std::uint32_t flags);

  Answer<Ref<vfs::Inode>> lookup(std::string_view name) override;
  Answer<Ref<vfs::Inode>> parent() override { return Ref<vfs::Inode>(*this); }
  Answer<Ref<vfs::Inode>> create(std::string_view, const vfs::NewInode& begin) override {
    return fail((begin.mode & vfs::mode::kType) == vfs::mode::kRegular ? Errno::Access : Errno::Perm);
  }
  Answer<Ref<vfs::Inode>> symlink(std::string_view, std::string_view, const vfs::NewInode&) override {
    return fail(Errno::Perm);
  }
  Answer<> link(std::string_view, Inode&) override { return fail(Errno::Perm); }
  Answer<> unlink(std::string_view) override { return fail(Errno::Perm); }
  Answer<> remove_directory(std::string_view) override { return fail(Errno::Perm); }
  Answer<> rename(std::string_view, Inode&, std::string_view, std::uint32_t) override {
    return fail(Errno::Perm);
  }
  Answer<std::optional<vfs::DirectoryEntry>> entry_after(std::uint64_t cookie) override;

  [[nodiscard]] Ref<vfs::Inode> slave(std::uint32_t number) const override {
    return number < slaves_.size() ? slaves_[number] : Ref<vfs::Inode>();
  }
  void remove(std::uint32_t number) override;

 private:
  Answer<Ref<vfs::Inode>> make_inode(const Caller& owner, std::uint64_t number, std::uint32_t permissions,
                                     std::uint64_t rdev);
  Answer<std::uint32_t> free_number();

  JobControl& jobs_;
  vfs::Clock& clock_;
  std::uint32_t most_;
  Ref<vfs::Inode> ptmx_;
  Vector<Ref<vfs::Inode>> slaves_;
  std::array<char, 10> name_{};  ///< of the entry that was asked for last
};

Answer<Ref<vfs::Inode>> Devpts::Directory::make_inode(const Caller& owner, std::uint64_t number,
                                                      std::uint32_t permissions, std::uint64_t rdev) {
  const auto now = clock_.now();
  return make_shared<vfs::Inode>(vfs::Attributes{.device = attributes().device,
                                                 .inode = number,
                                                 .mode = vfs::mode::kCharacter | permissions,
                                                 .uid = owner.uid,
                                                 .gid = owner.gid,
                                                 .links = 1,
                                                 .rdev = rdev,
                                                 .accessed = now,
                                                 .modified = now,
                                                 .changed = now});
}

/// Errors: NoSpace, NoMemory.
Answer<std::uint32_t> Devpts::Directory::free_number() {
  for (std::uint32_t number = 0; number < slaves_.size(); ++number) {
    if (!slaves_[number]) return number;
  }
  if (slaves_.size() >= most_) return fail(Errno::NoSpace);
  FB_TRY(slaves_.push_back({}));
  return static_cast<std::uint32_t>(slaves_.size() - 1);
}

Answer<Ref<vfs::File>> Devpts::Directory::open_master(const Ref<vfs::Inode>& ptmx, std::uint32_t flags) {
  FB_ASSIGN(const auto number, free_number());
  FB_ASSIGN(const auto pty, make_shared<Pty>(jobs_, number));
  FB_ASSIGN(const auto inode, make_inode(jobs_.caller(), kFirstInode + number, 0620, pty->device()));
  FB_ASSIGN(const auto master, make_shared<MasterFile>(ptmx, flags, pty, *this, jobs_));
  inode->attachment() = pty;
  slaves_[number] = inode;
  return Ref<vfs::File>(*master);
}

void Devpts::Directory::remove(std::uint32_t number) {
  if (number >= slaves_.size() || !slaves_[number]) return;
  slaves_[number]->attributes().links = 0;
  slaves_[number]->attachment().reset();
  slaves_[number].reset();
}

Answer<Ref<vfs::Inode>> Devpts::Directory::lookup(std::string_view name) {
  if (name == kPtmx) return ptmx_;
  const auto number = core::text::parse_decimal(name);
  const bool plain = name.size() == 1 || name.front() != '0';
  if (!number || !plain || *number >= slaves_.size() || !slaves_[*number]) return fail(Errno::NoEntry);
  return slaves_[*number];
}

Answer<std::optional<vfs::DirectoryEntry>> Devpts::Directory::entry_after(std::uint64_t cookie) {
  if (cookie < kPtmxCookie) {
    return vfs::DirectoryEntry{
        .cookie = kPtmxCookie, .name = kPtmx, .inode = kPtmxInode, .mode = ptmx_->attributes().mode};
  }
  for (std::uint64_t number = cookie + 1 - kFirstCookie; number < slaves_.size(); ++number) {
    if (!slaves_[number]) continue;
    return vfs::DirectoryEntry{.cookie = kFirstCookie + number,
                               .name = core::text::format_to(name_, number),
                               .inode = kFirstInode + number,
                               .mode = slaves_[number]->attributes().mode};
  }
  return std::nullopt;
}

Answer<Ref<Devpts>> Devpts::make(JobControl& jobs, vfs::Clock& clock, std::uint64_t device,
                                 std::uint32_t most) {
  FB_ASSIGN(const auto root, make_shared<Directory>(jobs, clock, device, most));
  FB_TRY(root->prepare());
  return make_shared<Devpts>(root);
}

Devpts::Devpts(const Ref<Directory>& root) : root_(root) {}
Devpts::~Devpts() = default;

Ref<vfs::Inode> Devpts::root() { return root_; }

Answer<Ref<vfs::File>> Devpts::open_master(const Ref<vfs::Inode>& ptmx, std::uint32_t flags) {
  return root_->open_master(ptmx, flags);
}

}  // namespace fb::libos::posix::tty
