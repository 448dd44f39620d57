// The end of a capability space: everything in it and everything derived from it goes, in short steps
// (CAP-3).
#pragma once

#include "core/cap/tree.hpp"

namespace fb::core::cap {

/// Takes a space apart when its domain is destroyed: close it, cut its capabilities, reap them, destroy the
/// objects they created; a grace period after each but the last. One per space, driven by one CPU at a time;
/// other reapers may be at work on the same trees, and other spaces may be torn down at once. Preemptible
/// between steps.
///
///     while ((next = teardown.step(unbind, destroy)) != Done) next == Grace ? grace() : preemption_point();
///     while (auto* page = space.take_chunk()) free(page);
///     free(space.directory());
///
/// The kernel stops the domain's contexts before the first step; none goes inside for it again after the last
/// grace.
template <Machine M>
class Teardown {
 public:
  enum class Next : std::uint8_t {
    Step,  ///< call again; leaving the kernel in between is allowed, and in the end others may have to (pins)
    Grace,  ///< let a grace period pass, then call again
    Done,   ///< nobody looks at the space any more; take_chunk hands back its pages
  };

  explicit Teardown(Space<M>& space) : space_(space) {}

  /// One step: at most the entries of one chunk are looked at, one reaped or one object destroyed. `unbind`
  /// as in Tree::reap_step. `destroy(header)` gets each object whose creating capability went here, and may
  /// free it at once; what it in turn tears down it must queue, not nest.
  template <class Unbind, class Destroy>
  [[nodiscard]] Next step(Unbind&& unbind, Destroy&& destroy) {
    switch (phase_) {
      case Phase::Close:
        space_.close();
        return after(Phase::Cut);
      case Phase::Cut:
        return cut();
      case Phase::Reap:
        return reap(unbind);
      case Phase::Destroy:
        return destroy_one(destroy);
    }
  }

 private:
  enum class Phase : std::uint8_t { Close, Cut, Reap, Destroy };

  [[nodiscard]] Next after(Phase next) {
    phase_ = next;
    slot_ = 0;
    return Next::Grace;
  }
  [[nodiscard]] bool at_end() const { return slot_ == space_.chunk_count() * kEntriesPerChunk; }
  // relaxed: what was published before the space was closed is seen since the first grace period.
  [[nodiscard]] static Tag tag_of(const Entry* entry) {
    return Tag(entry->tag.load(std::memory_order_relaxed));
  }

  // The space being closed, an entry found to uphold can end but not become another capability: `cut` is
  // safe.
  Next cut() {
    if (at_end()) return after(Phase::Reap);
    do {
      Entry* entry = space_.entry_of(slot_);
      if (tag_of(entry).upholds()) Tree<M>::cut(entry);
    } while (++slot_ % kEntriesPerChunk != 0);
    return Next::Step;
  }

  template <class Unbind>
  Next reap(Unbind& unbind) {
    if (at_end()) return after(Phase::Destroy);
    do {
      Entry* entry = space_.entry_of(slot_);
      if (tag_of(entry).state() != EntryState::Dead) continue;
      typename Tree<M>::Header* object = nullptr;
      if (Tree<M>::reap_step(space_, space_.handle_of(entry), object, unbind) == Tree<M>::Reaped::Root) {
        // The entry is free now, but nothing reserves it any more: it keeps the object for the last phase.
        entry->next = doomed_;
        doomed_ = M::index_of(entry);
      }
      return Next::Step;
    } while (++slot_ % kEntriesPerChunk != 0);
    return Next::Step;
  }

  template <class Destroy>
  Next destroy_one(Destroy& destroy) {
    if (doomed_ == EntryIndex(0)) return space_.pinned() ? Next::Step : Next::Done;
    const Entry* entry = M::entry_at(doomed_);
    doomed_ = entry->next;
    destroy(*Tree<M>::object_of(entry));
    return Next::Step;
  }

  Space<M>& space_;
  Phase phase_ = Phase::Close;
  std::uint32_t slot_ = 0;  ///< how far the phase has come
  EntryIndex doomed_{};     ///< entries whose objects are to be destroyed, chained by `next`
};

}  // namespace fb::core::cap
