// Rings of submissions and completions (io_uring(7)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/call/uring_submitter.hpp"
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::call {
namespace {

/// Of argument 0. Errors: BadDescriptor, NotSupported.
Answer<Ref<uring::Ring>> ring_of(const Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  auto* const ring = vfs::file_as<uring::Ring>(*file);
  if (ring == nullptr) return fail(Errno::NotSupported);
  return Ref<uring::Ring>(*ring);
}

/// What enter waits with: a mask, and a time that is none without kExtended. Errors: Invalid, Fault.
Answer<core::Nanoseconds> patience_of(Call& call, std::uint32_t flags) {
  if ((flags & uring::enter::kExtended) == 0) {
    FB_TRY(mask_for_call(call, call.address(4), call.word(5)));
    return vfs::kForever;
  }
  if (call.word(5) != sizeof(uring::enter::Extended)) return fail(Errno::Invalid);
  FB_ASSIGN(const auto extended, call.get<uring::enter::Extended>(call.address(4)));
  auto deadline = vfs::kForever;
  if (extended.time != 0) {
    FB_ASSIGN(const auto time, time_at(call, core::VirtAddr(extended.time)));
    deadline = after(rt::now(), time);
  }
  FB_TRY(mask_for_call(call, core::VirtAddr(extended.mask), extended.mask_size));
  return deadline;
}

Done wait(Call& call, uring::Ring& ring, const uring::Submitter& by, std::uint32_t flags) {
  FB_ASSIGN(const auto deadline, patience_of(call, flags));
  auto waiter = call.waiter();
  FB_TRY(ring.wait(by, call.word32(2), waiter, deadline));
  return 0;
}

Done probe(Call& call) {
  using namespace uring::registering;
  constexpr std::uint32_t kMost = 256;
  const auto count = call.word32(3);
  if (count > kMost) return fail(Errno::Invalid);
  std::array<ProbeOperation, uring::kOpcodes> operations{};
  const auto some = std::span(operations).first(std::min<std::size_t>(count, operations.size()));
  // It has to be all zeros: whoever asks may mean something by it one day.
  std::array<std::byte, sizeof(Probe) + sizeof(operations)> there{};
  const auto given = std::span(there).first(sizeof(Probe) + some.size_bytes());
  FB_TRY(call.memory().read(call.address(2), given));
  for (const auto byte : given) {
    if (byte != std::byte{}) return fail(Errno::Invalid);
  }
  uring::Ring::probe(some);
  const Probe head{.last = static_cast<std::uint8_t>(uring::kOpcodes - 1),
                   .count = static_cast<std::uint8_t>(some.size()),
                   .reserved = 0,
                   .reserved2 = {}};
  FB_TRY(call.put(call.address(2), head));
  FB_TRY(call.memory().write(call.address(2) + core::ByteCount(sizeof(head)), std::as_bytes(some)));
  return 0;
}

}  // namespace

Done do_io_uring_setup(Call& call) {
  FB_ASSIGN(auto params, call.get<uring::Params>(call.address(1)));
  FB_ASSIGN(const auto* const by, ThreadSubmitter::of(call));
  auto& system = call.process.system;
  FB_ASSIGN(const auto ring,
            uring::Ring::make(system.events, system.frames, system.rings, call.word32(0), params, *by));
  FB_ASSIGN(const auto number, call.process.descriptors.add(ring, true));
  if (const auto told = call.put(call.address(1), params); !told) {
    static_cast<void>(call.process.descriptors.close(number));
    return fail(told.error());
  }
  return static_cast<std::uint64_t>(number);
}

/// What was submitted counts: only without that is an error of the wait told.
Done do_io_uring_enter(Call& call) {
  const auto flags = call.word32(3);
  if ((flags & ~uring::enter::kKnown) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto ring, ring_of(call));
  FB_ASSIGN(auto* const by, ThreadSubmitter::of(call));
  const auto wanted = call.word32(1);
  std::uint32_t submitted = 0;
  if (wanted != 0 || (flags & uring::enter::kGetEvents) == 0) {
    FB_ASSIGN(submitted, ring->submit(*by, wanted));
    if (submitted != wanted) return submitted;
  }
  if ((flags & uring::enter::kGetEvents) == 0) return submitted;
  const auto waited = wait(call, *ring, *by, flags);
  return submitted != 0 || waited ? Done(submitted) : waited;
}

Done do_io_uring_register(Call& call) {
  FB_ASSIGN(const auto ring, ring_of(call));
  if (call.word32(1) == uring::registering::kProbe) return probe(call);
  FB_ASSIGN(auto* const by, ThreadSubmitter::of(call));
  FB_ASSIGN(const auto done, ring->change(*by, call.word32(1), call.word(2), call.word32(3)));
  return done;
}

}  // namespace fb::libos::posix::call
