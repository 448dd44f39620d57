// Native contexts: threads of this domain, or of a child.
#pragma once

#include <array>
#include <atomic>

#include "libos/rt/memory.hpp"
#include "tests/system/harness/tap.hpp"

namespace fb::test {

using ContextCap = abi::Cap<abi::ObjectType::Context>;
using DomainCap = abi::Cap<abi::ObjectType::Domain>;
using EventCap = abi::Cap<abi::ObjectType::Event>;
using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;

class Child;

/// What a worker's function gets. It lies above the worker's stack, at the same address here and there.
struct Start {
  void (*body)(Start&);
  std::uint64_t argument;
  std::array<std::uint64_t, 10> handles;  ///< of the worker's domain; for the test to fill
  std::uint64_t self;                     ///< its own context with CONTROL and READ, 0 if it got none
  exo_area* area;
  exo_ring* ring;
  std::atomic<std::uint32_t> phase;       ///< 0 not begun, 1 begun, 2 the function returned
  std::atomic<std::uint64_t> shared[16];  ///< for the test
};

/// The test's own context: its area and ring. Test context only.
Start& test_start();

enum class End : std::uint8_t { Returned, Faulted, Stopped };

struct WorkerOptions {
  core::CpuId cpu{};
  Child* child{};     ///< its domain and address space; null: this domain's
  bool slice = true;  ///< gets a slot of `cpu`; a server or a carried context needs none
  bool self = true;   ///< holds its own context
  abi::ContextFlags flags{};
};

/// Construction needs what it needs (need()). Test context only: the range allocator beneath knows no threads.
class Worker {
 public:
  explicit Worker(WorkerOptions options = {}, Where where = Where::current());
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  [[nodiscard]] Start& start() const { return *start_; }
  [[nodiscard]] ContextCap context() const { return context_; }
  [[nodiscard]] EventCap ended() const { return ended_; }  ///< bit 0
  [[nodiscard]] core::VirtAddr stack_top() const {
    return core::VirtAddr(reinterpret_cast<std::uint64_t>(start_) - 64);
  }

  void run(void (*body)(Start&), std::uint64_t argument = 0, Where where = Where::current());
  /// Waits for its end.
  End join();
  /// join(), and a fault or a stop is a failure of the test.
  void join_returned(Where where = Where::current());
  void stop();
  [[nodiscard]] std::uint8_t fault_vector() const;
  [[nodiscard]] std::uint64_t fault_address() const;
  /// Forgets the context, which somebody else has destroyed or the test drops itself.
  void forget_context() { context_ = {}; }

 private:
  ContextCap context_;
  EventCap ended_;
  libos::rt::Region stack_, area_;
  SpaceCap other_space_;
  Start* start_{};
  core::CpuId cpu_;
  std::uint32_t slot_ = ~std::uint32_t{0};
  bool child_ = false;
};

}  // namespace fb::test
