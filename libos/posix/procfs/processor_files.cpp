// Files of /proc and /sys about the processors.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

void put_thousandths(Text& text, std::uint64_t value) {
  print(text, value / 1000, '.');
  core::text::print_digits(text, value % 1000, 10, 3);
}

/// The lowest `count` bits from `first` on, in groups of 32, the highest first.
void put_mask(Text& text, std::uint32_t first, std::uint32_t count, std::uint32_t bits) {
  constexpr std::uint32_t kGroup = 32;
  const std::uint32_t groups = (bits + kGroup - 1) / kGroup;
  for (std::uint32_t group = groups; group-- > 0;) {
    std::uint32_t value = 0;
    for (std::uint32_t i = 0; i < kGroup; ++i) {
      const std::uint32_t bit = group * kGroup + i;
      if (bit >= first && bit < first + count) value |= std::uint32_t{1} << i;
    }
    put_hex(text, value, groups == 1 ? (bits + 3) / 4 : 8);
    if (group != 0) text.put(",");
  }
  text.put("\n");
}

}  // namespace

/// One processor a piece.
Answer<> write_processors(const View& view, Text& text, Cursor& cursor) {
  const auto system = view.information().system();
  if (cursor >= system.processors) return {};
  const auto number = cursor++;
  const ProcessorModel& model = system.model;
  print(text, "processor\t: ", number, "\nvendor_id\t: ", model.vendor, "\ncpu family\t: ", model.family,
        "\nmodel\t\t: ", model.model, "\nmodel name\t: ", model.name, "\nstepping\t: ", model.stepping,
        "\nmicrocode\t: 0x1\ncpu MHz\t\t: ");
  put_thousandths(text, model.kilohertz);
  print(text, "\ncache size\t: ", model.cache_kilobytes,
        " KB\nphysical id\t: 0\nsiblings\t: ", system.processors, "\ncore id\t\t: ", number,
        "\ncpu cores\t: ", system.processors, "\napicid\t\t: ", number, "\ninitial apicid\t: ", number,
        "\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\nflags\t\t: ", model.flags,
        "\nbugs\t\t:\nbogomips\t: ");
  constexpr std::uint64_t kKilohertzPerHundredth = 5;  // twice the frequency, in hundredths of a megahertz
  put_hundredths(text, model.kilohertz / kKilohertzPerHundredth);
  print(text, "\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: ", model.physical_bits,
        " bits physical, ", model.virtual_bits, " bits virtual\npower management:\n\n");
  return {};
}

Answer<> write_processor_list(const View& view, Text& text, Cursor& /*cursor*/) {
  const std::uint32_t count = view.information().system().processors;
  count == 1 ? text.put("0\n") : print(text, "0-", count - 1, '\n');
  return {};
}

Answer<> write_processor_mask(const View& view, Text& text, Cursor& /*cursor*/) {
  const std::uint32_t count = view.information().system().processors;
  put_mask(text, 0, count, count);
  return {};
}

Answer<> write_core(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.key.processor, '\n');
  return {};
}

Answer<> write_core_mask(const View& view, Text& text, Cursor& /*cursor*/) {
  put_mask(text, static_cast<std::uint32_t>(view.key.processor), 1, view.information().system().processors);
  return {};
}

Answer<> write_core_frequency(const View& view, Text& text, Cursor& /*cursor*/) {
  print(text, view.information().system().model.kilohertz, '\n');
  return {};
}

}  // namespace fb::libos::posix::procfs
