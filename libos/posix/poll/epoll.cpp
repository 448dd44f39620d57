#include "libos/posix/poll/epoll.hpp"

#include <algorithm>
#include <memory>

namespace fb::libos::posix::poll {

std::uint32_t EpollItem::begin() {
  key.file->watchers().add(*this);
  const vfs::PollState state = key.file->poll();
  split_ = state.split;
  for (std::size_t i = 0; i < joined_.size(); ++i) {
    if (state.queues[i] != nullptr) joined_[i].join(*state.queues[i]);
  }
  return state.events & wanted();
}

void EpollItem::woken(std::uint32_t others) {
  const std::uint32_t waits_for = wanted();
  // What wakes readers is no edge for who only waits to write, unless it is an error.
  const bool other = split_ && (waits_for & ~others & ~event::kAlways) == 0;
  if (waits_for == 0 || (other && (look() & event::kAlways) == 0)) return;
  epoll.may_be_ready(*this);
}

void EpollItem::file_gone() { epoll.remove(*this); }

Epoll::~Epoll() {
  while (EpollItem* const item = table_.any()) remove(*item);
}

/// Those who look at this epoll need to be told once until it is looked at: so a wake-up goes along each watch of an epoll at
/// most once, however many paths there are.
void Epoll::may_be_ready(EpollItem& item) {
  if (item.ready.linked()) return;
  ready_.push_back(item);
  ++ready_count_;
  waiting_.wake_one();
  polled_.wake_all();
}

Answer<> Epoll::control(EpollOperation operation, vfs::Descriptor descriptor, vfs::File& file,
                        const EpollEvent& event) {
  if (!file.pollable()) return fail(Errno::Perm);
  if (&file == this) return fail(Errno::Invalid);
  if (operation != EpollOperation::Delete && (event.events & event::kExclusive) != 0) {
    constexpr std::uint32_t kMayBeExclusive =
        vfs::poll::kIn | vfs::poll::kOut | event::kAlways | event::kWakeUp | event::kEdge | event::kExclusive;
    const bool fits = vfs::file_as<Epoll>(file) == nullptr && (event.events & ~kMayBeExclusive) == 0;
    if (operation == EpollOperation::Modify || !fits) return fail(Errno::Invalid);
  }
  if (Epoll* const nested = vfs::file_as<Epoll>(file);
      nested != nullptr && operation == EpollOperation::Add) {
    FB_TRY(check_nesting(*nested));
  }
  EpollItem* const item = table_.find({.file = &file, .descriptor = descriptor});
  switch (operation) {
    case EpollOperation::Add:
      return item != nullptr ? Answer<>(fail(Errno::Exists)) : add(descriptor, file, event);
    case EpollOperation::Delete:
      if (item == nullptr) return fail(Errno::NoEntry);
      remove(*item);
      return {};
    case EpollOperation::Modify:
      return item == nullptr ? Answer<>(fail(Errno::NoEntry)) : modify(*item, event);
  }
  return fail(Errno::Invalid);
}

Answer<> Epoll::add(vfs::Descriptor descriptor, vfs::File& file, const EpollEvent& event) {
  if (!services_.epoll_watches.take()) return fail(Errno::NoSpace);
  std::unique_ptr<EpollItem> item(new (std::nothrow)
                                      EpollItem(*this, {.file = &file, .descriptor = descriptor}, event));
  if (item == nullptr || !table_.add(*item)) {
    services_.epoll_watches.give();
    return fail(Errno::NoMemory);
  }
  EpollItem& added = *item.release();  // the table's, in effect
  if (vfs::file_as<Epoll>(file) != nullptr) nested_.push_back(added);
  if (added.begin() != 0) may_be_ready(added);
  return {};
}

Answer<> Epoll::modify(EpollItem& item, const EpollEvent& event) {
  if ((item.events & event::kExclusive) != 0) return fail(Errno::Invalid);
  item.events = event.events | event::kAlways;
  item.data = event.data;
  if (item.look() != 0) may_be_ready(item);
  return {};
}

void Epoll::remove(EpollItem& item) {
  if (ready_.remove(item)) --ready_count_;
  nested_.remove(item);
  table_.remove(item);
  services_.epoll_watches.give();
  delete &item;
}

/// Each that may be ready is looked at once; who still is goes to the end of the list, so that all get their turn.
Answer<std::size_t> Epoll::harvest(vfs::Output& out, std::size_t most) {
  std::size_t done = 0;
  for (std::size_t left = ready_count_; left != 0 && done < most; --left) {
    EpollItem* const item = ready_.pop_front();
    if (item == nullptr) break;
    --ready_count_;
    const std::uint32_t found = item->look();
    if (found == 0) continue;
    const EpollEvent event{.events = found, .data = item->data};
    if (const auto put = out.put(std::as_bytes(std::span(&event, 1))); !put) {
      ready_.push_front(*item);
      ++ready_count_;
      if (done == 0) return fail(put.error());
      break;
    }
    ++done;
    if ((item->events & event::kOneShot) != 0) {
      item->events &= event::kBehaviour;
    } else if ((item->events & event::kEdge) == 0) {
      ready_.push_back(*item);
      ++ready_count_;
    }
  }
  return done;
}

Answer<std::size_t> Epoll::wait(vfs::Output& out, std::size_t most, vfs::Waiter& waiter,
                                core::Nanoseconds deadline) {
  Answer<std::size_t> done;
  Answer<> slept;
  for (;;) {
    done = harvest(out, most);
    if (!done || *done != 0 || !slept) break;
    if (deadline == core::Nanoseconds(0) || deadline <= waiter.now()) break;
    slept = waiter.wait(waiting_, deadline);
  }
  // One wake-up is for one waiter, who may have left some, or may have left for another reason.
  if (!ready_.empty()) waiting_.wake_one();
  if (!done || *done != 0 || slept || slept.error() == Errno::TimedOut) return done;
  return fail(slept.error() == Errno::Restart ? Errno::Interrupted : slept.error());
}

/// Those on the list that are no longer ready leave it: their queues will tell.
vfs::PollState Epoll::poll() {
  vfs::PollState state{.events = 0, .queues = {&polled_, nullptr}};
  while (EpollItem* const item = ready_.front()) {
    if (item->look() != 0) {
      state.events = vfs::poll::kIn | vfs::poll::kReadNormal;
      break;
    }
    ready_.remove(*item);
    --ready_count_;
  }
  return state;
}

Answer<Ref<vfs::File>> make_epoll(Services& services, std::uint32_t flags) {
  if ((flags & ~vfs::flag::kCloseOnExec) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto made, make_shared<Epoll>(services));
  return made;
}

}  // namespace fb::libos::posix::poll
