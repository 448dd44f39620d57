#include "libos/posix/socket/domain.hpp"

namespace fb::libos::posix::socket {

Answer<Ref<Endpoint>> Domain::make_endpoint(Type type, const Identity& creator) {
  if (endpoints_ >= limits_.endpoints) closed();
  if (endpoints_ >= limits_.endpoints) return fail(Errno::TooManyFilesInSystem);
  return make_shared<Endpoint>(*this, type, creator);
}

void Domain::dispose(Messages& messages) {
  while (Message* const next = messages.pop_front()) dying_.push_back(*next);
  if (running_) return;
  running_ = true;
  do {
    while (Message* const next = dying_.pop_front()) delete next;
  } while (std::exchange(look_for_garbage_, false) && in_flight_.gather(dying_));
  running_ = false;
}

void Domain::closed() {
  if (in_flight_.empty()) return;
  look_for_garbage_ = true;
  Messages none;
  dispose(none);
}

Answer<> Domain::take_off(Endpoint& sender, const Files& files) {
  const auto fit = [&] {
    return files_ + files.size() <= limits_.files &&
           sender.files_in_flight + files.size() <= limits_.files_of_sender;
  };
  if (!fit()) closed();
  if (!fit()) return fail(Errno::TooManyReferences);
  sender.files_in_flight += static_cast<std::uint32_t>(files.size());
  files_ += static_cast<std::uint32_t>(files.size());
  for (const auto& file : files) {
    if (Endpoint* const endpoint = endpoint_of(*file); endpoint != nullptr) in_flight_.take_off(*endpoint);
  }
  return {};
}

void Domain::land(Endpoint& sender, const Files& files) {
  sender.files_in_flight -= static_cast<std::uint32_t>(files.size());
  files_ -= static_cast<std::uint32_t>(files.size());
  for (const auto& file : files) {
    if (Endpoint* const endpoint = endpoint_of(*file); endpoint != nullptr) in_flight_.land(*endpoint);
  }
}

}  // namespace fb::libos::posix::socket
