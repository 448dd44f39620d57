// Times of files, statx, and permissions by the newer calls (C4.03).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "libos/posix/vfs/times.hpp"

namespace fb::libos::posix::call {
namespace {

using Times = std::array<vfs::Timespec, 2>;

Done apply(Call& call, const Answer<Ref<vfs::Inode>>& inode, const Times& times) {
  if (!inode) return fail(inode.error());
  FB_TRY(vfs::set_times(**inode, call.process.place().who, times, call.process.system.clock.now()));
  return 0;
}

Answer<Ref<vfs::Inode>> opened(Call& call, std::int32_t descriptor) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(descriptor));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  if (!file->inode()) return fail(Errno::Invalid);
  return file->inode();
}

/// Two struct timeval, or nothing for now. Errors: Invalid, Fault.
Answer<Times> timevals(Call& call, core::VirtAddr at) {
  constexpr std::int64_t kMicrosecond = 1'000, kMost = 999'999;
  if (at == core::VirtAddr(0)) return vfs::kBothNow;
  FB_ASSIGN(auto times, call.get<Times>(at));
  for (auto& time : times) {
    if (time.nanoseconds < 0 || time.nanoseconds > kMost) return fail(Errno::Invalid);
    time.nanoseconds *= kMicrosecond;
  }
  return times;
}

constexpr std::int32_t kHere = vfs::at::kWorkingDirectory;

}  // namespace

Done do_utimensat(Call& call) {
  const auto flags = call.word32(3);
  Times times = vfs::kBothNow;
  if (call.word(2) != 0) {
    FB_ASSIGN(times, call.get<Times>(call.address(2)));
    // Nothing to do: not even the path is looked at.
    if (times[0].nanoseconds == vfs::kTimeOmit && times[1].nanoseconds == vfs::kTimeOmit) return 0;
  }
  if (call.word(1) == 0 && call.number32(0) != kHere) {
    if (flags != 0) return fail(Errno::Invalid);
    return apply(call, opened(call, call.number32(0)), times);
  }
  if ((flags & ~(vfs::at::kNoFollow | vfs::at::kEmptyPath)) != 0) return fail(Errno::Invalid);
  return apply(call, inode_at(call, call.number32(0), 1, flags), times);
}

Done do_utimes(Call& call) {
  FB_ASSIGN(const auto times, timevals(call, call.address(1)));
  return apply(call, inode_at(call, kHere, 0, 0), times);
}

Done do_futimesat(Call& call) {
  FB_ASSIGN(const auto times, timevals(call, call.address(2)));
  if (call.word(1) == 0 && call.number32(0) != kHere)
    return apply(call, opened(call, call.number32(0)), times);
  return apply(call, inode_at(call, call.number32(0), 1, 0), times);
}

Done do_utime(Call& call) {
  Times times = vfs::kBothNow;
  if (call.word(1) != 0) {
    FB_ASSIGN(const auto seconds, (call.get<std::array<std::int64_t, 2>>(call.address(1))));
    times = {vfs::Timespec{seconds[0], 0}, vfs::Timespec{seconds[1], 0}};
  }
  return apply(call, inode_at(call, kHere, 0, 0), times);
}

Done do_statx(Call& call) {
  constexpr std::uint32_t kSyncType = 0x6000, kReserved = 0x8000'0000;
  constexpr std::uint32_t kKnown =
      vfs::at::kNoFollow | vfs::at::kNoAutomount | vfs::at::kEmptyPath | kSyncType;
  const auto flags = call.word32(2);
  if ((call.word32(3) & kReserved) != 0 || (flags & kSyncType) == kSyncType) return fail(Errno::Invalid);
  if ((flags & ~kKnown) != 0) return fail(Errno::Invalid);
  // An empty path by a null pointer: of the descriptor.
  const bool none = call.word(1) == 0 && (flags & vfs::at::kEmptyPath) != 0 && call.number32(0) != kHere;
  Vector<char> path;
  if (!none) {
    FB_ASSIGN(path, call.path(1));
  }
  if (path.empty() && (flags & vfs::at::kEmptyPath) != 0 && call.number32(0) != kHere) {
    FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
    const auto created = file->inode() ? file->inode()->attributes().created : core::Nanoseconds();
    FB_TRY(call.put(call.address(4), vfs::extended_stat(file->stat(), created, false)));
    return 0;
  }
  FB_ASSIGN(const auto inode, inode_at(call, call.number32(0), 1, flags));
  const bool root =
      inode->is_directory() && (inode == call.process.root || call.process.system.mounts.below(*inode));
  FB_TRY(call.put(call.address(4),
                  vfs::extended_stat(vfs::stat_of(inode->attributes()), inode->attributes().created, root)));
  return 0;
}

Done do_fchmodat2(Call& call) {
  const auto flags = call.word32(3);
  if ((flags & ~(vfs::at::kNoFollow | vfs::at::kEmptyPath)) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto inode, inode_at(call, call.number32(0), 1, flags));
  FB_TRY(vfs::change_mode(*inode, call.process.place().who, call.word32(2) & vfs::mode::kPermissions,
                          call.process.system.clock.now()));
  return 0;
}

Done do_faccessat2(Call& call) {
  constexpr std::uint32_t kAll = 7;
  const auto flags = call.word32(3);
  const auto known = vfs::at::kNoFollow | vfs::at::kEmptyPath | vfs::at::kEffectiveAccess;
  if ((call.word32(2) & ~kAll) != 0 || (flags & ~known) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto inode, inode_at(call, call.number32(0), 1, flags));
  FB_TRY(vfs::check_access(inode->attributes(), call.process.place().who,
                           static_cast<vfs::Want>(call.word32(2))));
  return 0;
}

/// The records of getdents64 in the older form: the type is behind the name, and they are as long.
Done do_getdents(Call& call) {
  class Older final : public vfs::Output {
   public:
    explicit Older(vfs::Output& to) : to_(to) {}
    Answer<> put(std::span<const std::byte> bytes) override {
      constexpr std::size_t kName = 18;
      std::array<std::byte, vfs::kDirectoryRecordName + vfs::kNameMax + 8> record{};
      if (bytes.size() > record.size() || bytes.size() <= vfs::kDirectoryRecordName)
        return fail(Errno::Fault);
      std::ranges::copy(bytes.first(kName), record.data());
      std::ranges::copy(bytes.subspan(vfs::kDirectoryRecordName), record.data() + kName);
      record[bytes.size() - 1] = bytes[kName];
      return to_.put({record.data(), bytes.size()});
    }

   private:
    vfs::Output& to_;
  };
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  ProgramOutput out(call.memory(), call.address(1));
  Older older(out);
  return file->entries(older, call.word32(2));
}

}  // namespace fb::libos::posix::call
