// The boot archive, mapped read-only for as long as this lives.
#pragma once

#include "core/archive/newc.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::rt {

class BootArchive {
 public:
  /// Without files.
  BootArchive() = default;
  /// Errors: those of map_pages, NotFound (this program was not given the archive), BadFormat.
  static core::Result<BootArchive> open();
  /// Errors: NotFound.
  [[nodiscard]] core::Result<core::archive::Entry> find(std::string_view name) const {
    return archive_.find(name);
  }
  [[nodiscard]] const core::archive::Archive& entries() const { return archive_; }

 private:
  BootArchive(Mapping mapping, core::archive::Archive archive)
      : mapping_(std::move(mapping)), archive_(archive) {}
  Mapping mapping_;
  core::archive::Archive archive_;
};

}  // namespace fb::libos::rt
