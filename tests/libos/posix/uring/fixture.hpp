// A ring with a program of a few pages of memory, and hands that work for it.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "libos/posix/uring/ring.hpp"
#include "libos/posix/vfs/io.hpp"
#include "libos/posix/vfs/pipe.hpp"
#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::uring::test {

using core::Nanoseconds;
using vfs::Descriptor;

struct ZeroClock final : vfs::Clock {
  Nanoseconds now() override { return {}; }
};

class TestPacemaker final : public poll::Pacemaker {
 public:
  void pace(Nanoseconds /*earliest*/) override {}
  [[nodiscard]] Nanoseconds now() const override { return time; }
  Nanoseconds time{1'000};
};

/// Never sleeps: as if its patience were at its end.
class Impatient final : public vfs::Waiter {
 public:
  [[nodiscard]] Nanoseconds now() const override { return {}; }
  Answer<> sleep(Nanoseconds /*deadline*/) override { return fail(Errno::TryAgain); }
  void wake() override {}
};

/// Reads and writes; anything else is a call that a worker has to wait in.
class TestSubmitter final : public Submitter {
 public:
  static constexpr std::uint64_t kBase = 0x10000, kSize = 1 << 16;
  explicit TestSubmitter(Quotas& quotas) : quotas_(quotas), memory(kSize) {}

  [[nodiscard]] const vfs::Descriptors& descriptors() const override { return files; }
  Answer<> read(core::VirtAddr from, std::span<std::byte> into) override {
    FB_ASSIGN(const auto there, at(from.raw(), into.size()));
    std::ranges::copy(there, into.data());
    return {};
  }
  Answer<std::uint64_t> carry_out(Request& request, vfs::Patience& patience) override {
    ++carried;
    Impatient impatient;
    const auto& sqe = request.sqe;
    const auto opcode = static_cast<Opcode>(sqe.opcode);
    if (opcode == Opcode::Read || opcode == Opcode::Write) {
      FB_ASSIGN(const auto bytes, at(sqe.address, sqe.length));
      vfs::BytesOutput out(bytes);
      vfs::BytesInput in(bytes);
      return opcode == Opcode::Read ? request.file->read(out, sqe.length, impatient)
                                    : request.file->write(in, sqe.length, impatient);
    }
    if (patience.ended()) return fail(Errno::TryAgain);
    return 7;
  }
  Answer<> start_worker(Request& request) override {
    if (no_workers) return fail(Errno::NoMemory);
    working.push_back(&request);
    return {};
  }
  /// The worker that came first does its work.
  void work() {
    Request* const request = working.front();
    working.pop_front();
    Ring::work(*request, quotas_);
  }
  Answer<std::span<std::byte>> at(std::uint64_t address, std::uint64_t size) {
    if (address < kBase || address - kBase > kSize || size > kSize - (address - kBase))
      return fail(Errno::Fault);
    return std::span(memory).subspan(address - kBase, size);
  }
  template <class T>
  void put(std::uint64_t address, const T& value) {
    std::memcpy(memory.data() + (address - kBase), &value, sizeof(value));
  }

 private:
  Quotas& quotas_;

 public:
  std::vector<std::byte> memory;
  vfs::Descriptors files;
  std::deque<Request*> working;
  int carried = 0;
  bool no_workers = false;
};

/// While it waits, workers work.
class WorkWaiter final : public vfs::Waiter {
 public:
  explicit WorkWaiter(TestSubmitter& submitter) : submitter_(submitter) {}
  [[nodiscard]] Nanoseconds now() const override { return {}; }
  Answer<> sleep(Nanoseconds /*deadline*/) override {
    if (submitter_.working.empty()) return fail(Errno::TimedOut);
    submitter_.work();
    return {};
  }
  void wake() override {}

