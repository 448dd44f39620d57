// What System V's shared memory, semaphores and message queues have in common: keys, numbers and permissions (uapi linux/ipc.h).
#pragma once

#include <memory>
#include <new>
#include <span>

#include "libos/posix/base/vector.hpp"
#include "libos/posix/vfs/access.hpp"

namespace fb::libos::posix::sysv {

inline constexpr std::int32_t kPrivate = 0;  ///< the key that is nobody's
inline constexpr std::uint32_t kCreate = 01000, kExclusive = 02000, kNoWait = 04000;
inline constexpr std::uint32_t kRead = 0444, kWrite = 0222;

enum class Control : std::uint32_t { Remove = 0, Set = 1, Stat = 2, Info = 3 };

/// struct ipc64_perm.
struct Permissions {
  std::int32_t key;
  std::uint32_t uid, gid, creator_uid, creator_gid, mode;
  std::uint16_t sequence, padding[3];
  std::uint64_t reserved[2];
};
static_assert(sizeof(Permissions) == 48);

using Id = std::int32_t;

/// Whose call it is, and when.
struct Caller {
  vfs::Credentials who;
  std::int32_t pid;
  std::int64_t now;  ///< seconds since 1970
};

/// An object of a table.
struct Object {
  Permissions permissions{};
  /// `want` of kRead and kWrite. Errors: Access.
  [[nodiscard]] Answer<> check(const vfs::Credentials& who, std::uint32_t want) const {
    const auto& its = permissions;
    if (who.root()) return {};
    const bool owner = who.uid == its.uid || who.uid == its.creator_uid;
    const bool group = who.member_of(its.gid) || who.member_of(its.creator_gid);
    const std::uint32_t granted = owner ? its.mode >> 6 : group ? its.mode >> 3 : its.mode;
    return (want & 7 & ~granted) == 0 ? Answer<>() : fail(Errno::Access);
  }
  /// Errors: Perm.
  [[nodiscard]] Answer<> check_owner(const vfs::Credentials& who) const {
    const bool owner = who.root() || who.uid == permissions.uid || who.uid == permissions.creator_uid;
    return owner ? Answer<>() : fail(Errno::Perm);
  }
  /// IPC_SET.
  void set(const Permissions& to) {
    constexpr std::uint32_t kBits = 0777;
    permissions.uid = to.uid;
    permissions.gid = to.gid;
    permissions.mode = (permissions.mode & ~kBits) | (to.mode & kBits);
  }
};

/// Objects by number and by key. A number names its place and how often that has been given before.
template <class T>
class Table {
 public:
  explicit Table(std::size_t most) : most_(most) {}

  /// Errors: Invalid when there is none, or there is another one by now.
  [[nodiscard]] Answer<Ref<T>> find(Id id) const {
    if (id < 0) return fail(Errno::Invalid);
    const auto at = static_cast<std::size_t>(id) % kPlaces;
    if (at >= slots_.size() || !slots_[at].object) return fail(Errno::Invalid);
    if (slots_[at].sequence != static_cast<std::size_t>(id) / kPlaces) return fail(Errno::Invalid);
    return slots_[at].object;
  }
  /// As the xxxget calls do: what has this key, or what `make` makes. `fits` says whether what there is will do. Errors:
  /// NoEntry, Exists, Access, NoSpace, NoMemory, and of `make` and `fits`.
  template <class Make, class Fits>
  Answer<Id> get(std::int32_t key, std::uint32_t flags, const vfs::Credentials& who, Make make, Fits fits) {
    for (std::size_t at = 0; key != kPrivate && at < slots_.size(); ++at) {
      if (!slots_[at].object || slots_[at].object->permissions.key != key) continue;
      if ((flags & kCreate) != 0 && (flags & kExclusive) != 0) return fail(Errno::Exists);
      FB_TRY(fits(*slots_[at].object));
      FB_TRY(slots_[at].object->check(who, (flags | flags >> 3 | flags >> 6) & 7));
      return id_of(at);
    }
    if (key != kPrivate && (flags & kCreate) == 0) return fail(Errno::NoEntry);
    return add(key, flags, who, make);
  }
  /// Nobody finds it any more.
  void remove(Id id) {
    Slot& slot = slots_[static_cast<std::size_t>(id) % kPlaces];
    slot.object.reset();
    slot.sequence = (slot.sequence + 1) % kSequences;
    --used_;
  }
  [[nodiscard]] std::size_t used() const { return used_; }
  /// The place of the last object, for *_INFO; 0 when there is none.
  [[nodiscard]] std::size_t highest() const {
    std::size_t at = slots_.size();
    while (at > 1 && !slots_[at - 1].object) --at;
    return at == 0 ? 0 : at - 1;
  }
  /// What is in a place, for *_STAT. Errors: Invalid.
  [[nodiscard]] Answer<Id> id_at(std::uint32_t place) const {
    if (place >= slots_.size() || !slots_[place].object) return fail(Errno::Invalid);
    return id_of(place);
  }

 private:
  static constexpr std::size_t kPlaces = 32'768, kSequences = 65'536;
  struct Slot {
    Ref<T> object;
    std::size_t sequence = 0;
  };
  [[nodiscard]] Id id_of(std::size_t at) const {
    return static_cast<Id>(slots_[at].sequence * kPlaces + at) & 0x7fff'ffff;
  }
  template <class Make>
  Answer<Id> add(std::int32_t key, std::uint32_t flags, const vfs::Credentials& who, Make make) {
    std::size_t at = 0;
    while (at < slots_.size() && slots_[at].object) ++at;
    if (at >= most_) return fail(Errno::NoSpace);
    if (at == slots_.size()) FB_TRY(slots_.push_back({}));
    FB_ASSIGN(slots_[at].object, make());
    ++used_;
    slots_[at].object->permissions = {.key = key,
                                      .uid = who.uid,
                                      .gid = who.gid,
                                      .creator_uid = who.uid,
                                      .creator_gid = who.gid,
                                      .mode = flags & 0777,
                                      .sequence = static_cast<std::uint16_t>(slots_[at].sequence),
                                      .padding = {},
                                      .reserved = {}};
    return id_of(at);
  }

  std::size_t most_, used_ = 0;
  Vector<Slot> slots_;
};

}  // namespace fb::libos::posix::sysv
