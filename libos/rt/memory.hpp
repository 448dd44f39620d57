// The address space of this program's own domain: what is mapped where, and memory with an owner.
#pragma once

#include <span>

#include "libos/rt/owned.hpp"
#include "libos/rt/ranges.hpp"

namespace fb::libos::rt {

inline constexpr abi::Access kReadOnly{abi::AccessBit::Read};
inline constexpr abi::Access kReadWrite = abi::AccessBit::Read | abi::AccessBit::Write;

/// Pages that are mapped here as long as this lives; an unmapped page lies before and behind them. Move-only.
class [[nodiscard]] Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : taken_(std::exchange(other.taken_, {})), pages_(other.pages_) {}
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { reset(); }
  void reset();

  [[nodiscard]] core::VirtAddr address() const { return pages_.start; }
  [[nodiscard]] core::PageCount count() const { return pages_.count; }
  [[nodiscard]] bool none() const { return taken_.count.raw() == 0; }
  [[nodiscard]] std::span<std::byte> bytes() const {
    return {reinterpret_cast<std::byte*>(pages_.start.raw()), core::bytes_of(pages_.count).raw()};
  }
  /// The start of the pages as a T.
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(pages_.start.raw());
  }

 private:
  friend core::Result<Mapping> map(abi::Cap<abi::ObjectType::Pages>, core::PageCount, core::PageCount,
                                   abi::Access, core::PageCount);
  Mapping(PageRange taken, PageRange pages) : taken_(taken), pages_(pages) {}
  PageRange taken_;  ///< with the guard
  PageRange pages_;
};

/// Maps `count` pages from page `offset` on at an address of this module's choice, a multiple of `alignment` pages.
/// Errors: those of map_pages, NoMemory (no addresses left). From one context of the domain only.
core::Result<Mapping> map(abi::Cap<abi::ObjectType::Pages> pages, core::PageCount offset,
                          core::PageCount count, abi::Access access,
                          core::PageCount alignment = core::PageCount(1));

/// Fresh zeroed memory. Destroyed in order: first unmapped, then freed.
struct Region {
  Owned<abi::ObjectType::Pages> pages;
  Mapping mapping;
};

/// Readable and writable; with Shared the pages may be granted to other domains.
core::Result<Region> allocate(core::PageCount count, abi::PageFlags flags = {},
                              core::PageCount alignment = core::PageCount(1));

}  // namespace fb::libos::rt
