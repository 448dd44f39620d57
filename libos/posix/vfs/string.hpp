// Text that is owned: names, and what symbolic links say.
#pragma once

#include <string_view>

#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix::vfs {

/// Does not change. Its bytes stay where they are when it moves.
class String {
 public:
  String() = default;
  /// Errors: NoMemory.
  static Answer<String> make(std::string_view text) {
    String made;
    FB_TRY(made.bytes_.append(text));
    return made;
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.begin(), bytes_.size()}; }

 private:
  Vector<char> bytes_;
};

}  // namespace fb::libos::posix::vfs
