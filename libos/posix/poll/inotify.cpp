#include "libos/posix/poll/inotify.hpp"

#include <algorithm>

namespace fb::libos::posix::poll {
namespace {

/// With the zeros behind it.
std::uint32_t padded(std::string_view name) {
  constexpr std::size_t kUnit = sizeof(inotify::Record);
  return name.empty() ? 0 : static_cast<std::uint32_t>((name.size() + kUnit) / kUnit * kUnit);
}

}  // namespace

class Inotify::Watch final : public vfs::InodeWatcher {
 public:
  Watch(Inotify& its, vfs::Inode& inode, std::int32_t the_number, std::uint32_t the_mask)
      : owner(its), number(the_number), mask(the_mask), inode_(inode) {
    inode.watchers().add(*this);
  }
  ~Watch() { inode_.watchers().remove(*this); }

  void notice(std::uint32_t what, std::string_view name, std::uint32_t cookie) override {
    if ((what & mask & inotify::kEvents) == 0) return;
    if ((what & mask & inotify::kExcludeUnlinked) != 0) return;
    what &= inotify::kEvents | inotify::kDirectory;
    // A directory that moves or goes is no news of a directory in it, and has never been told as one.
    if ((what & (vfs::notice::kMoveSelf | vfs::notice::kDeleteSelf)) != 0) what &= ~inotify::kDirectory;
    owner.queue(number, what, name, cookie);
    if ((mask & inotify::kOneShot) != 0) end();
  }
  void inode_gone(bool deleted) override {
    if (deleted && (mask & vfs::notice::kDeleteSelf) != 0) owner.queue(number, vfs::notice::kDeleteSelf);
    end();
  }
  std::uint32_t fresh_cookie() override { return ++owner.services_.inotify_cookie; }
  void end() {
    owner.queue(number, inotify::kIgnored);
    owner.drop(*this);
  }

  Inotify& owner;
  const std::int32_t number;
  std::uint32_t mask;

