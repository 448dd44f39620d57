#include "libos/posix/task/processor_model.hpp"

#include <cpuid.h>

#include "core/text/buffer.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::task {
namespace {

struct Registers {
  std::array<std::uint32_t, 4> of{};  ///< eax, ebx, ecx, edx
};

Registers ask(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  Registers registers;
  auto& [a, b, c, d] = registers.of;
  __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d);
  return registers;
}

struct Flag {
  std::uint32_t leaf;
  std::uint8_t word, bit;  ///< of Registers
  std::string_view name;
};
// By Linux's names, and in its order as far as it goes.
constexpr std::array kFlags{Flag{1, 3, 0, "fpu"},
                            Flag{1, 3, 4, "tsc"},
                            Flag{1, 3, 6, "pae"},
                            Flag{1, 3, 8, "cx8"},
                            Flag{1, 3, 15, "cmov"},
                            Flag{1, 3, 19, "clflush"},
                            Flag{1, 3, 23, "mmx"},
                            Flag{1, 3, 24, "fxsr"},
                            Flag{1, 3, 25, "sse"},
                            Flag{1, 3, 26, "sse2"},
                            Flag{0x8000'0001, 3, 11, "syscall"},
                            Flag{0x8000'0001, 3, 20, "nx"},
                            Flag{0x8000'0001, 3, 27, "rdtscp"},
                            Flag{0x8000'0001, 3, 29, "lm"},
                            Flag{1, 2, 0, "pni"},
                            Flag{1, 2, 1, "pclmulqdq"},
                            Flag{1, 2, 9, "ssse3"},
                            Flag{1, 2, 12, "fma"},
                            Flag{1, 2, 13, "cx16"},
                            Flag{1, 2, 19, "sse4_1"},
                            Flag{1, 2, 20, "sse4_2"},
                            Flag{1, 2, 22, "movbe"},
                            Flag{1, 2, 23, "popcnt"},
                            Flag{1, 2, 25, "aes"},
                            Flag{1, 2, 26, "xsave"},
                            Flag{1, 2, 28, "avx"},
                            Flag{1, 2, 29, "f16c"},
                            Flag{1, 2, 30, "rdrand"},
                            Flag{1, 2, 31, "hypervisor"},
                            Flag{0x8000'0001, 2, 0, "lahf_lm"},
                            Flag{0x8000'0001, 2, 5, "abm"},
                            Flag{7, 1, 0, "fsgsbase"},
                            Flag{7, 1, 3, "bmi1"},
                            Flag{7, 1, 5, "avx2"},
                            Flag{7, 1, 8, "bmi2"},
                            Flag{7, 1, 9, "erms"},
                            Flag{7, 1, 16, "avx512f"},
                            Flag{7, 1, 18, "rdseed"},
                            Flag{7, 1, 19, "adx"},
                            Flag{7, 1, 29, "sha_ni"}};

}  // namespace

void ProcessorModelText::read_names() {
  const auto first = ask(0).of;
  const std::array<std::uint32_t, 3> words{first[1], first[3], first[2]};
  __builtin_memcpy(vendor_.data(), words.data(), vendor_.size());
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto part = ask(0x8000'0002 + i).of;
    __builtin_memcpy(name_.data() + i * sizeof(part), part.data(), sizeof(part));
  }
  model_.vendor = {vendor_.data(), vendor_.size()};
  std::string_view name(name_.data(), name_.size());
  name = {name.data(), std::min(name.find('\0'), name.size())};
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  model_.name = name.empty() ? "unknown" : name;
}

void ProcessorModelText::read_family() {
  constexpr std::uint32_t kExtended = 15;
  const auto signature = ask(1).of[0];
  const std::uint32_t family = signature >> 8 & 15, model = signature >> 4 & 15;
  model_.family = family == kExtended ? family + (signature >> 20 & 255) : family;
  model_.model = family == 6 || family == kExtended ? model | (signature >> 12 & 0xf0) : model;
  model_.stepping = signature & 15;
  const auto widths = ask(0x8000'0008).of[0];
  if ((widths & 255) != 0) model_.physical_bits = widths & 255;
  if ((widths >> 8 & 255) != 0) model_.virtual_bits = widths >> 8 & 255;
  model_.cache_kilobytes = ask(0x8000'0006).of[2] >> 16;
  constexpr std::uint64_t kKilo = 1000;
  const auto rate = abi::calls::machine_info(abi::Info::TicksPerSecond).value_or(0);
  model_.kilohertz = static_cast<std::uint32_t>(rate / kKilo);
}

void ProcessorModelText::read_flags() {
  core::text::BufferSink sink(flags_);
  for (const Flag& flag : kFlags) {
    if ((ask(flag.leaf).of[flag.word] >> flag.bit & 1) == 0) continue;
    if (!sink.text().empty()) sink.put(" ");
    sink.put(flag.name);
  }
  model_.flags = sink.text();
}

ProcessorModelText::ProcessorModelText() {
  read_names();
  read_family();
  read_flags();
}

}  // namespace fb::libos::posix::task
