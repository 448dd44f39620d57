#include "libos/posix/vfs/descriptors.hpp"

#include <algorithm>

#include "libos/posix/vfs/locks.hpp"

namespace fb::libos::posix::vfs {

const Descriptors::Slot* Descriptors::slot(Descriptor number) const {
  if (number < 0 || static_cast<std::size_t>(number) >= slots_.size()) return nullptr;
  const Slot& found = slots_[static_cast<std::size_t>(number)];
  return found.file ? &found : nullptr;
}

/// At least `count` slots. Errors: NoMemory.
Answer<> Descriptors::reach(std::size_t count) {
  FB_TRY(slots_.reserve(count));
  while (slots_.size() < count) FB_TRY(slots_.push_back({}));
  return {};
}

Answer<Ref<File>> Descriptors::get(Descriptor number) const {
  const Slot* const found = slot(number);
  if (found == nullptr) return fail(Errno::BadDescriptor);
  return found->file;
}

Answer<Descriptor> Descriptors::add(const Ref<File>& file, bool close_on_exec, Descriptor from) {
  if (from < 0 || (from != 0 && static_cast<std::uint32_t>(from) >= limit_)) return fail(Errno::Invalid);
  std::size_t at = std::max(static_cast<std::size_t>(from), lowest_);
  while (at < slots_.size() && slots_[at].file) ++at;
  if (at >= limit_) return fail(Errno::TooManyFiles);
  FB_TRY(reach(at + 1));
  slots_[at] = {.file = file, .close_on_exec = close_on_exec};
  if (static_cast<std::size_t>(from) <= lowest_) lowest_ = at + 1;
  return static_cast<Descriptor>(at);
}

Answer<Ref<File>> Descriptors::close(Descriptor number) {
  if (slot(number) == nullptr) return fail(Errno::BadDescriptor);
  const auto at = static_cast<std::size_t>(number);
  lowest_ = std::min(lowest_, at);
  Ref<File> closed = std::exchange(slots_[at].file, {});
  end_locks(closed);
  return closed;
}

void Descriptors::end_locks(const Ref<File>& file) {
  if (file && file->inode()) Locks::forget(*file->inode(), lock_owner_);
}

void Descriptors::close_all() {
  for (const Slot& slot : slots_) end_locks(slot.file);
  slots_.clear();
  lowest_ = 0;
}

Answer<Descriptor> Descriptors::duplicate(Descriptor number, bool close_on_exec, Descriptor from) {
  FB_ASSIGN(const Ref<File> file, get(number));
  return add(file, close_on_exec, from);
}

Answer<Ref<File>> Descriptors::duplicate_to(Descriptor number, Descriptor to, bool close_on_exec) {
  if (number == to) {
    FB_TRY(get(number));
    return Ref<File>();
  }
  return duplicate_to_other(number, to, close_on_exec);
}

Answer<Ref<File>> Descriptors::duplicate_to_other(Descriptor number, Descriptor to, bool close_on_exec) {
  if (number == to) return fail(Errno::Invalid);
  if (to < 0 || static_cast<std::uint32_t>(to) >= limit_) return fail(Errno::BadDescriptor);
  FB_ASSIGN(Ref<File> file, get(number));
  const auto at = static_cast<std::size_t>(to);
  FB_TRY(reach(at + 1));
  Ref<File> before = std::exchange(slots_[at].file, std::move(file));
  slots_[at].close_on_exec = close_on_exec;
  end_locks(before);
  return before;
}

Answer<bool> Descriptors::close_on_exec(Descriptor number) const {
  const Slot* const found = slot(number);
  if (found == nullptr) return fail(Errno::BadDescriptor);
  return found->close_on_exec;
}

Answer<> Descriptors::set_close_on_exec(Descriptor number, bool value) {
  if (slot(number) == nullptr) return fail(Errno::BadDescriptor);
  slots_[static_cast<std::size_t>(number)].close_on_exec = value;
  return {};
}

Answer<Descriptors> Descriptors::copy() const {
  Descriptors made;
  FB_TRY(made.slots_.reserve(slots_.size()));
  for (const Slot& slot : slots_) FB_TRY(made.slots_.push_back(slot));
  made.lowest_ = lowest_;
  made.limit_ = limit_;
  return made;
}

std::optional<Descriptor> Descriptors::next_to_close_on_exec() const {
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (slots_[at].file && slots_[at].close_on_exec) return static_cast<Descriptor>(at);
  }
  return std::nullopt;
}

std::optional<Descriptor> Descriptors::next_open(Descriptor from) const {
  for (auto at = static_cast<std::size_t>(std::max(from, 0)); at < slots_.size(); ++at) {
    if (slots_[at].file) return static_cast<Descriptor>(at);
  }
  return std::nullopt;
}

}  // namespace fb::libos::posix::vfs
