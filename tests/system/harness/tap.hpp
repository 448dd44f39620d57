// Tests that run in ring 3: registration, checks and their report in TAP (testanything.org, version 14).
//
// Each test runs in a context of its own beside the supervisor (main.cpp), so one that faults, stops or hangs is
// reported and the next one runs. Checks may be made by any context that maps this program's image, in any domain.
#pragma once

#include <atomic>
#include <source_location>
#include <string_view>

#include "abi/calls.hpp"
#include "core/text/buffer.hpp"

namespace fb::test {

using Where = std::source_location;

/// A registered test. Registration order is the order of execution.
struct Case {
  const char* name;
  void (*body)();
  const char* todo;  ///< why it is known to fail; null: it must pass
  Case* next = nullptr;
  Case(const char* name, void (*body)(), const char* todo = nullptr);
};

/// A line of the report, "# ...". Kept until the supervisor prints it.
void note(std::string_view text);
/// The same from pieces (core/text/write.hpp).
template <class... Ts>
void diag(const Ts&... pieces) {
  char line[200];
  note(core::text::format_to(line, pieces...));
}

/// Counts a failure of the running test and reports where.
void report_failure(Where where, std::string_view text);
/// Ends this context at once; if it is the test's, the test with it.
[[noreturn]] void end_context();
/// The test is not for this machine; ends it.
[[noreturn]] void skip(const char* reason);
/// Failures so far in the running test.
std::uint32_t failures();

template <class T>
void print_value(core::text::BufferSink& sink, const T& value) {
  if constexpr (std::is_same_v<T, core::Error>) {
    core::text::print(sink, core::name_of(value));
  } else if constexpr (requires {
                         value.has_value();
                         value.error();
                       }) {
    if (!value.has_value()) return core::text::print(sink, core::name_of(value.error()));
    core::text::print(sink, "success");
    if constexpr (requires { value->raw(); }) core::text::print(sink, " ", core::text::hex(value->raw()));
  } else if constexpr (std::is_enum_v<T>) {
    core::text::print(sink, static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_pointer_v<T> && !std::is_convertible_v<T, const char*>) {
    core::text::print(sink, core::text::hex(reinterpret_cast<std::uint64_t>(value)));
  } else if constexpr (requires { value.raw(); }) {
    core::text::print(sink, core::text::hex(std::uint64_t{value.raw()}));
  } else {
    core::text::print(sink, value);
  }
}

inline bool check(bool holds, std::string_view text, Where where = Where::current()) {
  if (!holds) [[unlikely]]
    report_failure(where, text);
  return holds;
}

template <class A, class B>
bool check_equal(const A& a, const B& b, std::string_view text, Where where = Where::current()) {
  if (a == b) [[likely]]
    return true;
  char line[160];
  core::text::BufferSink sink(line);
  core::text::print(sink, text, ": ");
  print_value(sink, a);
  core::text::print(sink, ", not ");
  print_value(sink, b);
  report_failure(where, sink.text());
  return false;
}

template <class T>
bool check_ok(const core::Result<T>& result, std::string_view text, Where where = Where::current()) {
  if (result.has_value()) [[likely]]
    return true;
  char line[160];
  report_failure(where, core::text::format_to(line, text, ": ", core::name_of(result.error())));
  return false;
}

template <class T>
bool check_fails(const core::Result<T>& result, core::Error error, std::string_view text,
                 Where where = Where::current()) {
  if (!result.has_value() && result.error() == error) [[likely]]
    return true;
  char line[160];
  core::text::BufferSink sink(line);
  core::text::print(sink, text, ": ");
  print_value(sink, result);
  core::text::print(sink, ", not ", core::name_of(error));
  report_failure(where, sink.text());
  return false;
}

/// The value of what must succeed for the test to make sense; otherwise the context ends.
template <class T>
T need(core::Result<T> result, Where where = Where::current()) {
  if (!result.has_value()) [[unlikely]] {
    char line[80];
    report_failure(where, core::text::format_to(line, "needed: ", core::name_of(result.error())));
    end_context();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace fb::test

#define FB_TEST_JOIN_(a, b) a##b
#define FB_TEST_JOIN(a, b) FB_TEST_JOIN_(a, b)
#define FB_TEST_(name, todo)                                                                            \
  static void FB_TEST_JOIN(test_body_, __LINE__)();                                                     \
  static ::fb::test::Case FB_TEST_JOIN(test_case_, __LINE__)(name, &FB_TEST_JOIN(test_body_, __LINE__), \
                                                             todo);                                     \
  static void FB_TEST_JOIN(test_body_, __LINE__)()

/// TEST("CAP-1: a handle nobody was given is refused") { ... }
#define TEST(name) FB_TEST_(name, nullptr)
/// A test that is known to fail, and why: `not ok ... # TODO why` does not fail the run.
#define TEST_TODO(name, why) FB_TEST_(name, why)

#define CHECK(condition) (::fb::test::check((condition), #condition))
#define CHECK_EQ(a, b) (::fb::test::check_equal((a), (b), #a " == " #b))
#define CHECK_OK(result) (::fb::test::check_ok((result), #result))
#define CHECK_FAILS(result, error) (::fb::test::check_fails((result), (error), #result))
/// A failure that leaves nothing more to test.
#define REQUIRE(condition)                            \
  do {                                                \
    if (!CHECK(condition)) ::fb::test::end_context(); \
  } while (false)
