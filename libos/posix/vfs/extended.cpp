#include "libos/posix/vfs/extended.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {
namespace {

constexpr std::string_view kUser = "user.", kTrusted = "trusted.", kSecurity = "security.";

/// Errors: NotSupported, Invalid.
Answer<> check_name(std::string_view name) {
  for (const auto prefix : {kUser, kTrusted, kSecurity}) {
    if (!name.starts_with(prefix)) continue;
    return name.size() == prefix.size() ? Answer<>(fail(Errno::Invalid)) : Answer<>();
  }
  return fail(Errno::NotSupported);
}

/// Errors: NoData to read, Perm to write, Access.
Answer<> check_who(const Inode& inode, const Credentials& who, std::string_view name, Want want) {
  const bool writes = want == Want::Write;
  const Answer<> refused = fail(writes ? Errno::Perm : Errno::NoData);
  if (name.starts_with(kTrusted)) return who.root() ? Answer<>() : refused;
  if (name.starts_with(kSecurity)) return who.root() || !writes ? Answer<>() : refused;
  if (name.starts_with(kUser)) {
    if (!inode.is(mode::kRegular) && !inode.is_directory()) return refused;
    const Attributes& its = inode.attributes();
    const bool sticky = inode.is_directory() && (its.mode & mode::kSticky) != 0;
    if (sticky && writes && !who.root() && who.uid != its.uid) return refused;
  }
  return check_access(inode.attributes(), who, want);
}

}  // namespace

std::size_t ExtendedAttributes::position(std::string_view name) const {
  const auto* const at =
      std::ranges::lower_bound(entries_, name, {}, [](const Entry& entry) { return entry.name.view(); });
  return static_cast<std::size_t>(at - entries_.begin());
}

bool ExtendedAttributes::there(std::size_t at, std::string_view name) const {
  return at != entries_.size() && entries_[at].name.view() == name;
}

Answer<> ExtendedAttributes::set(std::string_view name, Vector<std::byte> value, std::uint32_t flags) {
  const std::size_t at = position(name);
  const bool old = there(at, name);
  if (old && (flags & kCreate) != 0) return fail(Errno::Exists);
  if (!old && (flags & kReplace) != 0) return fail(Errno::NoData);
  const std::size_t gone = old ? name.size() + entries_[at].value.size() : 0;
  const std::size_t bytes = bytes_ - gone + name.size() + value.size();
  if (bytes > kBytesMost) return fail(Errno::NoSpace);
  if (old) {
    entries_[at].value = std::move(value);
  } else {
    FB_ASSIGN(String text, String::make(name));
    FB_TRY(entries_.insert(at, {.name = std::move(text), .value = std::move(value)}));
  }
  bytes_ = bytes;
  return {};
}

Answer<std::span<const std::byte>> ExtendedAttributes::get(std::string_view name) const {
  const std::size_t at = position(name);
  if (!there(at, name)) return fail(Errno::NoData);
  return entries_[at].value.view();
}

Answer<> ExtendedAttributes::remove(std::string_view name) {
  const std::size_t at = position(name);
  if (!there(at, name)) return fail(Errno::NoData);
  bytes_ -= name.size() + entries_[at].value.size();
  entries_.erase(at);
  return {};
}

Answer<> set_extended(Inode& inode, const Credentials& who, std::string_view name, Vector<std::byte> value,
                      std::uint32_t flags, core::Nanoseconds now) {
  FB_TRY(check_who(inode, who, name, Want::Write));
  FB_TRY(check_name(name));
  FB_ASSIGN(ExtendedAttributes* const its, inode.extended());
  FB_TRY(its->set(name, std::move(value), flags));
  inode.attributes().changed = now;
  return {};
}

Answer<std::span<const std::byte>> get_extended(Inode& inode, const Credentials& who, std::string_view name) {
  FB_TRY(check_who(inode, who, name, Want::Read));
  FB_TRY(check_name(name));
  FB_ASSIGN(const ExtendedAttributes* const its, inode.extended());
  return its->get(name);
}

Answer<> remove_extended(Inode& inode, const Credentials& who, std::string_view name, core::Nanoseconds now) {
  FB_TRY(check_who(inode, who, name, Want::Write));
  FB_TRY(check_name(name));
  FB_ASSIGN(ExtendedAttributes* const its, inode.extended());
  FB_TRY(its->remove(name));
  inode.attributes().changed = now;
  return {};
}

Answer<Vector<char>> list_extended(Inode& inode, const Credentials& who) {
  Vector<char> names;
  const auto its = inode.extended();
  if (!its && its.error() != Errno::NotSupported) return fail(its.error());
  if (!its) return names;
  for (const auto& entry : (*its)->entries()) {
    if (entry.name.view().starts_with(kTrusted) && !who.root()) continue;
    if (names.size() + entry.name.view().size() >= ExtendedAttributes::kListMost) {
      return fail(Errno::ArgumentsTooLong);
    }
    for (const char c : entry.name.view()) FB_TRY(names.push_back(c));
    FB_TRY(names.push_back('\0'));
  }
  return names;
}

}  // namespace fb::libos::posix::vfs
