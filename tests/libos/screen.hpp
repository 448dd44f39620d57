// What a test sees of what was printed.
#pragma once

#include <string>
#include <string_view>

namespace fb::libos {

struct Screen {
  std::string text;
  void put(std::string_view piece) { text += piece; }
};

}  // namespace fb::libos
