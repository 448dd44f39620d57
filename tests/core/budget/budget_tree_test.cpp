// Random trees of budgets against a model that knows nothing of words and masks: sets of pages' and slots'
// owners.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "core/budget/budget.hpp"

namespace fb::core::budget {
namespace {

using sched::SlotMask;
constexpr std::size_t kNodes = 6;
constexpr CpuId kCpu{kMaxCpus - 1};

struct Model {
  struct Node {
    std::optional<std::size_t> parent;
    std::uint64_t limit = 0, used = 0;
  };
  struct Place {
    std::size_t holder;
    bool used;
  };
  std::array<Node, kNodes> nodes{};
  std::map<unsigned, Place> slots;  ///< which node has each slot now

  bool in_tree(std::size_t n) const { return n == 0 || nodes[n].parent.has_value(); }
  bool is_child(std::size_t p, std::size_t c) const { return nodes[c].parent == p; }
  std::uint64_t lent(std::size_t n) const {
    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < kNodes; ++c) sum += is_child(n, c) ? nodes[c].limit : 0;
    return sum;
  }
  std::uint64_t free(std::size_t n) const { return nodes[n].limit - lent(n) - nodes[n].used; }
  bool below(std::size_t n, std::size_t top) const {
    for (std::optional<std::size_t> at = n; at; at = nodes[*at].parent) {
      if (*at == top) return true;
    }
    return false;
  }
  bool all_slots(std::uint64_t mask, std::size_t n, bool used) const {
    for (unsigned bit = 0; bit < 64; ++bit) {
      if ((mask >> bit & 1) == 0) continue;
      const auto at = slots.find(bit);
      if (at == slots.end() || at->second.holder != n || at->second.used != used) return false;
    }
    return true;
  }
  void place(std::uint64_t mask, Place where) {
    for (auto& [bit, place] : slots) {
      if ((mask >> bit & 1) != 0) place = where;
    }
  }
};

class Trees {
 public:
  Trees() {
    (void)budgets_[0].endow(PageCount(20));
    (void)budgets_[0].endow_slots(kCpu, SlotMask(0xff));
    model_.nodes[0].limit = 20;
    for (unsigned bit = 0; bit < 8; ++bit) model_.slots[bit] = {0, false};
  }

  void step(std::uint8_t command, std::size_t p, std::size_t c, std::uint64_t amount) {
    if (command < 192) p = model_.nodes[c].parent.value_or(p);  // mostly what can succeed
    const std::uint64_t slots = std::uint64_t{1} << amount % 9 | std::uint64_t{1} << amount / 9 % 9;
    switch (command % 10) {
      case 0:
        return create(p, c, amount % 12);
      case 1:
        return grow(p, c, amount % 12);
      case 2:
        return shrink(p, c, amount % 12);
      case 3:
        return charge(p, amount % 12);
      case 4:
        return refund(p, amount % 12);
      case 5:
        return lend(p, c, slots);
      case 6:
        return reclaim(p, c, slots);
      case 7:
        return use(c, slots);
      case 8:
        return release(c, slots);
      default:
        return close(p, c);
    }
  }

  /// CAP-6, and that each query says what the model says.
  void check() const {
    for (std::size_t n = 0; n < kNodes; ++n) {
      const Budget& budget = budgets_[n];
      const Model::Node& node = model_.nodes[n];
      RC_ASSERT(model_.lent(n) + node.used <= node.limit);
      RC_ASSERT(budget.limit().raw() == node.limit);
      RC_ASSERT(budget.used().raw() == node.used);
      RC_ASSERT(budget.lent().raw() == model_.lent(n));
      RC_ASSERT(budget.free().raw() == model_.free(n));
      RC_ASSERT(budget.parent() == (node.parent ? &budgets_[*node.parent] : nullptr));
      CpuSlots expected;
      for (const auto& [bit, place] : model_.slots) {
        const SlotMask slot(std::uint64_t{1} << bit);
        if (model_.below(place.holder, n)) expected.held = expected.held.join(slot);
        if (place.holder == n && place.used) expected.used = expected.used.join(slot);
        if (place.holder == n && !place.used) expected.free = expected.free.join(slot);
      }
      RC_ASSERT(budget.slots(kCpu).held == expected.held);
      RC_ASSERT(budget.slots(kCpu).free == expected.free);
      RC_ASSERT(budget.slots(kCpu).used == expected.used);
      RC_ASSERT(budget.slots(CpuId(0)).held.empty());
    }
  }

 private:
  using Node = Model::Node;

