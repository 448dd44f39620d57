// Reaching into other processes (process_vm_readv(2)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

struct Piece {
  core::VirtAddr address;
  std::uint64_t length;
};

/// A list of pieces, one after the other.
class Pieces {
 public:
  static constexpr std::uint64_t kMost = 1024;  ///< IOV_MAX
  Pieces(Call& call, core::VirtAddr list, std::uint64_t count) : call_(call), list_(list), count_(count) {}

  /// The next bytes, at most `most`; none at the end. Errors: Fault.
  Answer<Piece> next(std::uint64_t most) {
    while (left_.length == 0 && used_ < count_) {
      FB_ASSIGN(left_, call_.get<Piece>(list_ + core::ByteCount(used_++ * sizeof(Piece))));
    }
    const Piece now{.address = left_.address, .length = std::min(left_.length, most)};
    left_ = {.address = left_.address + core::ByteCount(now.length), .length = left_.length - now.length};
    return now;
  }
  void put_back(std::uint64_t bytes) {
    left_ = {.address = core::VirtAddr(left_.address.raw() - bytes), .length = left_.length + bytes};
  }

 private:
  Call& call_;
  core::VirtAddr list_;
  std::uint64_t count_, used_ = 0;
  Piece left_{};
};

Done transfer(Call& call, bool writes) {
  if (call.word(5) != 0 || call.word(2) > Pieces::kMost || call.word(4) > Pieces::kMost)
    return fail(Errno::Invalid);
  task::Process* const other = call.process.system.processes.find(task::Pid(call.number32(0)));
  if (other == nullptr || other->finished) return fail(Errno::NoProcess);
  if (other != &call.process && !task::Process::may_change(call.process, *other)) return fail(Errno::Perm);
  Pieces here(call, call.address(1), call.word(2)), there(call, call.address(3), call.word(4));
  std::array<std::byte, 512> some;
  std::uint64_t done = 0;
  for (;;) {
    FB_ASSIGN(const Piece local, here.next(some.size()));
    if (local.length == 0) return done;
    FB_ASSIGN(const Piece remote, there.next(local.length));
    if (remote.length == 0) return done;
    here.put_back(local.length - remote.length);
    const auto bytes = std::span(some).first(remote.length);
    auto& from = writes ? call.memory() : other->memory();
    auto& to = writes ? other->memory() : call.memory();
    auto moved = from.read(writes ? local.address : remote.address, bytes);
    if (moved) moved = to.write(writes ? remote.address : local.address, bytes);
    if (!moved && done == 0) return fail(moved.error());
    if (!moved) return done;
    done += remote.length;
  }
}

}  // namespace

Done do_process_vm_readv(Call& call) { return transfer(call, false); }
Done do_process_vm_writev(Call& call) { return transfer(call, true); }

}  // namespace fb::libos::posix::call
