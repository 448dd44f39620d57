#include "libos/posix/signal/queue.hpp"

namespace fb::libos::posix::signal {
namespace {

constexpr bool queues(Signal signal) { return signal >= Signal::FirstRealTime; }

}  // namespace

Answer<> Queue::add(const Info& info) {
  const auto signal = info.signal();
  if (!queues(signal) && pending_.has(signal)) return {};
  const bool kept = infos_.size() < kMost && infos_.push_back(info);
  if (!kept && queues(signal) && info.code != code::kUser && info.code < 0) return fail(Errno::TryAgain);
  pending_.add(signal);
  return {};
}

std::optional<Info> Queue::take(Set wanted) {
  const Set ready = pending_ & wanted;
  if (ready.empty()) return std::nullopt;
  const Set first = ready & kSynchronous;
  const Signal signal = (first.empty() ? ready : first).lowest();
  std::optional<Info> found;
  bool more = false;
  for (std::size_t i = 0; i < infos_.size();) {
    if (infos_[i].signal() != signal) {
      ++i;
    } else if (found) {
      more = true;
      break;
    } else {
      found = infos_[i];
      infos_.erase(i);
    }
  }
  if (!more) pending_.remove(signal);
  return found ? *found : Info::of(signal, code::kUser);
}

void Queue::drop(Set signals) {
  pending_ = pending_ & ~signals;
  for (std::size_t i = 0; i < infos_.size();) {
    signals.has(infos_[i].signal()) ? infos_.erase(i) : static_cast<void>(++i);
  }
}

}  // namespace fb::libos::posix::signal
