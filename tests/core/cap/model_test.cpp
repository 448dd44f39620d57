// Random histories of several domains against a model that is a tree of plain nodes: every handle ever given
// is valid exactly when the model says so, with clean-up half done all the time (CAP-1 to CAP-5).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

constexpr std::size_t kDomains = 3;
using Command = std::array<std::uint32_t, 4>;

struct Node {
  std::size_t domain;
  Handle handle;
  TypeNumber type;
  Rights rights;
  std::optional<std::size_t> parent;
  std::vector<std::size_t> children;  ///< the latest first, as clean-up meets them
  unsigned depth = 0;
  int bindings = 0;
  bool cut = false, claimed = false, gone = false;
  [[nodiscard]] bool once() const { return depth > 0 && rights.has(Right::Once); }
};

class World {
 public:
  World() {
    for (auto& domain : domains_) domain = std::make_unique<Domain>(2);
    create(0, kTypeA, kAllRights);
  }

  void run(const Command& command) {
    const auto [op, x, y, z] = command;
    switch (op % 16) {
      case 0:
        return create(x % kDomains, y % 2 == 0 ? kTypeA : kTypeB, Rights(z).join(Right::Derive));
      case 1:
      case 2:
      case 3:
      case 4:
        return derive_from(pick(x), y % kDomains, z % 4 == 0 ? Rights(z) : kAllRights.without(Right::Once));
      case 5:
        return derive_from(pick(x), y % kDomains, kAllRights);
      case 6:
      case 7:
        return use(pick(x), Rights(y % 3), z);
      case 8:
        return forge(x % kDomains, (std::uint64_t{y} << 32) | z);
      case 9:
        return flip(pick(x), y % 64, z % kDomains);
      case 10:
        return bind(pick(x));
      case 11:
      case 12:
        return revoke(pick(x));
      default:
        return reap(x, y % 4 + 1);
    }
  }