 private:
  vfs::Inode& inode_;
};

static_assert(vfs::notice::kUnlinkedChild == inotify::kExcludeUnlinked);
static_assert(vfs::notice::kDirectory == inotify::kDirectory);

Inotify::~Inotify() {
  while (!watches_.empty()) drop(*watches_.back());
  while (count_ != 0) destroy(pop());
  services_.inotify_instances.give();
}

Answer<> Inotify::check(std::uint32_t mask) {
  constexpr std::uint32_t kBoth = inotify::kMaskAdd | inotify::kMaskCreate;
  if (mask == 0 || (mask & ~inotify::kKnown) != 0 || (mask & kBoth) == kBoth) return fail(Errno::Invalid);
  return {};
}

std::size_t Inotify::position(std::int32_t watch) const {
  const auto* const at = std::ranges::lower_bound(watches_, watch, {}, &Watch::number);
  return static_cast<std::size_t>(at - watches_.begin());
}

Answer<std::int32_t> Inotify::add(vfs::Inode& inode, std::uint32_t mask) {
  const std::uint32_t kept = mask & (inotify::kEvents | inotify::kOneShot | inotify::kExcludeUnlinked);
  // All watchers of inodes are of this kind.
  for (auto* at = inode.watchers().first(); at != nullptr; at = inode.watchers().next(*at)) {
    auto& watch = static_cast<Watch&>(*at);
    if (&watch.owner != this) continue;
    if ((mask & inotify::kMaskCreate) != 0) return fail(Errno::Exists);
    watch.mask = (mask & inotify::kMaskAdd) != 0 ? watch.mask | kept : kept;
    return watch.number;
  }
  if (last_watch_ == 0x7fff'ffff || !services_.inotify_watches.take()) return fail(Errno::NoSpace);
  const auto room = watches_.reserve(watches_.size() + 1);
  auto* const made = room ? new (std::nothrow) Watch(*this, inode, last_watch_ + 1, kept) : nullptr;
  if (made == nullptr) {
    services_.inotify_watches.give();
    return fail(Errno::NoMemory);
  }
  FB_TRY(watches_.push_back(made));
  return ++last_watch_;
}

Answer<> Inotify::remove(std::int32_t watch) {
  const std::size_t at = position(watch);
  if (at == watches_.size() || watches_[at]->number != watch) return fail(Errno::Invalid);
  watches_[at]->end();
  return {};
}

void Inotify::drop(Watch& watch) {
  watches_.erase(position(watch.number));
  services_.inotify_watches.give();
  delete &watch;
}

Answer<Inotify::Event*> Inotify::make_event(const inotify::Record& head, std::string_view name) {
  FB_ASSIGN(auto text, vfs::String::make(name));
  auto* const event = new (std::nothrow) Event{.head = head, .name = std::move(text)};
  if (event == nullptr) return fail(Errno::NoMemory);
  return event;
}

/// What is like the newest is not told twice. What finds no room makes an overflow.
void Inotify::queue(std::int32_t watch, std::uint32_t mask, std::string_view name, std::uint32_t cookie) {
  if (count_ >= kEventsMost) return overflow();
  const bool like_newest = newest_ != nullptr && newest_->head.watch == watch && newest_->head.mask == mask &&
                           newest_->name.view() == name && mask != inotify::kIgnored;
  if (like_newest) return;
  if (!services_.inotify_events.take()) return overflow();
  const auto event =
      make_event({.watch = watch, .mask = mask, .cookie = cookie, .length = padded(name)}, name);
  if (!event) {
    services_.inotify_events.give();
    return overflow();
  }
  append(**event);
}

void Inotify::append(Event& event) {
  events_.push_back(event);
  newest_ = &event;
  ++count_;
  bytes_ += sizeof(event.head) + event.head.length;
  to_read_.wake_all();
}

void Inotify::overflow() {
  if (!overflow_.link.linked()) append(overflow_);
}

Inotify::Event& Inotify::pop() {
  Event& event = *events_.pop_front();
  if (newest_ == &event) newest_ = nullptr;
  --count_;
  bytes_ -= sizeof(event.head) + event.head.length;
  return event;
}

void Inotify::destroy(Event& event) {
  if (&event == &overflow_) return;
  services_.inotify_events.give();
  delete &event;
}

Answer<> Inotify::put(vfs::Output& out, const Event& event) {
  FB_TRY(out.put(std::as_bytes(std::span(&event.head, 1))));
  std::array<char, vfs::kNameMax + sizeof(event.head)> name{};
  std::ranges::copy(event.name.view(), name.data());
  return out.put(std::as_bytes(std::span(name).first(event.head.length)));
}

Answer<std::size_t> Inotify::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  while (events_.empty()) {
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(to_read_));
  }
  std::size_t done = 0;
  while (const Event* const first = events_.front()) {
    const std::size_t size = sizeof(first->head) + first->head.length;
    if (size > count - done) {
      if (done == 0) return fail(Errno::Invalid);
      break;
    }
    Event& event = pop();
    const auto told = put(out, event);
    destroy(event);
    FB_TRY(told);  // gone all the same, as under Linux
    done += size;
  }
  return done;
}

vfs::PollState Inotify::poll() {
  return {.events = events_.empty() ? 0 : vfs::poll::kIn | vfs::poll::kReadNormal,
          .queues = {&to_read_, nullptr}};
}

Answer<std::uint64_t> Inotify::ioctl(std::uint32_t request, std::uint64_t argument,
                                     vfs::IoctlCaller& caller) {
  if (request != vfs::kReadableBytes) return File::ioctl(request, argument, caller);
  const auto bytes = static_cast<std::int32_t>(bytes_);
  FB_TRY(caller.give(bytes));
  return 0;
}

Answer<Ref<vfs::File>> make_inotify(Services& services, std::uint32_t flags) {
  if ((flags & ~kMakeFlags) != 0) return fail(Errno::Invalid);
  if (!services.inotify_instances.take()) return fail(Errno::TooManyFiles);
  const auto made = make_shared<Inotify>(services, flags & vfs::flag::kNonBlock);
  if (!made) {
    services.inotify_instances.give();
    return fail(made.error());
  }
  return *made;
}

}  // namespace fb::libos::posix::poll
