#include "libos/posix/sysv/semaphores.hpp"

#include <algorithm>

namespace fb::libos::posix::sysv {

using namespace semaphore;

namespace {

/// Does the operations up to the first that cannot be done; null: all were.
struct Attempt {
  Answer<> answer;
  const Operation* blocked = nullptr;
  std::size_t done = 0;
};

Attempt attempt(SemaphoreSet& set, std::span<const Operation> operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& each = operations[i];
    std::int32_t& value = set.all[each.number].value;
    const bool waits = each.change == 0 ? value != 0 : value + each.change < 0;
    if (waits) return {.answer = {}, .blocked = &each, .done = i};
    if (value + each.change > kLargest) return {.answer = fail(Errno::Range), .blocked = &each, .done = i};
    value += each.change;
  }
  return {.answer = {}, .blocked = nullptr, .done = operations.size()};
}

void take_back(SemaphoreSet& set, std::span<const Operation> done) {
  for (const Operation& each : done) set.all[each.number].value -= each.change;
}

/// What ends with the process. Errors: NoSpace, NoMemory.
Answer<> note_undos(SemaphoreSet& set, std::int32_t pid, std::span<const Operation> operations) {
  std::size_t more = 0;
  for (const Operation& each : operations)
    more += (static_cast<std::uint32_t>(each.flags) & kUndo) != 0 ? 1 : 0;
  if (more == 0) return {};
  if (set.undos.size() + more > kUndos) return fail(Errno::NoSpace);
  FB_TRY(set.undos.reserve(set.undos.size() + more));
  for (const Operation& each : operations) {
    if ((static_cast<std::uint32_t>(each.flags) & kUndo) == 0 || each.change == 0) continue;
    auto* const old = std::ranges::find_if(
        set.undos, [&](const auto& undo) { return undo.pid == pid && undo.number == each.number; });
    if (old != set.undos.end()) {
      old->change -= each.change;
    } else {
      FB_TRY(set.undos.push_back({.pid = pid, .number = each.number, .change = -each.change}));
    }
  }
  return {};
}

/// Sleeps as one of those that `blocked` counts.
Answer<> wait(SemaphoreSet& set, const Operation& blocked, vfs::Waiter& waiter, core::Nanoseconds deadline) {
  const auto counter = blocked.change == 0 ? &Semaphore::wait_zero : &Semaphore::wait_more;
  ++(set.all[blocked.number].*counter);
  const auto answer = waiter.wait(set.moved, deadline);
  --(set.all[blocked.number].*counter);
  if (set.removed) return fail(Errno::IdentifierRemoved);
  if (answer) return {};
  return fail(answer.error() == Errno::TimedOut ? Errno::TryAgain : Errno::RestartNoHandler);
}

void forget_undos(SemaphoreSet& set, std::int32_t number) {
  for (std::size_t i = 0; i < set.undos.size();) {
    number < 0 || set.undos[i].number == number ? set.undos.erase(i) : static_cast<void>(++i);
  }
}

}  // namespace

Answer<Id> Semaphores::get(const Caller& caller, std::int32_t key, std::int32_t count, std::uint32_t flags) {
  if (count < 0 || static_cast<std::size_t>(count) > kInSet) return fail(Errno::Invalid);
  const auto wanted = static_cast<std::size_t>(count);
  const auto make = [&] -> Answer<Ref<SemaphoreSet>> {
    if (wanted == 0) return fail(Errno::Invalid);
    if (semaphores_ + wanted > kInAll) return fail(Errno::NoSpace);
    FB_ASSIGN(auto made, make_shared<SemaphoreSet>());
    FB_TRY(made->all.reserve(wanted));
    while (made->all.size() < wanted) FB_TRY(made->all.push_back({}));
    made->changed = caller.now;
    semaphores_ += wanted;
    return made;
  };
  const auto fits = [&](const SemaphoreSet& set) {
    return wanted > set.all.size() ? Answer<>(fail(Errno::Invalid)) : Answer<>();
  };
  return table_.get(key, flags, caller.who, make, fits);
}

