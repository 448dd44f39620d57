// Asynchronous input and output of Linux (io_setup(2), io_submit(2), io_getevents(2); C4.18).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/pieces.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/vfs/abi.hpp"

namespace fb::libos::posix::call {
namespace {

using aio::ControlBlock;
using aio::Opcode;

aio::Contexts& contexts_of(const Call& call) { return call.process.memory_object().contexts(); }

/// What it transfers. Errors: Invalid, Fault, NoMemory.
Answer<Pieces> pieces_of(const Call& call, const ControlBlock& block, bool many) {
  const core::VirtAddr at(block.buffer);
  if (many) return Pieces::read(call, at, block.size, Errno::Invalid);
  if (!core::user_range(at, core::ByteCount(std::min<std::uint64_t>(block.size, vfs::kTransferMost))))
    return fail(Errno::Fault);
  return Pieces::one(at, block.size);
}

/// What the transfer comes to. The outer one fails when there is none: that is told by io_submit.
Answer<Done> transfer(Call& call, vfs::File& file, const ControlBlock& block, bool many, bool writes) {
  constexpr std::uint32_t kKnown = 0x8f;  // RWF_*: what changes nothing where there is no disk
  if ((block.how & ~kKnown) != 0) return fail(Errno::NotSupported);
  if (writes ? !file.writable() : !file.readable()) return fail(Errno::BadDescriptor);
  if (file.inode() && file.inode()->is(vfs::mode::kDirectory)) return fail(Errno::Invalid);
  FB_ASSIGN(auto pieces, pieces_of(call, block, many));
  const bool regular = file.inode() && file.inode()->is(vfs::mode::kRegular);
  if (regular && block.offset < 0) return fail(Errno::Invalid);
  if (writes) {
    PiecesInput in(call.memory(), pieces);
    return Done(regular ? file.write_at(block.offset, in, pieces.size())
                        : write_file(call, file, in, pieces.size()));
  }
  PiecesOutput out(call.memory(), pieces);
  return Done(regular ? file.read_at(block.offset, out, pieces.size())
                      : read_file(call, file, out, pieces.size()));
}

/// Errors: Invalid for what has a field that it does not use, or a file that is never behind.
Answer<Done> sync(Call& call, const ControlBlock& block) {
  if (block.buffer != 0 || block.size != 0 || block.offset != 0 || block.how != 0)
    return fail(Errno::Invalid);
  Call its{.process = call.process,
           .thread = call.thread,
           .number = call.number,
           .arguments = {static_cast<std::uint64_t>(block.descriptor)}};
  const Done done = do_fsync(its);
  if (!done) return fail(done.error());
  return done;
}

/// Errors: Invalid; those of the context.
Answer<> poll(aio::Context& context, const aio::Tag& tag, const Ref<vfs::File>& file,
              const ControlBlock& block) {
  if (block.buffer > 0xffff || block.size != 0 || block.offset != 0 || block.how != 0)
    return fail(Errno::Invalid);
  if (!file->pollable()) return fail(Errno::Invalid);
  return context.wait_for(tag, file, static_cast<std::uint32_t>(block.buffer));
}

/// Nobody makes the call again that a signal has ended.
std::int64_t result_of(const Done& done) {
  if (done) return static_cast<std::int64_t>(*done);
  const auto error = done.error();
  const bool restarts = error == Errno::Restart || error == Errno::RestartNoHandler;
  return -static_cast<std::int64_t>(restarts ? Errno::Interrupted : error);
}

/// Who is told. Errors: BadDescriptor, Invalid.
Answer<aio::Tag> tag_of(const Call& call, const ControlBlock& block, std::uint64_t at) {
  aio::Tag tag{.data = block.data, .object = at};
  if ((block.flags & aio::kEventFile) == 0) return tag;
  FB_ASSIGN(const auto file, call.process.descriptors.get(block.event_descriptor));
  auto* const events = vfs::file_as<poll::EventCount>(*file);
  if (events == nullptr) return fail(Errno::Invalid);
  tag.events = Ref<poll::EventCount>(*events);
  return tag;
}

/// Errors: Fault, Invalid, TryAgain, BadDescriptor, NotSupported, NoMemory.
Answer<> submit(Call& call, aio::Context& context, core::VirtAddr at) {
  FB_ASSIGN(const auto block, call.get<ControlBlock>(at));
  if (block.reserved != 0 || static_cast<std::int64_t>(block.size) < 0) return fail(Errno::Invalid);
  if (!context.has_room()) return fail(Errno::TryAgain);
  FB_ASSIGN(const auto file, call.process.descriptors.get(block.descriptor));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  FB_ASSIGN(const auto tag, tag_of(call, block, at.raw()));
  FB_TRY(call.put(at + core::ByteCount(offsetof(ControlBlock, key)), aio::kKey));
  Answer<Done> done = fail(Errno::Invalid);
  switch (const auto opcode = static_cast<Opcode>(block.opcode)) {
    case Opcode::Read:
    case Opcode::ReadV:
      done = transfer(call, *file, block, opcode == Opcode::ReadV, false);
      break;
    case Opcode::Write:
    case Opcode::WriteV:
      done = transfer(call, *file, block, opcode == Opcode::WriteV, true);
      break;
    case Opcode::Sync:
    case Opcode::DataSync:
      done = sync(call, block);
      break;
    case Opcode::Poll:
      return poll(context, tag, file, block);
  }
  if (!done) return fail(done.error());
  // Another thread may have filled it while this one waited in the transfer: then the completion is lost, and not the ring.
  if (context.has_room()) context.complete(tag, result_of(*done));
  return {};
}

/// As many as are there go to the program; how many. Errors: Fault, NoMemory, and nothing is taken.
Answer<std::uint64_t> take(Call& call, aio::Context& context, core::VirtAddr to, std::uint64_t most) {
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(context.count(), most));
  for (std::uint32_t i = 0; i < count; ++i)
    FB_TRY(call.put(to + core::ByteCount(i * sizeof(aio::Event)), context.peek(i)));
  context.take(count);
  return count;
}

/// `restart`: what a signal comes to when there is nothing to tell.
Done get_events(Call& call, core::Nanoseconds deadline, Errno restart) {
  FB_ASSIGN(const auto context, contexts_of(call).find(call.address(0)));
  const auto least = static_cast<std::int64_t>(call.word(1)), most = static_cast<std::int64_t>(call.word(2));
  if (least < 0 || least > most) return fail(Errno::Invalid);
  const auto wanted = static_cast<std::uint64_t>(least);
  std::uint64_t done = 0;
  auto waiter = call.waiter();
  for (;;) {
    const auto some = take(call, *context, call.address(3) + core::ByteCount(done * sizeof(aio::Event)),
                           static_cast<std::uint64_t>(most) - done);
    if (!some) return done != 0 ? Done(done) : fail(some.error());
    done += *some;
    if (done >= wanted || deadline <= waiter.now()) return done;
    if (const auto slept = context->sleep(waiter, deadline); !slept) {
      if (slept.error() == Errno::TimedOut) continue;  // looks once more
      if (done != 0) return done;
      return fail(slept.error() == Errno::Restart ? restart : slept.error());
    }
  }
}

Answer<core::Nanoseconds> deadline_at(const Call& call, unsigned argument) {
  if (call.word(argument) == 0) return vfs::kForever;
  FB_ASSIGN(const auto time, time_at(call, call.address(argument)));
  return after(rt::now(), time);
}

}  // namespace

