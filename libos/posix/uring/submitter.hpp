// Who submits to rings: a thread, as far as rings know it.
#pragma once

#include <memory>

#include "libos/posix/uring/request.hpp"
#include "libos/posix/vfs/descriptors.hpp"

namespace fb::libos::posix::uring {

/// Its requests are done with its memory, its files and its rights, also when others make them go on. Lives until it has none.
class Submitter {
 public:
  Submitter() = default;
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;
  virtual ~Submitter() = default;

  [[nodiscard]] virtual const vfs::Descriptors& descriptors() const = 0;
  /// Memory of the program. Errors: Fault, NoMemory.
  virtual Answer<> read(core::VirtAddr from, std::span<std::byte> into) = 0;
  /// Does what the request asks for, by any fibre. Errors: TryAgain when it would have to wait and `patience` is at its end.
  virtual Answer<std::uint64_t> carry_out(Request& request, vfs::Patience& patience) = 0;
  /// A fibre that calls Ring::work() for it, later. Errors: NoMemory.
  virtual Answer<> start_worker(Request& request) = 0;
  /// Between steps of something long: others may run, and submit to the same ring.
  virtual void breathe() {}

  /// All its requests are cancelled, and nobody works at any afterwards: the thread ends, or becomes another program.
  void end(vfs::Waiter& waiter);
  [[nodiscard]] bool ending() const { return ending_; }
  void add(Request& request) {
    requests_.push_back(request);
    ++count_;
  }
  void remove(Request& request);
  template <class T>
  Answer<T> get(std::uint64_t from) {
    T value{};
    FB_TRY(read(core::VirtAddr(from), std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }

 private:
  void cancel_all();

  core::list::List<Request, &Request::of_submitter> requests_;
  vfs::WaitQueue gone_;
  std::size_t count_ = 0;
  bool ending_ = false;
};

}  // namespace fb::libos::posix::uring
