#include "libos/posix/socket/in_flight.hpp"

namespace fb::libos::posix::socket {
namespace {

/// Each socket in a message that waits at `endpoint`, or at one that waits there to be accepted.
template <class Action>
void for_each_waiting(Endpoint& endpoint, const Action& action) {
  for (const Message& message : endpoint.messages) {
    for (const auto& file : message.files()) {
      if (Endpoint* const other = endpoint_of(*file); other != nullptr) action(*other);
    }
  }
  // An embryo listens to nobody: this goes one level deep.
  for (const auto& embryo : endpoint.pending) for_each_waiting(*embryo, action);
}

}  // namespace

void InFlight::take_off(Endpoint& endpoint) {
  if (endpoint.flights++ != 0) return;
  all_.push_back(endpoint);
  ++count_;
}

void InFlight::land(Endpoint& endpoint) {
  if (--endpoint.flights != 0) return;
  all_.remove(endpoint);
  --count_;
}

void InFlight::suspect_some(Endpoints& suspects) {
  for (Endpoint& one : all_) {
    one.suspect = one.file->references() == one.flights;
    if (!one.suspect) continue;
    one.outside = one.flights;
    all_.remove(one);
    suspects.push_back(one);
  }
  for (Endpoint& one : suspects) {
    for_each_waiting(one, [](Endpoint& other) {
      if (other.suspect) --other.outside;
    });
  }
}

void InFlight::clear_reachable(Endpoints& suspects) {
  Endpoints reachable;
  const auto clear = [&](Endpoint& one) {
    if (!one.suspect) return;
    one.suspect = false;
    suspects.remove(one);
    reachable.push_back(one);
  };
  for (Endpoint& one : suspects) {
    if (one.outside != 0) clear(one);
  }
  while (Endpoint* const one = reachable.pop_front()) {
    all_.push_back(*one);
    for_each_waiting(*one, clear);
  }
}

bool InFlight::gather(Messages& garbage) {
  Endpoints suspects;
  suspect_some(suspects);
  clear_reachable(suspects);
  const bool some = !suspects.empty();
  while (Endpoint* const one = suspects.pop_front()) {
    one->suspect = false;
    all_.push_back(*one);
    one->give_up(garbage);
    for (const auto& embryo : one->pending) embryo->give_up(garbage);
  }
  return some;
}

}  // namespace fb::libos::posix::socket
