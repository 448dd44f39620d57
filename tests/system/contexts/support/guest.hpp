// A program as a LibOS runs it: a reflecting context with an address space of its own.
#pragma once

#include <span>

#include "libos/rt/memory.hpp"
#include "tests/system/harness/raw.hpp"
#include "tests/system/harness/worker.hpp"

namespace fb::test {

/// Where a guest finds things. Its stack pointer begins at the end of its data.
inline constexpr std::uint64_t kGuestCode = 0x1'0000, kGuestData = 0x2'0000;
inline constexpr core::PageCount kGuestDataPages{4};
inline constexpr std::uint64_t kGuestStack = kGuestData + kGuestDataPages.raw() * core::kPageSize;

inline constexpr abi::ContextFlags kReflecting{abi::ContextFlag::Reflect};
inline constexpr abi::ContextFlags kReflectingVector = abi::ContextFlag::Reflect | abi::ContextFlag::Vector;

/// Code is position-independent bytes, copied to kGuestCode. Test context only, but run() from anywhere.
class Guest {
 public:
  explicit Guest(std::span<const std::byte> code, abi::ContextFlags flags = kReflectingVector,
                 Where where = Where::current());
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest();

  [[nodiscard]] exo_frame& frame() const { return area_.mapping.as<exo_area>()->frame; }
  [[nodiscard]] ContextCap context() const { return context_; }
  [[nodiscard]] SpaceCap space() const { return space_; }
  [[nodiscard]] abi::Cap<abi::ObjectType::Pages> area() const { return area_.pages.get(); }
  /// The guest's data as seen from here.
  template <class T>
  [[nodiscard]] T* data() const {
    return data_.mapping.as<T>();
  }

  /// All registers zero, rip at byte `offset` of the code, a stack.
  void reset(std::uint64_t offset = 0);
  [[nodiscard]] core::Result<abi::Stop> run(core::Nanoseconds deadline = abi::kNever,
                                            std::uint64_t batch = 0) const {
    return abi::calls::context_run(context_, deadline, batch);
  }
  /// The same, past the ends of slices.
  [[nodiscard]] core::Result<abi::Stop> run_on(core::Nanoseconds deadline = abi::kNever) const;
  /// run_on() from a fresh start ends with this stop. Frame fields are there to look at.
  bool stops_with(abi::Stop stop, std::uint64_t offset = 0, Where where = Where::current());
  /// The same for a fault.
  bool faults(std::uint64_t vector, std::uint64_t offset = 0, Where where = Where::current());

  /// Drops it before its time.
  void drop_context();
  void drop_space();
  void drop_area() { area_.pages.reset(); }

 private:
  libos::rt::Region code_, data_, area_;
  SpaceCap space_;
  ContextCap context_;
};

/// The body of a worker captures nothing: the guest that it runs is the worker's argument.
inline std::uint64_t as_argument(Guest& guest) { return reinterpret_cast<std::uint64_t>(&guest); }
inline Guest& guest_of(const Start& start) { return *reinterpret_cast<Guest*>(start.argument); }

/// The bytes between two labels of an assembly block in .rodata.
std::span<const std::byte> code_between(const char* start, const char* end);

/// Nanoseconds since boot, and the same so many from now.
core::Nanoseconds now();
inline core::Nanoseconds in(std::uint64_t milliseconds) {
  return now() + core::Nanoseconds(milliseconds * 1'000'000);
}

/// The number after `name=` on the kernel's command line.
std::uint64_t option(std::string_view name, std::uint64_t otherwise);

}  // namespace fb::test