  /// Every handle means what the model says, with the exact error, and every domain uses as many slots.
  void check() {
    std::array<std::uint32_t, kDomains> used{};
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      used.at(nodes_[at].domain) += nodes_[at].gone ? 0 : 1;
      static_cast<void>(expect(at, nodes_[at].type, Rights()));
      static_cast<void>(expect(at, nodes_[at].type, Rights()));  // once more: the walk has been remembered
    }
    for (std::size_t i = 0; i < kDomains; ++i) RC_ASSERT(domains_.at(i)->space.used() == used.at(i));
  }

  /// Revokes whatever is left and cleans it all up.
  void finish() {
    settle_all(true);
    for (std::size_t at = 0; at < nodes_.size(); ++at) revoke(at);
    while (!works_.empty()) reap(0, 1000);
    check();
    for (const auto& node : nodes_) RC_ASSERT(node.gone);
    RC_ASSERT(objects_.empty());
  }

 private:
  TestSpace& space_of(const Node& node) { return domains_.at(node.domain)->space; }
  std::size_t pick(std::uint32_t number) { return number % nodes_.size(); }
  [[nodiscard]] bool ancestors_whole(std::size_t at) const {
    for (auto up = nodes_[at].parent; up; up = nodes_[*up].parent) {
      if (nodes_[*up].cut) return false;
    }
    return true;
  }

  /// What a lookup must say, by the laws.
  [[nodiscard]] std::optional<Error> predicted(std::size_t at, TypeNumber type, Rights need) const {
    const auto& node = nodes_[at];
    if (node.gone) return Error::Stale;
    if (node.cut) return Error::Revoked;
    if (node.claimed) return Error::Consumed;
    if (type != node.type) return Error::WrongType;
    if (!ancestors_whole(at)) return Error::Revoked;
    if (!node.rights.has(need)) return Error::Denied;
    return std::nullopt;
  }
  Result<Checked> expect(std::size_t at, TypeNumber type, Rights need, bool keep = false) {
    const auto& node = nodes_[at];
    const auto error = predicted(at, type, need);
    const auto found = space_of(node).lookup(node.handle, type, need);
    RC_ASSERT(found.has_value() == !error.has_value());
    if (error) RC_ASSERT(found.error() == *error);
    if (found) RC_ASSERT(object_in(*found).canary == kAlive && object_in(*found).type == node.type);
    if (found && !keep) TestTree::settle(found->entry, false);
    return found;
  }

  std::size_t given(Node node) {
    RC_ASSERT(handles_.insert({node.domain, node.handle.raw()}).second);  // CAP-4: none is given twice
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  void create(std::size_t domain, TypeNumber type, Rights rights) {
    auto entry = domains_.at(domain)->space.reserve();
    if (!entry) return;
    auto object = std::make_unique<Object>(type);
    TestTree::plant(*entry, *object, rights);
    given({domain, TestSpace::handle_of(*entry), type, rights.meet(kAllRights), {}, {}});
    objects_.emplace(object.get(), std::move(object));
  }

  void derive_from(std::size_t at, std::size_t to, Rights mask) {
    const auto source = nodes_[at];
    const auto error = predicted(at, source.type, Rights());
    const bool full = !domains_.at(to)->space.has_free(1);
    const auto made = derive(space_of(source), source.handle, mask, domains_.at(to)->space);
    const auto refused = error                           ? error
                         : full                          ? std::optional(Error::NoSlots)
                         : source.once()                 ? std::optional(Error::Denied)
                         : source.depth + 1 == kMaxDepth ? std::optional(Error::TooDeep)
                                                         : std::nullopt;
    RC_ASSERT(made.has_value() == !refused.has_value());
    if (refused) {
      RC_ASSERT(made.error() == *refused);
      return;
    }
    const auto rights = source.rights.meet(mask);  // CAP-2
    const auto fresh = given({to, *made, source.type, rights, at, {}, source.depth + 1});
    nodes_[at].children.insert(nodes_[at].children.begin(), fresh);
  }

  void use(std::size_t at, Rights need, std::uint32_t outcome) {
    const auto wrong = outcome % 5 == 0;
    const auto type = wrong ? (nodes_[at].type == kTypeA ? kTypeB : kTypeA) : nodes_[at].type;
    if (!expect(at, type, need, true) || !nodes_[at].once()) return;
    nodes_[at].claimed = true;
    if (outcome % 3 != 0) settle(at, outcome % 3 == 1);
  }
  void settle(std::size_t at, bool succeeded) {
    auto& node = nodes_[at];
    const bool owed = TestTree::settle(space_of(node).entry_of(node.handle.slot()), succeeded);
    node.claimed = false;
    RC_ASSERT(owed == (succeeded && !node.cut));
    if (!owed) return;
    node.cut = true;
    works_.push_back(at);
  }
  /// A grace period waits for every use under way.
  void settle_all(bool succeeded) {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (nodes_[at].claimed) settle(at, succeeded);
    }
  }

  void forge(std::size_t domain, std::uint64_t raw) {
    if (handles_.contains({domain, raw})) return;
    RC_ASSERT(!domains_.at(domain)->space.lookup_any(Handle(raw), Rights()).has_value());
  }
  /// A good handle with one bit wrong, or in another domain.
  void flip(std::size_t at, unsigned bit, std::size_t domain) {
    forge(nodes_[at].domain, nodes_[at].handle.raw() ^ (std::uint64_t{1} << bit));
    forge(domain, nodes_[at].handle.raw());
  }

  void bind(std::size_t at) {
    auto& node = nodes_[at];
    if (predicted(at, node.type, Rights())) return;
    node.bindings += 1;
    int& count = bindings_[at];
    count = node.bindings;
    space_of(node).entry_of(node.handle.slot())->bindings = &count;
  }

  void revoke(std::size_t at) {
    const auto found = expect(at, nodes_[at].type, Rights(), true);
    if (!found) return;
    RC_ASSERT(TestTree::cut(found->entry));
    nodes_[at].cut = true;
    works_.push_back(at);
  }

  void reap(std::uint32_t which, unsigned steps) {
    settle_all(which % 2 == 0);
    if (works_.empty()) return;
    const auto work = works_.begin() + static_cast<std::ptrdiff_t>(which % works_.size());
    const auto at = *work;
    while (steps-- > 0) {
      if (!reap_one(at)) {
        works_.erase(work);
        return;
      }
    }
  }
  /// One step in the model and in the code; false when the work has come to its end.
  bool reap_one(std::size_t at) {
    const bool overtaken = nodes_[at].gone;
    TestSpace::Header* object = nullptr;
    const auto result = TestTree::reap_step(space_of(nodes_[at]), nodes_[at].handle, object, unbind_one);
    if (overtaken) {
      RC_ASSERT(result == Reaped::Done);
      return false;
    }
    auto leaf = at;
    while (!nodes_[leaf].children.empty()) leaf = nodes_[leaf].children.front();
    auto& node = nodes_[leaf];
    if (node.bindings > 0) --node.bindings;
    if (node.bindings > 0) {
      RC_ASSERT(result == Reaped::Some);
      return true;
    }
    node.gone = true;
    if (node.parent) std::erase(nodes_[*node.parent].children, leaf);
    if (!node.parent) {
      RC_ASSERT(result == Reaped::Root && objects_.erase(object) == 1);  // destroyed exactly once
    } else {
      RC_ASSERT(result == (leaf == at ? Reaped::Done : Reaped::Some));
    }
    return leaf != at;
  }

  std::array<std::unique_ptr<Domain>, kDomains> domains_;
  std::vector<Node> nodes_;
  std::map<std::size_t, int> bindings_;  ///< what entries point to
  std::set<std::pair<std::size_t, std::uint64_t>> handles_;
  std::map<TestSpace::Header*, std::unique_ptr<Object>> objects_;
  std::vector<std::size_t> works_;  ///< cut, not yet cleaned up
};

RC_GTEST_PROP(CapabilityModel, every_handle_ever_given_is_valid_as_the_model_says_CAP_1_2_3_4_5, ()) {
  const auto commands = *rc::gen::scale(3.0, rc::gen::arbitrary<std::vector<Command>>());
  const auto pages = Arena::in_use();
  {
    World world;
    for (const auto& command : commands) {
      world.run(command);
      world.check();
    }
    world.finish();
  }
  RC_ASSERT(Arena::in_use() == pages);
}

}  // namespace
}  // namespace fb::core::cap::test