Done do_io_setup(Call& call) {
  FB_ASSIGN(const auto before, call.get<std::uint64_t>(call.address(1)));
  const auto count = call.word32(0);
  if (before != 0 || count == 0 || count > aio::kEventsMost) return fail(Errno::Invalid);
  auto& system = call.process.system;
  FB_ASSIGN(const auto context, aio::Context::make(system.events, system.frames, system.contexts, count));
  const auto size = context->ring_of().size();
  FB_ASSIGN(context->at, call.memory().mmap({.length = size,
                                             .protection = mm::kProtRead | mm::kProtWrite,
                                             .flags = mm::kMapShared,
                                             .backing = context->ring_of().memory()}));
  auto told = call.put(call.address(1), context->at);
  if (told) told = contexts_of(call).add(context);
  if (!told) {
    static_cast<void>(call.memory().munmap(context->at, size));
    return fail(told.error());
  }
  return 0;
}

Done do_io_destroy(Call& call) {
  FB_ASSIGN(const auto context, contexts_of(call).find(call.address(0)));
  contexts_of(call).remove(*context);
  context->end();
  static_cast<void>(call.memory().munmap(context->at, context->ring_of().size()));
  return 0;
}

/// What was submitted counts: an error is told only of the first.
Done do_io_submit(Call& call) {
  constexpr std::int64_t kTurn = 32;  // then others have theirs
  auto count = static_cast<std::int64_t>(call.word(1));
  if (count < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto context, contexts_of(call).find(call.address(0)));
  count = std::min<std::int64_t>(count, context->ring_of().room() + 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = call.address(2) + core::ByteCount(static_cast<std::uint64_t>(i) * sizeof(core::VirtAddr));
    const auto block = call.get<core::VirtAddr>(at);
    const auto submitted = block ? submit(call, *context, *block) : Answer<>(fail(block.error()));
    if (!submitted && i == 0) return fail(submitted.error());
    if (!submitted) return static_cast<std::uint64_t>(i);
    if (i % kTurn != kTurn - 1) continue;
    call.process.system.fibres.yield();
    if (call.thread.interrupted()) return static_cast<std::uint64_t>(i + 1);
  }
  return static_cast<std::uint64_t>(count);
}

/// Reading and writing is over when it can be asked for; what waits for a file completes.
Done do_io_cancel(Call& call) {
  FB_ASSIGN(const auto key,
            call.get<std::uint32_t>(call.address(1) + core::ByteCount(offsetof(ControlBlock, key))));
  if (key != aio::kKey) return fail(Errno::Invalid);
  FB_ASSIGN(const auto context, contexts_of(call).find(call.address(0)));
  return fail(context->cancel(call.word(1)) ? Errno::InProgress : Errno::Invalid);
}

Done do_io_getevents(Call& call) {
  FB_ASSIGN(const auto deadline, deadline_at(call, 4));
  return get_events(call, deadline, Errno::Interrupted);
}

Done do_io_pgetevents(Call& call) {
  struct Mask {
    core::VirtAddr address;
    std::uint64_t bytes;
  };
  FB_ASSIGN(const auto deadline, deadline_at(call, 4));
  Mask mask{};
  if (call.word(5) != 0) {
    FB_ASSIGN(mask, call.get<Mask>(call.address(5)));
  }
  FB_TRY(mask_for_call(call, mask.address, mask.bytes));
  return get_events(call, deadline, Errno::RestartNoHandler);
}

}  // namespace fb::libos::posix::call
