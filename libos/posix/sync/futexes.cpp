#include "libos/posix/sync/futexes.hpp"

namespace fb::libos::posix::sync {

FutexWait::FutexWait(Futexes& futexes, FutexKey key, std::uint32_t bits, vfs::Waiter& waiter,
                     std::int32_t tag)
    : futexes_(futexes), key_(key), bits_(bits), waiter_(waiter), tag_(tag) {
  futexes_.bucket(key_).push_back(*this);
}

FutexWait::~FutexWait() { futexes_.bucket(key_).remove(*this); }

Answer<> FutexWait::sleep(core::Nanoseconds deadline) {
  while (!woken_) {
    const auto slept = waiter_.sleep(deadline);
    if (!slept && !woken_) return slept;
  }
  return {};
}

std::size_t Futexes::wake(FutexKey key, std::size_t most, std::uint32_t bits) {
  std::size_t done = 0;
  auto& sleepers = bucket(key);
  for (FutexWait& one : sleepers) {
    if (done == most) break;
    if (one.key_ != key || (one.bits_ & bits) == 0) continue;
    sleepers.remove(one);
    one.woken_ = true;
    one.waiter_.wake();
    ++done;
  }
  return done;
}

Futexes::Requeued Futexes::requeue(FutexKey from, FutexKey to, std::size_t wake_most, std::size_t move) {
  Requeued done{.woken = wake(from, wake_most), .moved = 0};
  if (from == to) return done;
  auto& sleepers = bucket(from);
  Sleepers moving;
  for (FutexWait& one : sleepers) {
    if (done.moved == move) break;
    if (one.key_ != from) continue;
    sleepers.remove(one);
    one.key_ = to;
    moving.push_back(one);
    ++done.moved;
  }
  while (FutexWait* const one = moving.pop_front()) bucket(to).push_back(*one);
  return done;
}

FutexWait* Futexes::first(FutexKey key) {
  for (FutexWait& one : bucket(key)) {
    if (one.key_ == key) return &one;
  }
  return nullptr;
}

std::size_t Futexes::count(FutexKey key) {
  std::size_t count = 0;
  for (FutexWait& one : bucket(key)) count += one.key_ == key ? 1 : 0;
  return count;
}

}  // namespace fb::libos::posix::sync
