#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::vfs {
namespace {

/// substr() without its check, which throws: the caller has made sure.
std::string_view behind(std::string_view text, std::size_t at) {
  return {text.data() + at, text.size() - at};
}

/// The parent, across mounts; itself at the top of all.
Answer<Ref<Inode>> parent_of(const Mounts& mounts, Ref<Inode> at) {
  while (const Ref<Inode> covered = mounts.below(*at)) at = covered;
  FB_ASSIGN(Ref<Inode> above, at->parent());
  return mounts.top(std::move(above));
}

}  // namespace

bool Walk::only_slashes_left(bool& some) const {
  const auto slashes = [&](std::string_view rest) {
    some = some || !rest.empty();
    return std::ranges::all_of(rest, [](char c) { return c == '/'; });
  };
  for (const Rest& rest : links_) {
    if (!slashes(behind(rest.text.view(), rest.at))) return false;
  }
  return slashes(behind(path_, used_));
}

/// False at the end of all.
bool Walk::next_component(std::string_view& component) {
  for (;;) {
    const bool outer = links_.empty();
    const std::string_view text = outer ? path_ : links_.back().text.view();
    std::size_t& at = outer ? used_ : links_.back().at;
    while (at != text.size() && text[at] == '/') ++at;
    const std::size_t first = at;
    while (at != text.size() && text[at] != '/') ++at;
    if (at != first) {
      component = {text.data() + first, at - first};
      return true;
    }
    if (outer) return false;
    links_.pop_back();
  }
}

Answer<> Walk::up() {
  if (same_file(*at_, *place_.root))
    return must_not(resolving::kBeneath) ? Answer<>(fail(Errno::CrossDevice)) : Answer<>();
  FB_ASSIGN(const Ref<Inode> above, parent_of(place_.mounts, at_));
  FB_ASSIGN(at_, crossed(above));
  return {};
}

/// An absolute path begins. Errors: CrossDevice.
Answer<> Walk::to_root() {
  if (must_not(resolving::kBeneath)) return fail(Errno::CrossDevice);
  FB_ASSIGN(at_, crossed(place_.root));
  return {};
}

/// Errors: CrossDevice when that is another mount, and must not be.
Answer<Ref<Inode>> Walk::crossed(Ref<Inode> found) const {
  if (must_not(resolving::kNoCrossing) && found->attributes().device != at_->attributes().device) {
    return fail(Errno::CrossDevice);
  }
  return found;
}

Answer<Ref<Inode>> Walk::look() {
  if (kind_ == Last::DotDot) {
    const Ref<Inode> here = at_;
    const auto moved = up();
    Ref<Inode> above = std::exchange(at_, here);
    FB_TRY(moved);
    return above;
  }
  if (kind_ != Last::Name) return at_;
  FB_ASSIGN(Ref<Inode> found, at_->lookup(last_));
  return crossed(place_.mounts.top(std::move(found)));
}

/// True when `link` leads to a file, which is in at_ then; else what it says is to be walked next.
Answer<bool> Walk::push(Inode& link) {
  if (++followed_ > kLinksMost || must_not(resolving::kNoSymlinks)) return fail(Errno::Loop);
  Target file;
  FB_ASSIGN(const bool jumps, link.jump(file));
  if (jumps) {
    if (!place_.who.root() && place_.who.uid != link.attributes().uid) return fail(Errno::Access);
    if (must_not(resolving::kNoMagicLinks)) return fail(Errno::Loop);
    if (must_not(resolving::kBeneath | resolving::kInRoot)) return fail(Errno::CrossDevice);
    at_ = std::move(file.inode);
    jumped_ = std::move(file.origin);
    return true;
  }
  FB_ASSIGN(const std::string_view target, link.readlink());
  if (target.empty()) return fail(Errno::NoEntry);
  FB_ASSIGN(String text, String::make(target));
  if (text.view().front() == '/') FB_TRY(to_root());
  FB_TRY(links_.push_back({.text = std::move(text), .at = 0}));
  return false;
}

Answer<bool> Walk::enter(Inode& link) {
  FB_ASSIGN(const bool jumped, push(link));
  if (jumped) {
    kind_ = Last::Dot;
    return true;
  }
  FB_TRY(to_last());
  return false;
}

/// Into a component that is not the last.
Answer<> Walk::step(std::string_view component) {
  if (component == ".") return {};
  if (component == "..") return up();
  FB_ASSIGN(Ref<Inode> found, at_->lookup(component));
  FB_ASSIGN(found, crossed(place_.mounts.top(std::move(found))));
  if (found->is(mode::kSymlink)) {
    FB_TRY(push(*found));
    return {};
  }
  at_ = std::move(found);
  return {};
}

Answer<> Walk::to_last() {
  if (!begun_) {
    if (path_.empty()) return fail(Errno::NoEntry);
    if (path_.size() >= kPathMax) return fail(Errno::NameTooLong);
    if (path_.front() == '/') FB_TRY(to_root());
    begun_ = true;
  }
  kind_ = Last::Root;
  last_ = {};
  std::string_view component;
  while (next_component(component)) {
    if (!at_->is_directory()) return fail(Errno::NotDirectory);
    FB_TRY(check_access(at_->attributes(), place_.who, Want::Execute));
    if (component.size() > kNameMax) return fail(Errno::NameTooLong);
    bool some = false;
    if (only_slashes_left(some)) {
      slash_ = slash_ || some;
      last_ = component;
      kind_ = component == "." ? Last::Dot : component == ".." ? Last::DotDot : Last::Name;
      return {};
    }
    FB_TRY(step(component));
  }
  return {};
}

Answer<Ref<Inode>> Walk::finish(bool follow) {
  for (;;) {
    FB_ASSIGN(Ref<Inode> found, look());
    if (found->is(mode::kSymlink) && (follow || slash_)) {
      FB_ASSIGN(const bool done, enter(*found));
      if (!done) continue;
      found = at_;
    }
    if (slash_ && !found->is_directory()) return fail(Errno::NotDirectory);
    return found;
  }
}

Answer<Ref<Origin>> Walk::origin() const {
  if (kind_ != Last::Name) return jumped_;
  FB_ASSIGN(String name, String::make(last_));
  return make_shared<Origin>(at_, std::move(name));
}

Answer<Ref<Inode>> resolve(const Place& place, std::string_view path, bool follow) {
  Walk walk(place, path);
  FB_TRY(walk.to_last());
  return walk.finish(follow);
}

Answer<Target> locate(const Place& place, std::string_view path) {
  Walk walk(place, path);
  FB_TRY(walk.to_last());
  FB_ASSIGN(Ref<Inode> found, walk.finish(true));
  FB_ASSIGN(Ref<Origin> origin, walk.origin());
  return Target{.inode = std::move(found), .origin = std::move(origin)};
}

}  // namespace fb::libos::posix::vfs
