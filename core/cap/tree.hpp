// Derivation and revocation: the tree of capabilities to one object (CAP-2, CAP-3).
//
// Revocation is `cut` (one epoch bump: everything below is invalid), a grace period, then `reap_step` until
// it reports the end: leaves first, each step short. All functions that change the tree take the object's
// lock inside; no lock is held between steps, and none is taken under another.
//
// What this asks of the kernel (the grace protocol; compare McKenney & Slingwine 1998, read-copy update):
//  G1  A CPU is *inside* from before its first lookup until after its last use of what lookups gave. It is
//      not preempted inside. Going inside is a full barrier. Everything here is called inside.
//  G2  A grace period begins with a full barrier, is waited for outside, holding no lock, Entry* or object,
//      and ends when every CPU that was inside at its beginning has left once. (So two CPUs may wait at the
//      same time.)
//  G3  The memory of objects is freed, or used for anything else, only after a grace period that begins after
//      the Root report; that of spaces and chunks only when their Teardown is Done.
//  G4  Only handles survive leaving, and only into a space that is still there: the revoker's own domain's,
//      or one that it pinned before it left. Where the space is `closed`, it stops: the Teardown does the
//      rest. Who got Root destroys the object in any case.
// Why G3 is enough: whatever a CPU reads on the way to learning that a handle is invalid, it reached through
// an entry that had not ended when the CPU was inside already; Root and the last reap of a space come after
// that end.
#pragma once

#include "core/cap/space.hpp"

namespace fb::core::cap {

template <Machine M>
class Tree {
 public:
  using CapSpace = Space<M>;
  using Header = typename CapSpace::Header;

  /// The object that a capability names; inside, and of one that had not ended when the CPU went inside.
  [[nodiscard]] static Header* object_of(const Entry* entry) {
    // acquire: sees the object as it was when it was planted.
    return static_cast<Header*>(entry->object.load(std::memory_order_acquire));
  }

  /// True when neither `entry`, a capability to `object`, nor an ancestor has been revoked. The object's lock is held.
  [[nodiscard, gnu::always_inline]] static bool upholds(Entry* entry, const Header& object) {
    return Tag(entry->tag.load(std::memory_order_relaxed)).upholds() && whole(entry, object);
  }

  /// Turns a reserved entry into the creating capability of `object`, which nobody else knows yet. `rights`
  /// with Once lets it hand out `_ONCE` capabilities; it is none itself.
  static void plant(Entry* entry, Header& object, Rights rights) {
    object.root = entry;
    publish(entry, object, ~demand(object.type, rights.meet(kAllRights)).raw(), EntryIndex(0), 0);
    make_live(entry, false);
  }

  /// Derives `rights(source) ∩ mask` into the reserved entry `fresh` (CAP-2). Errors: Revoked, TooDeep;
  /// Denied for a `_ONCE` source, of which there would be two (CAP-5). On an error nothing has changed and the
  /// caller releases `fresh`, which it reserved in this stay inside: if that space is closed meanwhile, its
  /// Teardown waits for us before it cuts.
  [[gnu::always_inline]] static Result<Handle> derive(Entry* source, Rights mask, Entry* fresh) {
    auto& object = *object_of(source);
    const Guard guard(object.lock);
    const auto tag = Tag(source->tag.load(std::memory_order_relaxed));
    if (tag.state() != EntryState::Live) [[unlikely]]
      return fail(upholds(source, object) ? Error::Denied : Error::Revoked);
    if (!whole(source, object)) [[unlikely]]
      return fail(Error::Revoked);
    if (source->depth + 1 >= kMaxDepth) [[unlikely]]
      return fail(Error::TooDeep);
    // relaxed: what a capability lacks never changes. The mask's complement has no bits for types.
    const auto lacks =
        source->lacks.load(std::memory_order_relaxed) | ~static_cast<std::uint32_t>(mask.raw());
    publish(fresh, object, lacks, M::index_of(source), static_cast<std::uint8_t>(source->depth + 1));
    fresh->next = source->child;
    if (source->child != EntryIndex(0)) M::entry_at(source->child)->prev = M::index_of(fresh);
    source->child = M::index_of(fresh);
    return make_live(fresh, Entry::rights_of(lacks).has(Right::Once));
  }

  /// Makes `entry` and all below it invalid by one epoch bump, in time that does not depend on their number.
  /// `entry` comes from a lookup of this stay inside. False if somebody else has cut it already. The caller
  /// owes a grace period and the clean-up.
  static bool cut(Entry* entry) {
    auto& object = *object_of(entry);
    const Guard guard(object.lock);
    return cut_locked(entry, object);
  }

  /// Cuts the creating capability of an object that stays in existence meanwhile; null if it has been cut or has gone.
  /// The caller owes a grace period and the clean-up.
  static Entry* cut_creating(Header& object) {
    const Guard guard(object.lock);
    return object.root != nullptr && cut_locked(object.root, object) ? object.root : nullptr;
  }

