// A hostile client at a console port: any words in any order, the owner in between. No byte appears from nowhere.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "libos/rt/port_state.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fb::libos::rt;
  const auto port = std::make_unique<PortState>();
  std::size_t written = 0, taken = 0, typed = 0, read = 0;
  while (size >= 9) {
    fb::abi::Words words{};
    std::memcpy(&words.w[0], data + 1, 8);
    words.header = data[0];
    const auto call = static_cast<PortCall>(words.w[0] & 0xff);
    const std::size_t count = words.w[0] >> 8 & 0xff;
    bool wake = false;
    const std::uint64_t status = port->answer_call(words, wake);
    demand(words.header == 0 && status <= 32);
    if (call == PortCall::Write) {
      demand(words.w[0] <= count && words.w[0] <= kWordBytes);
      written += words.w[0];
    }
    if (call == PortCall::Read) {
      demand(words.w[0] <= count && words.w[0] <= kWordBytes);
      read += words.w[0];
    }
    if ((data[0] & 1) != 0) {
      char out[100];
      taken += port->take_output(out);
    }
    if ((data[0] & 2) != 0) typed += port->give_input('x') ? 1 : 0;
    if ((data[0] & 4) != 0 && port->request()) port->give_answer({});
    demand(taken <= written && written - taken <= 4096);
    demand(read <= typed && typed - read <= 1024);
    data += 9;
    size -= 9;
  }
  return 0;
}
