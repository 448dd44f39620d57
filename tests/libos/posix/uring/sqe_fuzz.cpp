// Any submissions in any order: what they come to is told or ended, and nothing stays.
#include <cstdlib>

#include "tests/libos/posix/uring/fixture.hpp"

namespace {

using namespace fb::libos::posix;
using namespace fb::libos::posix::uring;

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  uring::test::World world;
  world.open(8, 0, 8);
  const auto [in, out] = world.pipe();
  demand(in == 0 && out == 1);
  for (; size >= sizeof(Sqe) + 2; data += sizeof(Sqe) + 2, size -= sizeof(Sqe) + 2) {
    auto& to = world.next(Opcode::Nop, 0);
    std::memcpy(&to, data + 2, sizeof(to));
    if ((data[0] & 1) != 0) static_cast<void>(world.ring->submit(world.by, data[1] & 15U));
    if ((data[0] & 2) != 0 && !world.by.working.empty()) world.by.work();
    if ((data[0] & 4) != 0) world.pass(data[1]);
    if ((data[0] & 8) != 0) world.word(world.params.cq.head) = world.word(world.params.cq.tail);
    if ((data[0] & 16) != 0) world.word(4U * (data[1] & 15U)) = data[1];
    world.tail = world.word(world.params.sq.tail);
  }
  static_cast<void>(world.ring->submit(world.by, 8));
  demand(world.ring->requests() <= Ring::kRequestsMost);
  uring::test::WorkWaiter waiter(world.by);
  world.by.end(waiter);
  world.ring.reset();
  demand(world.quotas.requests.used() == 0 && world.quotas.workers.used() == 0);
  demand(world.quotas.pages.used() == 0 && world.quotas.rings.used() == 0);
  return 0;
}
