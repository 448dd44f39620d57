#include "libos/posix/task/signal_file.hpp"

#include "libos/posix/task/job_control.hpp"

namespace fb::libos::posix::task {
namespace {

SignalRecord record_of(const signal::Info& info) {
  const auto low = [&](std::size_t i) { return static_cast<std::uint32_t>(info.payload[i]); };
  const auto high = static_cast<std::uint32_t>(info.payload[0] >> 32);
  SignalRecord record{};
  record.signal = static_cast<std::uint32_t>(info.number);
  record.error = info.error;
  record.code = info.code;
  if (info.code == signal::code::kTimer) {
    record.timer = low(0);
    record.overrun = high;
  } else if (signal::kSynchronous.has(info.signal()) && info.code > 0) {
    record.address = info.payload[0];
  } else {
    record.pid = low(0);
    record.uid = high;
  }
  if (info.signal() == signal::Signal::Child && info.code > 0) {
    record.status = static_cast<std::int32_t>(info.payload[1]);
  } else if (info.code < 0) {
    record.value = static_cast<std::int32_t>(info.payload[1]);
    record.pointer = info.payload[1];
  }
  return record;
}

}  // namespace

void SignalFile::set_mask(signal::Set mask) {
  mask_ = mask;
  arrival_->queue.wake_all();
}

vfs::PollState SignalFile::poll() {
  const Thread* const thread = current_thread(fibres_);
  const bool some = thread != nullptr && !(thread->pending() & mask_).empty();
  return {.events = some ? vfs::poll::kIn | vfs::poll::kReadNormal : 0U,
          .queues = {&arrival_->queue, nullptr}};
}

Answer<std::size_t> SignalFile::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  Thread* const thread = current_thread(fibres_);
  if (count < sizeof(SignalRecord) || thread == nullptr) return fail(Errno::Invalid);
  std::size_t done = 0;
  while (count - done >= sizeof(SignalRecord)) {
    auto info = thread->signals.take(mask_);
    if (!info) info = thread->process.signals.take(mask_);
    if (info) {
      const auto record = record_of(*info);
      FB_TRY(out.put(std::as_bytes(std::span(&record, 1))));
      done += sizeof(record);
    } else if (done != 0) {
      break;
    } else if (!blocks()) {
      return fail(Errno::TryAgain);
    } else {
      FB_TRY(waiter.wait(arrival_->queue));
    }
  }
  return done;
}

}  // namespace fb::libos::posix::task
