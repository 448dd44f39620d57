// The same operations on a Tmpfs and on a map from paths to nodes.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct Node {
  char kind;  // d, f, l
  std::string data;
};
using Nodes = std::map<std::string, std::shared_ptr<Node>>;

/// Slow and plain: "" is the root, "/a/b" is b in a.
class Model {
 public:
  Model() { nodes_[""] = std::make_shared<Node>('d', ""); }
  const Nodes& nodes() const { return nodes_; }

  static std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
  bool empty(const std::string& path) const {
    const auto below = nodes_.lower_bound(path + "/");
    return below == nodes_.end() || !below->first.starts_with(path + "/");
  }
  Node* find(const std::string& path) const {
    const auto at = nodes_.find(path);
    return at == nodes_.end() ? nullptr : at->second.get();
  }
  long links(const std::string& path) const {
    if (find(path)->kind != 'd') return nodes_.at(path).use_count();
    return 2 + std::ranges::count_if(nodes_, [&](const auto& node) {
             return !node.first.empty() && node.second->kind == 'd' && parent_of(node.first) == path;
           });
  }

  Errno create(const std::string& path, char kind, const std::string& data) {
    if (find(path) != nullptr) return Errno::Exists;
    nodes_[path] = std::make_shared<Node>(kind, data);
    return {};
  }
  Errno link(const std::string& path, const std::string& target) {
    if (find(path) != nullptr) return Errno::Exists;
    if (find(target)->kind == 'd') return Errno::Perm;
    nodes_[path] = nodes_[target];
    return {};
  }
  Errno unlink(const std::string& path) {
    if (find(path) == nullptr) return Errno::NoEntry;
    if (find(path)->kind == 'd') return Errno::IsDirectory;
    nodes_.erase(path);
    return {};
  }
  Errno remove_directory(const std::string& path) {
    if (find(path) == nullptr) return Errno::NoEntry;
    if (find(path)->kind != 'd') return Errno::NotDirectory;
    if (!empty(path)) return Errno::NotEmpty;
    nodes_.erase(path);
    return {};
  }
  Errno rename(const std::string& from, const std::string& to) {
    if (find(from) == nullptr) return Errno::NoEntry;
    if (to.starts_with(from + "/")) return Errno::Invalid;
    if (from.starts_with(to + "/")) return Errno::NotEmpty;
    if (Node* const over = find(to); over != nullptr) {
      if (over == find(from)) return {};
      if (over->kind == 'd' && find(from)->kind != 'd') return Errno::IsDirectory;
      if (over->kind != 'd' && find(from)->kind == 'd') return Errno::NotDirectory;
      if (over->kind == 'd' && !empty(to)) return Errno::NotEmpty;
    }
    Nodes moved;
    for (const auto& [path, node] : nodes_) {
      if (path == from || path.starts_with(from + "/")) moved[to + path.substr(from.size())] = node;
    }
    std::erase_if(nodes_,
                  [&](const auto& node) { return node.first == from || node.first.starts_with(from + "/"); });
    for (const auto& [path, node] : moved) nodes_[path] = node;
    return {};
  }

 private:
  Nodes nodes_;
};

/// Both, and each operation on both.
class Pair {
 public:
  void run(std::uint32_t word) {
    const std::string path = some_path(word >> 4), other = some_path(word >> 12);
    if (!is_parent(path) || !is_parent(other)) return;
    const auto parent = at(Model::parent_of(path));
    const std::string name = path.substr(path.rfind('/') + 1);
    switch (word % 10) {
      case 0:
        RC_ASSERT(error_of(parent->create(name, regular())) == model_.create(path, 'f', ""));
        return;
      case 1:
        RC_ASSERT(error_of(parent->create(name, directory())) == model_.create(path, 'd', ""));
        return;
      case 2:
        RC_ASSERT(error_of(parent->symlink(name, other, {})) == model_.create(path, 'l', other));
        return;
      case 3:
        if (model_.find(other) == nullptr) return;
        RC_ASSERT(error_of(parent->link(name, *at(other))) == model_.link(path, other));
        return;
      case 4:
        RC_ASSERT(error_of(parent->unlink(name)) == model_.unlink(path));
        return;
      case 5:
        RC_ASSERT(error_of(parent->remove_directory(name)) == model_.remove_directory(path));
        return;
      case 6:
      case 7: {
        const std::string other_name = other.substr(other.rfind('/') + 1);
        RC_ASSERT(error_of(parent->rename(name, *at(Model::parent_of(other)), other_name, 0)) ==
                  model_.rename(path, other));
        return;
      }
      default:
        change(path, word);
    }
  }