  static void expect(const Result<>& result, bool allowed, Error error) {
    RC_ASSERT(result.has_value() == allowed);
    if (!allowed) RC_ASSERT(result.error() == error);
  }
  void create(std::size_t p, std::size_t c, std::uint64_t pages) {
    if (!model_.in_tree(p)) return;
    const bool fresh = !model_.in_tree(c);
    const bool paid = pages <= model_.free(p);
    expect(budgets_[p].create_child(budgets_[c], PageCount(pages)), fresh && paid,
           fresh ? Error::NoMemory : Error::Busy);
    if (fresh && paid) model_.nodes[c] = {p, pages, 0};
  }
  void grow(std::size_t p, std::size_t c, std::uint64_t pages) {
    const bool child = model_.is_child(p, c);
    const bool paid = pages <= model_.free(p);
    expect(budgets_[p].grow(budgets_[c], PageCount(pages)), child && paid,
           child ? Error::NoMemory : Error::NotOwner);
    if (child && paid) model_.nodes[c].limit += pages;
  }
  void shrink(std::size_t p, std::size_t c, std::uint64_t pages) {
    const bool child = model_.is_child(p, c);
    const bool idle = pages <= model_.free(c);
    expect(budgets_[p].shrink(budgets_[c], PageCount(pages)), child && idle,
           child ? Error::Busy : Error::NotOwner);
    if (child && idle) model_.nodes[c].limit -= pages;
  }
  void charge(std::size_t n, std::uint64_t pages) {
    const bool allowed = pages <= model_.free(n);
    expect(budgets_[n].charge(PageCount(pages)), allowed, Error::NoMemory);
    if (allowed) model_.nodes[n].used += pages;
  }
  void refund(std::size_t n, std::uint64_t pages) {
    const bool allowed = pages <= model_.nodes[n].used;
    expect(budgets_[n].refund(PageCount(pages)), allowed, Error::BadArgument);
    if (allowed) model_.nodes[n].used -= pages;
  }
  void lend(std::size_t p, std::size_t c, std::uint64_t mask) {
    const bool child = model_.is_child(p, c);
    const bool allowed = child && model_.all_slots(mask, p, false);
    expect(budgets_[p].lend_slots(budgets_[c], kCpu, SlotMask(mask)), allowed,
           child ? Error::NoSlices : Error::NotOwner);
    if (allowed) model_.place(mask, {c, false});
  }
  void reclaim(std::size_t p, std::size_t c, std::uint64_t mask) {
    const bool child = model_.is_child(p, c);
    const bool allowed = child && model_.all_slots(mask, c, false);
    expect(budgets_[p].reclaim_slots(budgets_[c], kCpu, SlotMask(mask)), allowed,
           child ? Error::Busy : Error::NotOwner);
    if (allowed) model_.place(mask, {p, false});
  }
  void use(std::size_t n, std::uint64_t mask) {
    const bool allowed = model_.all_slots(mask, n, false);
    expect(budgets_[n].charge_slots(kCpu, SlotMask(mask)), allowed, Error::NoSlices);
    if (allowed) model_.place(mask, {n, true});
  }
  void release(std::size_t n, std::uint64_t mask) {
    const bool allowed = model_.all_slots(mask, n, true);
    expect(budgets_[n].refund_slots(kCpu, SlotMask(mask)), allowed, Error::BadArgument);
    if (allowed) model_.place(mask, {n, false});
  }
  void close(std::size_t p, std::size_t c) {
    const bool child = model_.is_child(p, c);
    bool busy = model_.nodes[c].used != 0;
    for (const Node& node : model_.nodes) busy = busy || node.parent == c;
    for (const auto& [bit, place] : model_.slots) busy = busy || (place.holder == c && place.used);
    expect(budgets_[p].close(budgets_[c]), child && !busy, child ? Error::Busy : Error::NotOwner);
    if (!child || busy) return;
    for (auto& [bit, place] : model_.slots) place = place.holder == c ? Model::Place{p, false} : place;
    model_.nodes[c] = {};
  }

  std::array<Budget, kNodes> budgets_;
  Model model_;
};

using Command = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint16_t>;

RC_GTEST_PROP(Budget, trees_agree_with_sets_of_owners_and_conserve_CAP_6, ()) {
  const auto any =
      rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Command>());  // full range from the first on
  const auto commands = *rc::gen::scale(3.0, rc::gen::container<std::vector<Command>>(any));
  Trees trees;
  for (const auto& [command, p, c, amount] : commands) {
    trees.step(command, p % kNodes, c % kNodes, amount);
    trees.check();
  }
}

}  // namespace
}  // namespace fb::core::budget
