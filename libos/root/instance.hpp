// One instance: the program, its console, and what happens when it ends.
#pragma once

#include "libos/root/config.hpp"
#include "libos/root/policy.hpp"
#include "libos/rt/port.hpp"
#include "libos/rt/process.hpp"

namespace fb::libos::root {

/// Which bits of root's event are whose.
inline constexpr abi::Bit kInputBit{0};
constexpr abi::Bit port_bit(std::size_t id) { return abi::Bit(static_cast<std::uint32_t>(8 + 2 * id)); }
constexpr abi::Bit end_bit(std::size_t id) { return abi::Bit(static_cast<std::uint32_t>(9 + 2 * id)); }
static_assert(end_bit(kMaxInstances - 1).raw() < abi::kEventBits);

/// How a program ended.
struct Ending {
  bool faulted{};
  bool killed{};  ///< by a control call
  std::uint8_t vector{};
  std::uint64_t instruction{}, address{};
  int status{};
};

/// Mechanism only; Root decides. Neither copied nor moved: capabilities name its address.
class Instance {
 public:
  Instance() = default;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  InstanceConfig config;
  RestartPolicy policy;
  rt::InstanceStatus status{rt::InstanceStatus::Ended};
  bool start_wanted{};  ///< by a control call, while it was not running
  int last_status{};    ///< of its last ending
  core::Nanoseconds started;

  /// Loads and starts it. Errors: NoSlices, NotFound (no such image), those of Process::spawn.
  core::Result<> start(std::size_t id, std::span<const std::byte> elf, core::PageCount pages, SlotBook& slots,
                       abi::Cap<abi::ObjectType::Event> event);
  /// True when its context has stopped or faulted.
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] Ending ending() const;
  /// Takes back everything it had.
  void release(SlotBook& slots);
  void kill();
  /// It faults wherever it runs next. Errors: those of unmap_pages.
  core::Result<> crash();

  [[nodiscard]] rt::Port& port() { return port_; }
  [[nodiscard]] rt::InstanceState state() const;
  [[nodiscard]] std::uint64_t ticks() const;
  [[nodiscard]] std::uint64_t pages() const;

 private:
  [[nodiscard]] std::uint64_t query(std::uint64_t which) const;

  bool killed_{};
  rt::Port port_;
  rt::Process process_;
  SlotSets lent_{};
};

}  // namespace fb::libos::root
