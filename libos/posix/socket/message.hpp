// What is on its way from one socket to another.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "core/list/list.hpp"
#include "libos/posix/socket/abi.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::socket {

class Endpoint;
using Files = Vector<Ref<vfs::File>>;

/// Bytes, who sent them, and files that go with them. It counts against its sender's buffer until it dies.
class Message {
 public:
  /// What one costs beside its bytes.
  static constexpr std::size_t kCost = 256;

  /// Errors: NoBuffers.
  static Answer<std::unique_ptr<Message>> make(const Ref<Endpoint>& sender, std::size_t size);
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message();

  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> left() const { return {bytes_.get() + used_, size_ - used_}; }
  void use(std::size_t count) { used_ += count; }

  /// They are in flight from now on. Errors: TooManyReferences.
  Answer<> attach(Files files);
  /// They have landed.
  Files detach();
  [[nodiscard]] const Files& files() const { return files_; }
  [[nodiscard]] const Endpoint& sender() const { return *sender_; }

  std::optional<Identity> who;  ///< when somebody asked for it
  core::list::ListLink link;

 private:
  Message(const Ref<Endpoint>& sender, std::unique_ptr<std::byte[]> bytes, std::size_t size);
  [[nodiscard]] std::size_t charge() const { return size_ + kCost; }

  Ref<Endpoint> sender_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_, used_ = 0;
  Files files_;
};
using Messages = core::list::List<Message, &Message::link>;

}  // namespace fb::libos::posix::socket
