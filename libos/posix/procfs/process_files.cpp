// The smaller files of /proc/N.
#include <algorithm>

#include "core/text/parse.hpp"
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

/// A part of what the program began with; the cursor is the offset in it.
Answer<> write_part(const View& view, StartPart part, Text& text, Cursor& cursor) {
  std::array<char, 1024> some;
  FB_ASSIGN(const std::size_t size, view.information().start_part(view.process(), part, cursor, some));
  text.put({some.data(), size});
  cursor += size;
  return {};
}

void put_limit(Text& text, std::uint64_t value) {
  constexpr std::size_t kWidth = 21;
  constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  if (value == kUnlimited) return put_left(text, "unlimited", kWidth);
  Text digits;
  print(digits, value);
  put_left(text, digits.view(), kWidth);
}

std::string_view without_line_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Answer<> write_comm(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  print(text, its.comm(), '\n');
  return {};
}

/// Only a process itself renames its threads. A line end becomes part of the name, as on Linux.
Answer<> store_comm(const View& view, std::string_view text) {
  constexpr std::size_t kLongest = 15;
  if (view.information().caller().process != view.process()) return fail(Errno::Invalid);
  text = {text.data(), std::min({text.size(), kLongest, text.find('\0')})};
  return view.information().set_name(view.key.subject, text);
}

Answer<> write_arguments(const View& view, Text& text, Cursor& cursor) {
  return write_part(view, StartPart::Arguments, text, cursor);
}
Answer<> write_environment(const View& view, Text& text, Cursor& cursor) {
  return write_part(view, StartPart::Environment, text, cursor);
}
Answer<> write_auxiliary(const View& view, Text& text, Cursor& cursor) {
  return write_part(view, StartPart::Auxiliary, text, cursor);
}

Answer<> write_limits(const View& view, Text& text, Cursor& /*cursor*/) {
  struct Name {
    std::string_view name, unit;
  };
  static constexpr std::array<Name, 16> kNames{{{"Max cpu time", "seconds"},
                                                {"Max file size", "bytes"},
                                                {"Max data size", "bytes"},
                                                {"Max stack size", "bytes"},
                                                {"Max core file size", "bytes"},
                                                {"Max resident set", "bytes"},
                                                {"Max processes", "processes"},
                                                {"Max open files", "files"},
                                                {"Max locked memory", "bytes"},
                                                {"Max address space", "bytes"},
                                                {"Max file locks", "locks"},
                                                {"Max pending signals", "signals"},
                                                {"Max msgqueue size", "bytes"},
                                                {"Max nice priority", ""},
                                                {"Max realtime priority", ""},
                                                {"Max realtime timeout", "us"}}};
  constexpr std::size_t kNameWidth = 26, kUnitWidth = 10;
  FB_ASSIGN(const LimitStates limits, view.information().limits(view.process()));
  text.put("Limit                     Soft Limit           Hard Limit           Units     \n");
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    put_left(text, kNames[i].name, kNameWidth);
    put_limit(text, limits[i].soft);
    put_limit(text, limits[i].hard);
    if (!kNames[i].unit.empty()) put_left(text, kNames[i].unit, kUnitWidth);
    text.put("\n");
  }
  return {};
}

Answer<> write_transfers(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  const TransferState& of = its.transfers;
  print(text, "rchar: ", of.read_bytes, "\nwchar: ", of.written_bytes, "\nsyscr: ", of.read_calls,
        "\nsyscw: ", of.write_calls, "\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
  return {};
}

Answer<> write_oom_adjustment(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  print(text, its.oom_adjustment, '\n');
  return {};
}

/// Who is not root makes it larger only. Errors: Invalid, Access.
Answer<> store_oom_adjustment(const View& view, std::string_view text) {
  constexpr std::uint64_t kMost = 1000;
  text = without_line_end(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto parsed = core::text::parse_decimal(text);
  if (!parsed || *parsed > kMost) return fail(Errno::Invalid);
  const auto value = negative ? -static_cast<std::int32_t>(*parsed) : static_cast<std::int32_t>(*parsed);
  FB_ASSIGN(const ProcessState its, view.state());
  if (value < its.oom_adjustment && !view.information().place().who.root()) return fail(Errno::Access);
  return view.information().set_oom_adjustment(view.process(), value);
}

Answer<> write_schedule(const View& view, Text& text, Cursor& /*cursor*/) {
  FB_ASSIGN(const ProcessState its, view.state());
  print(text, its.own.user + its.own.system, " 0 ", its.waits + its.preemptions, '\n');
  return {};
}

}  // namespace fb::libos::posix::procfs
