#include "libos/posix/call/handlers.hpp"

namespace fb::libos::posix::call {
namespace {

struct Row {
  std::string_view name;
  Handler handler = nullptr;
};

constexpr std::size_t kNumbers = 512;

constexpr auto kTable = [] {
  std::array<Row, kNumbers> table{};
#define FB_LINUX_CALL(number, call) table[number] = {#call, &do_##call};
#include "libos/posix/call/calls.def"
#undef FB_LINUX_CALL
  return table;
}();

}  // namespace

std::string_view name_of(std::uint64_t number) {
  return number < kNumbers ? kTable[number].name : std::string_view();
}

std::uint64_t serve(Call& call) {
  if (call.number >= kNumbers || kTable[call.number].handler == nullptr) return to_register(Errno::NoCall);
  const auto done = kTable[call.number].handler(call);
  return done ? *done : to_register(done.error());
}

}  // namespace fb::libos::posix::call
