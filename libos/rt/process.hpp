// A native program in a domain of its own: created from an ELF file, with exactly what it is given.
#pragma once

#include "libos/rt/memory.hpp"
#include "libos/rt/spawn_plan.hpp"

namespace fb::libos::rt {

/// What a program gets. Capabilities that are none are not given.
struct SpawnOptions {
  std::string_view name;
  std::string_view arguments;
  std::string_view files;  ///< see StartInfo
  std::span<const std::byte> elf;
  core::PageCount budget{};                     ///< pages of the caller's reservation that become its own
  std::array<std::uint64_t, kMaxCpus> slots{};  ///< slice slots of the caller's that become its own, per CPU
  core::CpuId cpu;                              ///< where its context runs; slots[cpu] must not be empty
  core::cap::Authorities authorities;           ///< ceiling
  abi::Cap<abi::ObjectType::Gate> console;
  abi::Cap<abi::ObjectType::Event> event;      ///< the program's own, see Signal
  bool archive{};                              ///< may read the boot archive
  abi::Cap<abi::ObjectType::Event> end_event;  ///< gets end_bit when its context ends or faults
  abi::Bit end_bit;
};

/// Owns everything it was made of; destroying it stops the program and takes all of that back (CAP-6).
class [[nodiscard]] Process {
 public:
  /// Creates and starts it. Nothing is left behind on an error. Errors: those of SpawnPlan::make and of the calls.
  static core::Result<Process> spawn(const SpawnOptions& options);

  Process() = default;
  Process(Process&&) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  ~Process() { end(); }

  void end();
  /// Unmaps its code, for whoever wants to see how it faults. Errors: those of unmap_pages.
  core::Result<> take_code();
  [[nodiscard]] bool none() const { return context_.none(); }
  [[nodiscard]] abi::Cap<abi::ObjectType::Context> context() const { return context_.get(); }
  [[nodiscard]] abi::Cap<abi::ObjectType::Budget> budget() const { return budget_.get(); }

 private:
  using PagesCap = abi::Cap<abi::ObjectType::Pages>;
  core::Result<> create(const SpawnOptions& options);
  core::Result<PagesCap> add_pages(core::PageCount count);
  core::Result<> load(const SpawnPlan& plan);
  core::Result<> create_context(const SpawnOptions& options);
  core::Result<> fill_start_page(const SpawnOptions& options);

  // Destroyed from the last to the first: what uses goes before what is used.
  Owned<abi::ObjectType::Budget> budget_;
  Owned<abi::ObjectType::Domain> domain_;
  std::array<Owned<abi::ObjectType::Pages>, core::elf::kMaxSegments + 3> pages_;
  std::size_t page_count_{};
  PageRange code_;
  Owned<abi::ObjectType::AddressSpace> space_;
  Owned<abi::ObjectType::Context> context_;
};

}  // namespace fb::libos::rt