  /// The use of a `_ONCE` capability ended: it is gone if it succeeded, whole again if it did not (CAP-5).
  /// Called inside like the lookup that claimed it, without having left. True if the caller must now clean up
  /// `entry` (after a grace period). Does nothing for other capabilities.
  static bool settle(Entry* entry, bool succeeded) {
    auto& object = *object_of(entry);
    const Guard guard(object.lock);
    const auto tag = Tag(entry->tag.load(std::memory_order_relaxed));
    if (tag.state() != EntryState::Claimed) return false;
    if (succeeded) return cut_locked(entry, object);
    // release: the next claim sees what this use did.
    entry->tag.store(tag.with(EntryState::LiveOnce).raw(), std::memory_order_release);
    return false;
  }

  enum class Reaped : std::uint8_t {
    Some,  ///< one entry or some bindings went; call again
    Done,  ///< the capability is gone, by this or by another reaper
    Root,  ///< it went by this call and was the creating one: destroy `object` after another grace period (G3)
  };

  /// One step of clean-up below and including the capability `handle` of `space`, which is cut: undoes what
  /// its leftmost leaf holds up and, when nothing is left, frees it. `unbind(entry) -> bool` undoes some and
  /// returns true when nothing is left; it is asked about every leaf, also one without bindings, under the
  /// object's lock. O(depth). Any number of reapers may work on the same tree; each comes to its Done, and
  /// one of them to Root. `object` is set on Root.
  template <class Unbind>
  static Reaped reap_step(const CapSpace& space, Handle handle, Header*& object, Unbind&& unbind) {
    Entry* entry = space.entry_of(handle.slot());
    if (!awaits_reaping(entry, handle)) return Reaped::Done;
    // Its end is still to come, so the object's is at least a grace period away (G3), and its lock can be
    // taken.
    auto* header = object_of(entry);
    Entry* leaf = entry;
    bool root = false;
    {
      const Guard guard(header->lock);
      // Entries end under the lock: what is true now stays true until we leave it.
      if (!awaits_reaping(entry, handle)) return Reaped::Done;
      while (leaf->child != EntryIndex(0)) leaf = M::entry_at(leaf->child);
      if (!unbind(leaf)) return Reaped::Some;
      root = header->root == leaf;
      if (root) header->root = nullptr;
      unlink(leaf);
      leaf->bindings = nullptr;
      // release: with those of the next capability's fields it makes a lookup's second look fail.
      const auto ended = Tag(leaf->tag.load(std::memory_order_relaxed)).ended();
      leaf->tag.store(ended.raw(), std::memory_order_release);
    }
    CapSpace::owner_of(leaf)->release(leaf);
    if (root) object = header;
    return root ? Reaped::Root : leaf == entry ? Reaped::Done : Reaped::Some;
  }

 private:
  static bool awaits_reaping(const Entry* entry, Handle handle) {
    const auto tag = Tag(entry->tag.load(std::memory_order_acquire));
    return tag.generation() == handle.generation() && tag.state() == EntryState::Dead;
  }
  static bool cut_locked(Entry* entry, Header& object) {
    const auto tag = Tag(entry->tag.load(std::memory_order_relaxed));
    if (!tag.upholds()) return false;
    // release and in this order: who sees the new epoch sees the dead tag.
    entry->tag.store(tag.with(EntryState::Dead).raw(), std::memory_order_release);
    // seq_cst: ordered before the caller looks which CPUs are in the kernel.
    object.epoch.store(M::next_epoch(), std::memory_order_seq_cst);
    return true;
  }
  /// No ancestor of `entry` has been revoked. The object's lock is held.
  [[gnu::always_inline]] static bool whole(Entry* entry, const Header& object) {
    // No epoch changes while the lock is held, so one that was found whole at this epoch is whole.
    if (entry->checked.load(std::memory_order_relaxed) == object.epoch.load(std::memory_order_relaxed))
        [[likely]]
      return true;
    return CapSpace::ancestry_whole(entry, object);
  }
  [[gnu::always_inline]] static void publish(Entry* entry, Header& object, std::uint64_t lacks,
                                             EntryIndex parent, std::uint8_t depth) {
    // release, each store: see Space::check.
    entry->lacks.store(lacks, std::memory_order_release);
    entry->object.store(&object, std::memory_order_release);
    entry->checked.store(object.epoch.load(std::memory_order_relaxed), std::memory_order_release);
    entry->parent.store(parent, std::memory_order_release);
    entry->child = entry->next = entry->prev = EntryIndex(0);
    entry->depth = depth;
  }
  /// The last step of becoming a capability.
  [[gnu::always_inline]] static Handle make_live(Entry* entry, bool once) {
    const auto handle = CapSpace::handle_of(entry);
    auto tag = Tag(handle);
    if (once) [[unlikely]]
      tag = Tag(handle.generation(), EntryState::LiveOnce);
    entry->tag.store(tag.raw(), std::memory_order_release);  // whoever sees the live tag sees the fields
    return handle;
  }
  static void unlink(Entry* leaf) {
    const auto parent = leaf->parent.load(std::memory_order_relaxed);
    if (leaf->prev != EntryIndex(0)) {
      M::entry_at(leaf->prev)->next = leaf->next;
    } else if (parent != EntryIndex(0)) {
      M::entry_at(parent)->child = leaf->next;
    }
    if (leaf->next != EntryIndex(0)) M::entry_at(leaf->next)->prev = leaf->prev;
  }
};

}  // namespace fb::core::cap
