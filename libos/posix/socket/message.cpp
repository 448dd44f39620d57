#include "libos/posix/socket/message.hpp"

#include <algorithm>

#include "libos/posix/socket/domain.hpp"

namespace fb::libos::posix::socket {

Answer<std::unique_ptr<Message>> Message::make(const Ref<Endpoint>& sender, std::size_t size) {
  Domain& domain = sender->domain;
  if (size + kCost > domain.limits().bytes - std::min(domain.held(), domain.limits().bytes)) {
    return fail(Errno::NoBuffers);
  }
  std::unique_ptr<std::byte[]> bytes(size == 0 ? nullptr : new (std::nothrow) std::byte[size]);
  if (bytes == nullptr && size != 0) return fail(Errno::NoBuffers);
  std::unique_ptr<Message> made(new (std::nothrow) Message(sender, std::move(bytes), size));
  if (made == nullptr) return fail(Errno::NoBuffers);
  return made;
}

Message::Message(const Ref<Endpoint>& sender, std::unique_ptr<std::byte[]> bytes, std::size_t size)
    : sender_(sender), bytes_(std::move(bytes)), size_(size) {
  sender_->charged += charge();
  sender_->domain.hold(charge());
}

Message::~Message() {
  detach().clear();
  sender_->domain.let_go(charge());
  sender_->charged -= charge();
  sender_->to_write.wake_all();
}

Answer<> Message::attach(Files files) {
  FB_TRY(sender_->domain.take_off(*sender_, files));
  files_ = std::move(files);
  return {};
}

Files Message::detach() {
  sender_->domain.land(*sender_, files_);
  return std::move(files_);
}

}  // namespace fb::libos::posix::socket
