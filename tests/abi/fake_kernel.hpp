// A kernel that only records: what the decode table looked up, and which handler it called with what.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "abi/decode.hpp"
#include "abi/decode_cases.hpp"

namespace fb::abi::test {

inline constexpr std::uint32_t kCpus = 5;
inline constexpr std::uint64_t kAnswer =
    3;  // of every handler with a result; in the range of every enumeration

template <ObjectType T>
struct Ref {
  Handle handle;
  [[nodiscard]] std::uint64_t raw() const { return handle.raw(); }
};

struct Capability {
  ObjectType type{};
  core::cap::Rights rights;
  std::optional<core::Error> broken;  // what every lookup of it says
};

struct Lookup {
  ObjectType type;  // Any: lookup_any
  std::uint64_t handle;
  std::uint64_t need;
  bool operator==(const Lookup&) const = default;
};

constexpr std::uint64_t raw_of(auto value) {
  if constexpr (requires { value.raw(); })
    return value.raw();
  else
    return static_cast<std::uint64_t>(value);
}

class FakeKernel {
 public:
  FakeKernel() { current_ = this; }
  static FakeKernel& enter() {
    ++current_->entered;
    return *current_;
  }

  std::uint32_t cpu_count() const { return kCpus; }
  core::cap::Authorities authorities() const { return held; }

  template <ObjectType T>
  core::Result<Ref<T>> lookup(Handle handle, core::cap::Rights need) {
    static_assert(T != ObjectType::Any);
    return find<T>(handle, need);
  }
  core::Result<Ref<ObjectType::Any>> lookup_any(Handle handle, core::cap::Rights need) {
    return find<ObjectType::Any>(handle, need);
  }
  core::Result<Ref<ObjectType::Any>> lookup_demanded(Handle handle, core::cap::Demand need) {
    demands.push_back(need.raw());
    return find<ObjectType::Any>(handle, core::cap::Rights());
  }
  template <ObjectType T>
  core::Result<Ref<T>> none() {
    nones.push_back(T);
    return Ref<T>{};
  }

  // The argument types must be exactly those of the row: no conversion hides a mistake.
#define FB_TEST_HANDLER(name, result, ...)                                                                 \
  template <class... Given>                                                                                \
  core::Result<result> name(Given... given) {                                                              \
    static_assert(std::is_same_v<std::tuple<Given...>, std::tuple<__VA_ARGS__>>, "not the row of " #name); \
    return handle<result>(#name, {raw_of(given)...});                                                      \
  }
  FB_ABI_FOR_EACH_HANDLER(FB_TEST_HANDLER)
#undef FB_TEST_HANDLER

  std::map<std::uint64_t, Capability> capabilities;
  core::cap::Authorities held;
  std::optional<core::Error> failure;  // of every handler

  int entered = 0;
  std::vector<Lookup> lookups;
  std::vector<std::uint64_t> demands;
  std::vector<ObjectType> nones;
  std::string handled;  // empty: no handler was called
  std::vector<std::uint64_t> arguments;

 private:
  template <ObjectType T>
  core::Result<Ref<T>> find(Handle handle, core::cap::Rights need) {
    lookups.push_back({T, handle.raw(), need.raw()});
    const auto found = capabilities.find(handle.raw());
    if (found == capabilities.end()) return core::fail(core::Error::BadHandle);
    const Capability& capability = found->second;
    if (capability.broken) return core::fail(*capability.broken);
    if (T != ObjectType::Any && capability.type != T) return core::fail(core::Error::WrongType);
    if (!capability.rights.has(need)) return core::fail(core::Error::Denied);
    return Ref<T>{handle};
  }

  template <class T>
  core::Result<T> handle(const char* name, std::vector<std::uint64_t> words) {
    handled = name;
    arguments = std::move(words);
    if (failure) return core::fail(*failure);
    if constexpr (std::is_void_v<T>)
      return {};
    else if constexpr (std::is_enum_v<T>)
      return static_cast<T>(kAnswer);
    else
      return T(kAnswer);
  }

  static inline FakeKernel* current_ = nullptr;
};

}  // namespace fb::abi::test
