#include "libos/posix/task/futex_words.hpp"

#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::task {

using core::ByteCount;
using core::VirtAddr;

Answer<sync::FutexKey> futex_key(Process& process, VirtAddr word, bool shared) {
  if (word.raw() % sizeof(std::uint32_t) != 0) return fail(Errno::Invalid);
  if (!core::user_range(word, ByteCount(sizeof(std::uint32_t)))) return fail(Errno::Fault);
  if (shared) {
    FB_TRY(read_word(process, word));  // the page is there now
    const mm::Page* const page = process.memory().page(word);
    if (page != nullptr && page->shared)
      return sync::FutexKey{.memory = page->frame.raw(), .address = word.raw() & core::kPageMask};
  }
  return sync::FutexKey{.memory = reinterpret_cast<std::uint64_t>(&process.memory()), .address = word.raw()};
}

Answer<std::uint32_t> read_word(Process& process, VirtAddr word) {
  FB_ASSIGN(const std::uint32_t* const at, process.memory().word(word, mm::Touch::Read));
  // acquire: who sleeps on what it finds there sleeps after what it stands for.
  return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

Answer<bool> replace_word(Process& process, VirtAddr word, std::uint32_t old, std::uint32_t fresh) {
  FB_ASSIGN(std::uint32_t* const at, process.memory().word(word, mm::Touch::Write));
  // Locks of programs are taken and given by this: their orders are acquire and release.
  return __atomic_compare_exchange_n(at, &old, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

namespace {

/// struct robust_list_head (set_robust_list(2)).
struct RobustHead {
  std::uint64_t next;
  std::int64_t offset;
  std::uint64_t pending;
};

void wake(Process& process, VirtAddr word, std::size_t most) {
  if (const auto key = futex_key(process, word, true)) process.system.futexes.wake(*key, most);
}

/// The lock at `word` has lost its owner, if that was `tid`.
void release(Process& process, VirtAddr word, Pid tid) {
  const auto before = change_word(process, word, [&](std::uint32_t value) -> Answer<std::uint32_t> {
    if ((value & kFutexTid) != static_cast<std::uint32_t>(tid.raw())) return fail(Errno::Perm);
    return (value & kFutexWaiters) | kFutexOwnerDied;
  });
  if (before && (*before & kFutexWaiters) != 0) wake(process, word, 1);
}

void release_list(Process& process, VirtAddr head_at, Pid tid) {
  constexpr unsigned kMost = 2048;      // as Linux: the list may be a ring
  constexpr std::uint64_t kPiFlag = 1;  // of the pointers
  RobustHead head;
  if (!process.memory().read(head_at, std::as_writable_bytes(std::span(&head, 1)))) return;
  const auto word_of = [&](std::uint64_t entry) {
    return VirtAddr((entry & ~kPiFlag) + static_cast<std::uint64_t>(head.offset));
  };
  std::uint64_t entry = head.next;
  for (unsigned i = 0; i < kMost && (entry & ~kPiFlag) != head_at.raw(); ++i) {
    std::uint64_t next = 0;
    const bool more = process.memory()
                          .read(VirtAddr(entry & ~kPiFlag), std::as_writable_bytes(std::span(&next, 1)))
                          .has_value();
    if (entry != head.pending) release(process, word_of(entry), tid);
    if (!more) break;
    entry = next;
  }
  if (head.pending != 0) release(process, word_of(head.pending), tid);
}

}  // namespace

void release_words(Thread& thread) {
  auto& process = thread.process;
  if (thread.robust_list != VirtAddr(0)) release_list(process, thread.robust_list, thread.tid);
  if (thread.clear_tid == VirtAddr(0)) return;
  const std::uint32_t nobody = 0;
  if (process.memory().write(thread.clear_tid, std::as_bytes(std::span(&nobody, 1))))
    wake(process, thread.clear_tid, 1);
}

}  // namespace fb::libos::posix::task
