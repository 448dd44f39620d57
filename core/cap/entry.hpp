// A slot of a capability space, and the header every kernel object begins with.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/cap/rights.hpp"
#include "core/types.hpp"

namespace fb::core::cap {

/// What user code names a capability by: slot (low 32), generation (high 32); 0 is none (DESIGN §4, CAP-1).
class Handle : public Strong<struct HandleTag> {
 public:
  using Strong::Strong;
  constexpr Handle(std::uint32_t slot, std::uint32_t generation)
      : Strong((std::uint64_t{generation} << 32) | slot) {}
  [[nodiscard]] constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(raw()); }
  [[nodiscard]] constexpr std::uint32_t generation() const { return static_cast<std::uint32_t>(raw() >> 32); }
  [[nodiscard]] constexpr bool none() const { return raw() == 0; }
};

/// Type number of an object, below 32; the ABI names the values.
using TypeNumber = Strong<struct TypeNumberTag, std::uint8_t>;
/// Names an Entry in 32 bits; 0 is none. The machine policy converts.
using EntryIndex = Strong<struct EntryIndexTag, std::uint32_t>;

enum class EntryState : std::uint8_t {
  Live = 0,
  LiveOnce,  ///< live, and its first use will end it (CAP-5)
  Claimed,   ///< a LiveOnce whose use is under way
  Dead,      ///< revoked; waits for its descendants to be cleaned up
  Reserved,  ///< ended, not yet free
  Free,      ///< in the free list of its space, or taken from there and not valid yet
  Retired,   ///< its generations are used up (CAP-4)
};

inline constexpr std::uint32_t kEntriesPerChunk = 64;
inline constexpr std::uint32_t kMaxChunks = 512;
/// Slot numbers are below this; a power of two, so that a mask keeps any number in bounds, in speculation
/// too.
inline constexpr std::uint32_t kMaxSlots = kMaxChunks * kEntriesPerChunk;

/// The word that decides whether a handle means this entry; generation (high 32) and state (bits 16-23)
/// change together. A live entry's tag is its handle, so that one compare checks generation, slot and state.
/// The tag of any other has zeros for the slot number: a handle that equals it leads elsewhere, whatever its
/// other bits (CAP-1).
class Tag {
 public:
  constexpr explicit Tag(std::uint64_t raw) : raw_(raw) {}
  constexpr explicit Tag(Handle live) : raw_(live.raw()) {}
  constexpr Tag(std::uint32_t generation, EntryState not_live)
      : raw_((std::uint64_t{generation} << 32) | (static_cast<std::uint64_t>(not_live) << kStateShift)) {}
  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }
  [[nodiscard]] constexpr std::uint32_t generation() const { return static_cast<std::uint32_t>(raw_ >> 32); }
  [[nodiscard]] constexpr EntryState state() const {
    return static_cast<EntryState>(static_cast<std::uint8_t>(raw_ >> kStateShift));
  }
  /// The same generation in another state; never back to Live.
  [[nodiscard]] constexpr Tag with(EntryState not_live) const { return {generation(), not_live}; }
  /// What follows when the capability is gone: the next generation, or none ever (CAP-4).
  [[nodiscard]] constexpr Tag ended() const {
    if (generation() == kLastGeneration) return with(EntryState::Retired);
    return {generation() + 1, EntryState::Reserved};
  }
  /// A capability whose descendants are still valid as far as this entry is concerned.
  [[nodiscard]] constexpr bool upholds() const { return state() <= EntryState::Claimed; }
  /// What lies where the first entry of a chunk would have its tag: not live, and no handle that equals it
  /// leads there.
  [[nodiscard]] static constexpr Tag never_live() { return Tag(Tag(0, EntryState::Retired).raw() | 1); }
  constexpr bool operator==(const Tag&) const = default;
  static constexpr unsigned kStateShift = 16;
  static constexpr std::uint32_t kLastGeneration = ~std::uint32_t{0};

 private:
  std::uint64_t raw_;
};
static_assert(kMaxSlots <= 1U << Tag::kStateShift && Tag::kStateShift == 16);

/// An object of this type, with these rights.
constexpr Demand demand(TypeNumber type, Rights need) {
  return Demand((std::uint64_t{1} << (32 + type.raw() % 32)) | need.raw());
}

struct Entry;

/// What every object of the kernel begins with.
template <class Lock>
struct ObjectHeader {
  /// Changes with every revocation of a capability to this object. 1 means that there was none; every other
  /// value comes from one counter and is never used twice, for any object, so a late store of an old value
  /// into a reused entry can only cause one more walk (CAP-3).
  std::atomic<std::uint64_t> epoch{1};
  Lock lock;              ///< guards the derivation tree of this object and what hangs on its entries
  Entry* root = nullptr;  ///< the creating capability
  TypeNumber type{};
};

/// One capability. 64 bytes, one cache line. Type-stable until a grace period after its space's teardown. The
/// atomic fields are read without a lock by lookups; the tag, read before and after them, tells whether they
/// belong together. The others belong to the object's lock, `free_next` to the space's.
struct alignas(64) Entry {
  std::atomic<std::uint64_t> tag{0};
  std::atomic<std::uint64_t> lacks{~std::uint64_t{0}};  ///< what it is not good for, see demand()
  std::atomic<void*> object{nullptr};
  /// The object's epoch at which this entry's ancestry was last found whole.
  std::atomic<std::uint64_t> checked{0};
  std::atomic<EntryIndex> parent{};
  EntryIndex child{}, next{}, prev{};
  void* bindings = nullptr;  ///< what this capability holds up: mappings, event bindings
  EntryIndex free_next{};    ///< while it is in the free list
  std::uint16_t slot = 0;    ///< its number; never changes
  std::uint8_t depth = 0;    ///< number of ancestors

  // acquire: see Space::check.
  [[nodiscard]] Rights rights() const { return rights_of(lacks.load(std::memory_order_acquire)); }
  [[nodiscard]] static constexpr Rights rights_of(std::uint64_t lacks) {
    return Rights(~lacks).meet(kAllRights);
  }
};
static_assert(sizeof(Entry) == 64 && offsetof(Entry, checked) == 24);

/// How many levels a derivation tree has at most; the creating capability is the first.
inline constexpr std::uint8_t kMaxDepth = 32;

}  // namespace fb::core::cap
