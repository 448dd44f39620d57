#include "libos/posix/task/barrier.hpp"

#include <algorithm>

#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::task {
namespace {

constexpr core::Nanoseconds kPause{20'000};

/// One stay of a thread in its program.
struct Run {
  Pid thread;
  core::Ticks since;
  bool operator==(const Run&) const = default;
};

template <class Visit>
void each_run(System& system, const Process* only, Visit visit) {
  for (const auto& process : system.processes.all()) {
    if (only != nullptr && process.get() != only) continue;
    for (const auto& thread : process->threads()) {
      if (thread->carrier != nullptr) visit(Run{thread->tid, thread->running_since}, *thread->carrier);
    }
  }
}

}  // namespace

Answer<> pass_barriers(System& system, const Process* process) {
  Vector<Run> before;
  Answer<> room;
  each_run(system, process, [&](const Run& run, auto&) {
    if (room) room = before.push_back(run);
  });
  FB_TRY(room);
  for (bool waits = !before.empty(); waits;) {
    waits = false;
    each_run(system, process, [&](const Run& run, auto& carrier) {
      if (std::ranges::find(before, run) == before.end()) return;
      waits = true;
      system.fibres.kick(carrier);
    });
    // The caller's signals do not end this: it is over as soon as each of those has come, and meanwhile they need the lock.
    if (waits) system.fibres.sleep_for(kPause);
  }
  return {};
}

}  // namespace fb::libos::posix::task