 private:
  TestSubmitter& submitter_;
};

struct Told {
  std::uint64_t data;
  std::int32_t result;
  std::uint32_t flags = 0;
  bool operator==(const Told&) const = default;
};
inline Told error(std::uint64_t data, Errno errno_value) {
  return {.data = data, .result = -static_cast<std::int32_t>(errno_value)};
}

struct World {
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    WorkWaiter waiter(by);
    by.end(waiter);
  }

  posix::test::MemorySource source;
  Frames frames{source, 4096};
  ZeroClock clock;
  TestPacemaker pacemaker;
  poll::Alarms alarms{pacemaker};
  poll::Services services{alarms, clock};
  Quotas quotas;
  TestSubmitter by{quotas};
  Params params{};
  Ref<Ring> ring;
  std::uint32_t tail = 0;

  void open(std::uint32_t entries = 16, std::uint32_t flags = 0, std::uint32_t completions = 0) {
    params = {};
    params.flags = flags | (completions != 0 ? setup::kCqSize : 0);
    params.cq_entries = completions;
    tail = 0;
    ring = Ring::make(services, frames, quotas, entries, params, by).value();
  }
  /// Memory of the ring, as a program has it mapped.
  std::byte* mapped(std::uint64_t where, std::uint64_t offset) {
    mm::MapRequest request{.length = core::ByteCount(1), .offset = core::ByteCount(where)};
    static_cast<void>(ring->set_mapping(request).value());
    return frames.bytes(request.backing->present(offset >> core::kPageShift)).data() +
           (offset & core::kPageMask);
  }
  std::uint32_t& word(std::uint32_t offset) {
    return *reinterpret_cast<std::uint32_t*>(mapped(kMapSq, offset));
  }
  Sqe& sqe(std::uint32_t index) { return *reinterpret_cast<Sqe*>(mapped(kMapSqes, index * sizeof(Sqe))); }
  Sqe& next(Opcode opcode, std::uint64_t data, std::int32_t descriptor = -1, std::uint64_t address = 0,
            std::uint32_t length = 0, std::uint64_t offset = 0) {
    const auto index = tail & (params.sq_entries - 1);
    Sqe& to = sqe(index);
    to = {};
    to.opcode = static_cast<std::uint8_t>(opcode);
    to.descriptor = descriptor;
    to.address = address;
    to.length = length;
    to.offset = offset;
    to.user_data = data;
    if (params.sq.array != 0) word(params.sq.array + index * 4) = index;
    word(params.sq.tail) = ++tail;
    return to;
  }
  std::uint32_t submit(std::uint32_t count = 64) { return ring->submit(by, count).value(); }
  /// Lets time pass and rings what is due.
  void pass(std::uint64_t nanoseconds = 0) {
    pacemaker.time += Nanoseconds(nanoseconds);
    for (int i = 0; i != 1000 && alarms.earliest() <= pacemaker.time; ++i) alarms.ring_due(pacemaker.time);
  }
  std::vector<Told> reap() {
    std::vector<Told> told;
    auto& head = word(params.cq.head);
    for (; head != word(params.cq.tail); ++head) {
      Cqe cqe{};
      std::memcpy(&cqe, mapped(kMapCq, params.cq.cqes + (head & (params.cq_entries - 1)) * sizeof(Cqe)),
                  sizeof(cqe));
      told.push_back({cqe.user_data, cqe.result, cqe.flags});
    }
    return told;
  }
  Descriptor add(const Ref<vfs::File>& file) { return by.files.add(file, false).value(); }
  std::array<Descriptor, 2> pipe() {
    const auto ends = vfs::make_pipe(frames, {}, 0).value();
    return {add(ends.read), add(ends.write)};
  }
  void write(Descriptor number, std::string_view text) {
    Impatient impatient;
    vfs::BytesInput in(std::as_bytes(std::span(text)));
    static_cast<void>(by.files.get(number).value()->write(in, text.size(), impatient).value());
  }
  void put_time(std::uint64_t at, std::int64_t nanoseconds) {
    by.put(at, vfs::Timespec{.seconds = 0, .nanoseconds = nanoseconds});
  }
};

}  // namespace fb::libos::posix::uring::test
