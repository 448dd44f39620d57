#include "libos/rt/boot_archive.hpp"

#include "libos/rt/environment.hpp"

namespace fb::libos::rt {

core::Result<BootArchive> BootArchive::open() {
  const Environment& e = environment();
  if (e.archive.none()) return core::fail(core::Error::NotFound);
  const auto pages = core::pages_for(e.archive_offset + e.archive_bytes);
  FB_ASSIGN(auto mapping, map(e.archive, core::PageCount(0), pages, kReadOnly));
  const auto bytes = mapping.bytes().subspan(e.archive_offset.raw(), e.archive_bytes.raw());
  FB_ASSIGN(const auto archive, core::archive::Archive::parse(bytes));
  return BootArchive(std::move(mapping), archive);
}

}  // namespace fb::libos::rt
