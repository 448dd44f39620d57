// A port that keeps what it is told.
#pragma once

#include <string>
#include <vector>

#include "libos/posix/tty/line_discipline.hpp"

namespace fb::libos::posix::tty::test {

class Screen final : public Port {
 public:
  void transmit(std::span<const std::uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  void signal(Keypress key) override { keys.push_back(key); }
  void drop_output() override {}
  std::string text;
  std::vector<Keypress> keys;
};

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string read(LineDiscipline& line, std::size_t most = LineDiscipline::kCapacity) {
  std::string text(most, '\0');
  text.resize(line.read({reinterpret_cast<std::uint8_t*>(text.data()), most}));
  return text;
}

}  // namespace fb::libos::posix::tty::test