  void compare() {
    std::vector<std::string> found;
    collect("", found);
    std::ranges::sort(found);
    std::vector<std::string> expected;
    std::map<const Node*, std::uint64_t> inodes;
    for (const auto& [path, node] : model_.nodes()) {
      expected.push_back(path);
      const auto inode = at(path);
      RC_ASSERT(inode->attributes().links == static_cast<std::uint32_t>(model_.links(path)));
      const auto [same, fresh] = inodes.try_emplace(node.get(), inode->attributes().inode);
      RC_ASSERT(same->second == inode->attributes().inode);
      if (node->kind == 'd') continue;
      RC_ASSERT(inode->attributes().size == node->data.size());
      const std::string content(node->kind == 'l' ? std::string(inode->readlink().value()) : read(*inode));
      RC_ASSERT(content == node->data);
    }
    RC_ASSERT(found == expected);
    RC_ASSERT(volume_.tmpfs->usage().inodes == inodes.size());
    RC_ASSERT(volume_.tmpfs->usage().pages == volume_.frames.used());
  }

  /// The deepest first.
  void remove_all() {
    while (model_.nodes().size() > 1) {
      const std::string path = std::prev(model_.nodes().end())->first;
      const std::string name = path.substr(path.rfind('/') + 1);
      const auto parent = at(Model::parent_of(path));
      if (model_.unlink(path) == Errno{}) {
        RC_ASSERT(parent->unlink(name).has_value());
      } else {
        RC_ASSERT(model_.remove_directory(path) == Errno{});
        RC_ASSERT(parent->remove_directory(name).has_value());
      }
    }
    RC_ASSERT(volume_.frames.used() == 0U);
    RC_ASSERT(volume_.tmpfs->usage().pages == 0U);
    RC_ASSERT(volume_.tmpfs->usage().inodes == 1U);
  }

 private:
  static std::string some_path(std::uint32_t word) {
    std::string path;
    for (std::uint32_t depth = 0; depth <= word % 3; ++depth) {
      path += {'/', static_cast<char>('a' + (word >> (2 + 2 * depth)) % 3)};
    }
    return path;
  }
  bool is_parent(const std::string& path) const {
    const Node* const node = model_.find(Model::parent_of(path));
    return node != nullptr && node->kind == 'd';
  }
  Ref<Inode> at(const std::string& path) {
    if (path.empty()) return volume_.root;
    return at(Model::parent_of(path))->lookup(path.substr(path.rfind('/') + 1)).value();
  }
  void change(const std::string& path, std::uint32_t word) {
    Node* const node = model_.find(path);
    if (node == nullptr || node->kind != 'f') return;
    const std::size_t offset = (word >> 16) % 40'000;
    std::string& data = node->data;
    if (word % 10 == 8) {
      RC_ASSERT(at(path)->truncate(offset).has_value());
      data.resize(offset);
      return;
    }
    const std::string text(1 + (word >> 20) % 9000, static_cast<char>('A' + word / 10 % 26));
    RC_ASSERT(write(*at(path), offset, text).value() == text.size());
    if (data.size() < offset + text.size()) data.resize(offset + text.size());
    data.replace(offset, text.size(), text);
  }
  void collect(const std::string& path, std::vector<std::string>& found) {
    found.push_back(path);
    const auto inode = at(path);
    if (!inode->is_directory()) return;
    for (const auto& name : names(*inode)) collect(path + "/" + name, found);
  }

  Volume volume_;
  Model model_;
};

RC_GTEST_PROP(Tmpfs, does_what_a_map_of_paths_does_C4_18, ()) {
  const auto words = *rc::gen::scale(
      4.0, rc::gen::container<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>()));
  Pair pair;
  for (std::size_t i = 0; i < words.size(); ++i) {
    // Of arbitrary numbers most are small when the case is small.
    pair.run(words[i] * 2654435761U ^ words[i] >> 13);
    if (i % 16 == 0) pair.compare();
  }
  pair.compare();
  pair.remove_all();
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test
