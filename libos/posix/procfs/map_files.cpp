// /proc/N/maps and smaps.
#include "libos/posix/mm/abi.hpp"
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

constexpr std::size_t kAddressDigits = 8;

/// As 'major:minor' with two digits each, of stat's numbers.
void put_device(Text& text, std::uint64_t device) {
  put_hex(text, (device >> 8 & 0xfff) | (device >> 32 & ~0xfffULL), 2);
  text.put(":");
  put_hex(text, (device & 0xff) | (device >> 12 & 0xffff'ff00), 2);
}

void put_name(Text& line, const View& view, const AreaState& area) {
  // Names begin in one column, whatever is before them.
  constexpr std::size_t kColumn = 73;
  if (!area.file.inode && area.label.empty()) return;
  const std::size_t used = line.view().size();
  put_left(line, "", used < kColumn ? kColumn - used : 1);
  if (!area.file.inode) return line.put(area.label);
  std::array<char, vfs::kPathMax> room;
  const auto path = vfs::path_of(view.information().place(), area.file, room);
  line.put_escaped(path.value_or("(unreachable)"), "\n");
}

void put_area(Text& text, const View& view, const AreaState& area) {
  Text line;
  put_hex(line, area.start, kAddressDigits);
  line.put("-");
  put_hex(line, area.end, kAddressDigits);
  print(line, ' ', (area.protection & mm::kProtRead) != 0 ? 'r' : '-',
        (area.protection & mm::kProtWrite) != 0 ? 'w' : '-',
        (area.protection & mm::kProtExecute) != 0 ? 'x' : '-', area.shared ? 's' : 'p', ' ');
  const bool file = static_cast<bool>(area.file.inode);
  put_hex(line, file ? area.offset : 0, kAddressDigits);
  line.put(" ");
  put_device(line, file ? area.file.inode->attributes().device : 0);
  print(line, ' ', file ? area.file.inode->attributes().inode : 0);
  if (!file && area.label.empty()) line.put(" ");
  put_name(line, view, area);
  print(text, line.view(), '\n');
}

void put_detail(Text& text, std::string_view name, std::uint64_t bytes) {
  constexpr std::size_t kNameWidth = 16, kWidth = 8;
  put_left(text, name, kNameWidth);
  put_right(text, bytes / 1024, kWidth);
  text.put(" kB\n");
}

void put_details(Text& text, const AreaState& area) {
  struct Line {
    std::string_view name;
    std::uint64_t bytes;
  };
  const bool file = static_cast<bool>(area.file.inode);
  const bool written = (area.protection & mm::kProtWrite) != 0;
  for (const auto& [name, bytes] : {Line{"Size:", area.end - area.start},
                                    {"KernelPageSize:", core::kPageSize},
                                    {"MMUPageSize:", core::kPageSize},
                                    {"Rss:", area.resident},
                                    {"Pss:", area.resident},
                                    {"Pss_Dirty:", written ? area.resident : 0},
                                    {"Shared_Clean:", 0},
                                    {"Shared_Dirty:", 0},
                                    {"Private_Clean:", written ? 0 : area.resident},
                                    {"Private_Dirty:", written ? area.resident : 0},
                                    {"Referenced:", area.resident},
                                    {"Anonymous:", file ? 0 : area.resident},
                                    {"KSM:", 0},
                                    {"LazyFree:", 0},
                                    {"AnonHugePages:", 0},
                                    {"ShmemPmdMapped:", 0},
                                    {"FilePmdMapped:", 0},
                                    {"Shared_Hugetlb:", 0},
                                    {"Private_Hugetlb:", 0},
                                    {"Swap:", 0},
                                    {"SwapPss:", 0},
                                    {"Locked:", 0}}) {
    put_detail(text, name, bytes);
  }
  print(text, "THPeligible:           0\nVmFlags: ", (area.protection & mm::kProtRead) != 0 ? "rd " : "",
        written ? "wr " : "", (area.protection & mm::kProtExecute) != 0 ? "ex " : "",
        area.shared ? "sh " : "", "mr mw me ", area.grows_down ? "gd " : "", "\n");
}

/// Some areas a piece; the cursor is the address behind the last.
Answer<> write_areas(const View& view, Text& text, Cursor& cursor, bool details) {
  constexpr int kAreasOfPiece = 16;
  for (int i = 0; i < kAreasOfPiece; ++i) {
    FB_ASSIGN(const auto area, view.information().area(view.process(), cursor));
    if (!area) return {};
    put_area(text, view, *area);
    if (details) put_details(text, *area);
    cursor = area->end;
  }
  return {};
}

}  // namespace

Answer<> write_maps(const View& view, Text& text, Cursor& cursor) {
  return write_areas(view, text, cursor, false);
}
Answer<> write_detailed_maps(const View& view, Text& text, Cursor& cursor) {
  return write_areas(view, text, cursor, true);
}

}  // namespace fb::libos::posix::procfs
