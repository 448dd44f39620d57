#include "tests/system/contexts/support/guest.hpp"

#include "core/text/parse.hpp"
#include "libos/rt/environment.hpp"

namespace fb::test {

using abi::Stop;
using core::PageCount;
using core::VirtAddr;

Guest::Guest(std::span<const std::byte> code, abi::ContextFlags flags, Where where)
    : code_(need(libos::rt::allocate(core::pages_for(core::ByteCount(code.size()))), where)),
      data_(need(libos::rt::allocate(kGuestDataPages), where)),
      area_(need(libos::rt::allocate(PageCount(1)), where)) {
  std::copy_n(code.data(), code.size(), code_.mapping.bytes().data());
  space_ = need(abi::calls::address_space_create(), where);
  need(abi::calls::map_pages(space_, code_.pages.get(), VirtAddr(kGuestCode), PageCount(0),
                             code_.mapping.count(), abi::AccessBit::Read | abi::AccessBit::Execute),
       where);
  need(abi::calls::map_pages(space_, data_.pages.get(), VirtAddr(kGuestData), PageCount(0), kGuestDataPages,
                             libos::rt::kReadWrite),
       where);
  context_ = need(abi::calls::alloc_cpu_context({}, space_, area_.pages.get(), flags), where);
  reset();
}

Guest::~Guest() {
  drop_context();
  drop_space();
}

void Guest::drop_context() {
  if (!context_.none()) static_cast<void>(abi::calls::cap_drop(std::exchange(context_, {})));
}
void Guest::drop_space() {
  if (!space_.none()) static_cast<void>(abi::calls::cap_drop(std::exchange(space_, {})));
}

void Guest::reset(std::uint64_t offset) {
  frame() = {};
  frame().rip = kGuestCode + offset;
  frame().rsp = kGuestStack;
}

core::Result<Stop> Guest::run_on(core::Nanoseconds deadline) const {
  for (;;) {
    const auto stop = run(deadline);
    if (!stop || *stop != Stop::Preempted) return stop;
  }
}

bool Guest::stops_with(Stop stop, std::uint64_t offset, Where where) {
  reset(offset);
  const auto got = run_on();
  return check_ok(got, "the run", where) && check_equal(*got, stop, "stop", where);
}

bool Guest::faults(std::uint64_t vector, std::uint64_t offset, Where where) {
  return stops_with(Stop::Fault, offset, where) && check_equal(frame().vector, vector, "vector", where);
}

std::span<const std::byte> code_between(const char* start, const char* end) {
  return {reinterpret_cast<const std::byte*>(start), static_cast<std::size_t>(end - start)};
}

core::Nanoseconds now() {
  return core::Nanoseconds(need(abi::calls::get_system_time(abi::Clock::Monotonic)));
}

std::uint64_t option(std::string_view name, std::uint64_t otherwise) {
  for (const std::string_view word : core::text::split_words(libos::rt::environment().arguments)) {
    if (word.size() <= name.size() || word.substr(0, name.size()) != name || word[name.size()] != '=')
      continue;
    return core::text::parse_number(word.substr(name.size() + 1)).value_or(otherwise);
  }
  return otherwise;
}

}  // namespace fb::test
