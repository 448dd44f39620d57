// Processes that make others, become others and wait for others (C4.01, C4.02).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

enum CloneFlag : std::uint64_t {
  kExitSignal = 0xff,
  kMemory = 0x100,
  kVfork = 0x4000,
  kChildClearTid = 0x20'0000,
  kChildSetTid = 0x100'0000,
};

Answer<task::Process*> make_child(Call& call, core::VirtAddr stack) {
  auto& parent = call.process;
  auto& processes = parent.system.processes;
  FB_ASSIGN(task::Process* const child, processes.make(parent.system, parent.pid, parent.root));
  if (const auto copied = child->copy(parent, stack); !copied) {
    processes.remove(*child);
    return fail(copied.error());
  }
  return child;
}

Done begin(Call& call, task::Process& child) {
  if (const auto started = call.process.system.starter.start(child); !started) {
    call.process.system.processes.remove(child);
    return fail(started.error());
  }
  return static_cast<std::uint64_t>(child.pid.raw());
}

/// A vector of texts, ended by a null pointer. Errors: Fault, ArgumentsTooLong, NoMemory.
Answer<Vector<Vector<char>>> texts_at(Call& call, core::VirtAddr at) {
  constexpr std::size_t kMostTexts = 32'768;
  Vector<Vector<char>> texts;
  if (at == core::VirtAddr(0)) return texts;
  for (;; at = at + core::ByteCount(sizeof(std::uint64_t))) {
    FB_ASSIGN(const auto text, call.get<std::uint64_t>(at));
    if (text == 0) return texts;
    if (texts.size() == kMostTexts) return fail(Errno::ArgumentsTooLong);
    auto read = call.memory().read_string(core::VirtAddr(text), core::ByteCount(exec::kMaxText));
    if (!read) return fail(read.error() == Errno::NameTooLong ? Errno::ArgumentsTooLong : read.error());
    FB_TRY(texts.push_back(*std::move(read)));
  }
}

Answer<Vector<std::string_view>> views_of(const Vector<Vector<char>>& texts) {
  Vector<std::string_view> views;
  for (const auto& text : texts) FB_TRY(views.push_back(view(text)));
  return views;
}

}  // namespace

Done do_fork(Call& call) {
  FB_ASSIGN(task::Process* const child, make_child(call, core::VirtAddr(0)));
  return begin(call, *child);
}

/// The child has memory of its own: what it does to it before it becomes another program, its parent does not see.
Done do_vfork(Call& call) { return do_fork(call); }

Done do_clone(Call& call) {
  constexpr std::uint64_t kKnown = kExitSignal | kMemory | kVfork | kChildClearTid | kChildSetTid;
  const auto flags = call.word(0);
  // Threads are not there yet: memory is shared only with a parent that sleeps meanwhile.
  if ((flags & ~kKnown) != 0 || ((flags & kMemory) != 0 && (flags & kVfork) == 0)) return fail(Errno::NoCall);
  FB_ASSIGN(task::Process* const child, make_child(call, call.address(1)));
  if ((flags & kChildSetTid) != 0) {
    const auto pid = child->pid.raw();
    static_cast<void>(child->memory().write(call.address(3), std::as_bytes(std::span(&pid, 1))));
  }
  return begin(call, *child);
}

Done do_execve(Call& call) {
  constexpr int kKill = 9;
  FB_ASSIGN(const auto path, call.path(0));
  FB_ASSIGN(const auto arguments, texts_at(call, call.address(1)));
  FB_ASSIGN(const auto environment, texts_at(call, call.address(2)));
  FB_ASSIGN(const auto argument_views, views_of(arguments));
  FB_ASSIGN(const auto environment_views, views_of(environment));
  auto& process = call.process;
  process.replaced = false;
  const auto done = process.execute(
      view(path),
      {.arguments = argument_views.view(), .environment = environment_views.view(), .path = view(path)});
  if (!done && !process.replaced) return fail(done.error());
  if (!done) {
    process.ended = task::End::killed(kKill);
    return 0;
  }
  while (const auto closing = process.descriptors.next_to_close_on_exec())
    static_cast<void>(process.descriptors.close(*closing));
  return 0;
}

Done do_wait4(Call& call) {
  enum Option : std::uint32_t { kNoHang = 1, kUntraced = 2, kContinued = 8 };
  constexpr std::uint32_t kKnown = kNoHang | kUntraced | kContinued;
  if ((call.word32(2) & ~kKnown) != 0) return fail(Errno::Invalid);
  auto& process = call.process;
  for (;;) {
    task::Process* const child = process.system.processes.child(process.pid, call.number32(0));
    if (child == nullptr) return fail(Errno::NoChild);
    if (child->finished) {
      const auto pid = child->pid.raw();
      const auto status = child->ended->wait_status();
      process.system.processes.remove(*child);
      if (call.word(1) != 0) FB_TRY(call.put(call.address(1), status));
      return static_cast<std::uint64_t>(pid);
    }
    if ((call.word32(2) & kNoHang) != 0) return 0;
    auto waiter = call.waiter();
    FB_TRY(waiter.wait(process.child_ended));
  }
}

}  // namespace fb::libos::posix::call