Answer<> Semaphores::operate(const Caller& caller, Id id, std::span<const Operation> operations,
                             vfs::Waiter& waiter, core::Nanoseconds deadline) {
  if (operations.empty()) return fail(Errno::Invalid);
  if (operations.size() > kOperations) return fail(Errno::ArgumentsTooLong);
  FB_ASSIGN(const auto set, table_.find(id));
  bool alters = false;
  for (const Operation& each : operations) {
    if (each.number >= set->all.size()) return fail(Errno::FileTooLarge);
    alters = alters || each.change != 0;
  }
  FB_TRY(set->check(caller.who, alters ? 2 : 4));
  for (;;) {
    auto [answer, blocked, done] = attempt(*set, operations);
    if (blocked == nullptr) answer = note_undos(*set, caller.pid, operations);
    if (blocked == nullptr && answer) break;
    take_back(*set, operations.first(done));
    FB_TRY(answer);
    if ((static_cast<std::uint32_t>(blocked->flags) & kNoWait) != 0) return fail(Errno::TryAgain);
    FB_TRY(wait(*set, *blocked, waiter, deadline));
  }
  for (const Operation& each : operations) set->all[each.number].pid = caller.pid;
  set->operated = caller.now;
  if (alters) set->moved.wake_all();
  return {};
}

Answer<Semaphore> Semaphores::look(const Caller& caller, Id id, std::int32_t number) const {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check(caller.who, 4));
  if (number < 0 || static_cast<std::size_t>(number) >= set->all.size()) return fail(Errno::Invalid);
  return set->all[static_cast<std::size_t>(number)];
}

Answer<std::size_t> Semaphores::count(const Caller& caller, Id id, std::uint32_t want) const {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check(caller.who, want & 7));
  return set->all.size();
}

Answer<> Semaphores::set_value(const Caller& caller, Id id, std::int32_t number, std::int32_t value) {
  if (value < 0 || value > kLargest) return fail(Errno::Range);
  FB_ASSIGN(const auto set, table_.find(id));
  if (number < 0 || static_cast<std::size_t>(number) >= set->all.size()) return fail(Errno::Invalid);
  FB_TRY(set->check(caller.who, 2));
  forget_undos(*set, number);
  set->all[static_cast<std::size_t>(number)].value = value;
  set->all[static_cast<std::size_t>(number)].pid = caller.pid;
  set->changed = caller.now;
  set->moved.wake_all();
  return {};
}

Answer<> Semaphores::set_values(const Caller& caller, Id id, std::span<const std::uint16_t> values) {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check(caller.who, 2));
  if (values.size() != set->all.size()) return fail(Errno::Invalid);
  if (std::ranges::any_of(values, [](std::uint16_t value) { return value > kLargest; }))
    return fail(Errno::Range);
  forget_undos(*set, -1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    set->all[i].value = values[i];
    set->all[i].pid = caller.pid;
  }
  set->changed = caller.now;
  set->moved.wake_all();
  return {};
}

Answer<SetStat> Semaphores::stat(const Caller& caller, Id id) const {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check(caller.who, 4));
  return SetStat{.permissions = set->permissions,
                 .operated = set->operated,
                 .reserved0 = 0,
                 .changed = set->changed,
                 .reserved1 = 0,
                 .count = set->all.size(),
                 .reserved = {}};
}

Answer<> Semaphores::set(const Caller& caller, Id id, const Permissions& to) {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check_owner(caller.who));
  set->set(to);
  set->changed = caller.now;
  return {};
}

Answer<> Semaphores::remove(const Caller& caller, Id id) {
  FB_ASSIGN(const auto set, table_.find(id));
  FB_TRY(set->check_owner(caller.who));
  semaphores_ -= set->all.size();
  table_.remove(id);
  set->removed = true;
  set->moved.wake_all();
  return {};
}

void Semaphores::exited(std::int32_t pid) {
  for (std::uint32_t at = 0; at <= table_.highest(); ++at) {
    const auto id = table_.id_at(at);
    if (!id) continue;
    const Ref<SemaphoreSet> set = *table_.find(*id);
    bool some = false;
    for (std::size_t i = 0; i < set->undos.size();) {
      const auto undo = set->undos[i];
      if (undo.pid != pid) {
        ++i;
        continue;
      }
      std::int32_t& value = set->all[undo.number].value;
      value = std::clamp(value + undo.change, 0, kLargest);
      set->undos.erase(i);
      some = true;
    }
    if (some) set->moved.wake_all();
  }
}

}  // namespace fb::libos::posix::sysv
