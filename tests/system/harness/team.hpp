// Workers that do the same on several CPUs at once.
#pragma once

#include <new>

#include "libos/rt/environment.hpp"
#include "tests/system/harness/worker.hpp"

namespace fb::test {

/// Workers on the CPUs from 1 on (beside us on a machine with one), all with the same function; handles[0] is the
/// number of each.
class Team {
 public:
  static constexpr unsigned kMost = 16;
  Team(unsigned size, void (*body)(Start&), std::uint64_t argument = 0, Where where = Where::current())
      : size_(size) {
    if (!check(size <= kMost, "a team of 16 at most", where)) end_context();
    for (unsigned i = 0; i != size_; ++i) {
      team_[i] = new (storage_[i])
          Worker({.cpu = core::CpuId((i + 1) % static_cast<unsigned>(libos::rt::environment().cpus))}, where);
      team_[i]->start().handles[0] = i;
      team_[i]->run(body, argument, where);
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    for (unsigned i = 0; i != size_; ++i) team_[i]->~Worker();
  }
  void join(Where where = Where::current()) {
    for (unsigned i = 0; i != size_; ++i) team_[i]->join_returned(where);
  }
  Worker& operator[](unsigned i) { return *team_[i]; }
  [[nodiscard]] unsigned size() const { return size_; }

 private:
  alignas(Worker) char storage_[kMost][sizeof(Worker)];
  Worker* team_[kMost];
  unsigned size_;
};

}  // namespace fb::test
