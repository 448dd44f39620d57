// io_uring_register(2): files, buffers, an eventfd.
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::uring {

Answer<std::uint32_t> Ring::change(Submitter& by, std::uint32_t operation, std::uint64_t argument,
                                   std::uint32_t count) {
  using namespace registering;
  if ((flags_ & setup::kSingleIssuer) != 0 && only_ != nullptr && only_ != &by) return fail(Errno::Exists);
  const bool bare = argument == 0 && count == 0;
  switch (operation) {
    case kBuffers:
      FB_TRY(register_buffers(by, argument, count));
      return 0;
    case kNoBuffers:
      if (!bare) return fail(Errno::Invalid);
      if (buffers_.empty()) return fail(Errno::NoDeviceOrAddress);
      buffers_ = {};
      return 0;
    case kFiles:
      FB_TRY(register_files(by, argument, count));
      return 0;
    case kNoFiles: {
      if (!bare) return fail(Errno::Invalid);
      if (files_.empty()) return fail(Errno::NoDeviceOrAddress);
      const auto gone = std::exchange(files_, {});
      return 0;
    }
    case kFilesUpdate:
      return update_files(by, argument, count);
    case kEventFile:
    case kEventFileAsync:
      FB_TRY(register_event_file(by, argument, count, operation == kEventFileAsync));
      return 0;
    case kNoEventFile: {
      if (!bare) return fail(Errno::Invalid);
      if (!events_) return fail(Errno::NoDeviceOrAddress);
      const auto gone = std::exchange(events_, {});
      return 0;
    }
    case kEnable:
      if (!bare) return fail(Errno::Invalid);
      if (enabled_) return fail(Errno::BadState);
      enabled_ = true;
      if ((flags_ & setup::kSingleIssuer) != 0) only_ = &by;
      return 0;
    default:
      return fail(Errno::Invalid);
  }
}

void Ring::probe(std::span<registering::ProbeOperation> operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto opcode = static_cast<std::uint8_t>(i);
    operations[i] = {.opcode = opcode,
                     .reserved = 0,
                     .flags = known(opcode) ? registering::kSupported : std::uint16_t{0},
                     .reserved2 = 0};
  }
}

/// None for -1. A ring holds no ring: they could hold each other for ever. Errors: BadDescriptor.
Answer<Ref<vfs::File>> Ring::file_to_register(Submitter& by, std::int32_t descriptor) const {
  if (descriptor == -1) return Ref<vfs::File>();
  FB_ASSIGN(auto file, by.descriptors().get(descriptor));
  if (file->path_only() || vfs::file_as<Ring>(*file) != nullptr) return fail(Errno::BadDescriptor);
  return file;
}

Answer<> Ring::register_files(Submitter& by, std::uint64_t argument, std::uint32_t count) {
  if (!files_.empty()) return fail(Errno::Busy);
  if (count == 0) return fail(Errno::Invalid);
  if (count > kFilesMost || count > by.descriptors().limit()) return fail(Errno::TooManyFiles);
  Vector<Ref<vfs::File>> files;
  FB_TRY(files.reserve(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    FB_ASSIGN(const auto descriptor, by.get<std::int32_t>(argument + i * sizeof(std::int32_t)));
    FB_ASSIGN(auto file, file_to_register(by, descriptor));
    FB_TRY(files.push_back(std::move(file)));
  }
  files_ = std::move(files);
  return {};
}

/// How many were changed before one that could not be.
Answer<std::uint32_t> Ring::update_files(Submitter& by, std::uint64_t argument, std::uint32_t count) {
  constexpr std::int32_t kKeep = -2;
  FB_ASSIGN(const auto update, by.get<registering::FilesUpdate>(argument));
  if (count == 0 || update.reserved != 0) return fail(Errno::Invalid);
  if (files_.empty()) return fail(Errno::NoDeviceOrAddress);
  if (update.offset > ~count) return fail(Errno::Overflow);
  if (update.offset + count > files_.size()) return fail(Errno::Invalid);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto descriptor = by.get<std::int32_t>(update.descriptors + i * sizeof(std::int32_t));
    if (descriptor && *descriptor == kKeep) continue;
    auto file = descriptor ? file_to_register(by, *descriptor) : fail(descriptor.error());
    if (!file && i == 0) return fail(file.error());
    if (!file) return i;
    std::swap(files_[update.offset + i], *file);
  }
  return count;
}

Answer<> Ring::register_buffers(Submitter& by, std::uint64_t argument, std::uint32_t count) {
  constexpr std::uint64_t kSizeMost = 1U << 30;
  if (!buffers_.empty()) return fail(Errno::Busy);
  if (count == 0 || count > kBuffersMost) return fail(Errno::Invalid);
  Vector<Extent> buffers;
  FB_TRY(buffers.reserve(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    FB_ASSIGN(const auto buffer, by.get<Extent>(argument + i * sizeof(Extent)));
    if (buffer.address == 0 && buffer.size != 0) return fail(Errno::Fault);
    if (buffer.address != 0 && (buffer.size == 0 || buffer.size > kSizeMost)) return fail(Errno::Fault);
    if (buffer.address != 0) {
      if (buffer.address > ~buffer.size) return fail(Errno::Overflow);
      FB_TRY(by.get<std::byte>(buffer.address));
      FB_TRY(by.get<std::byte>(buffer.address + buffer.size - 1));
    }
    FB_TRY(buffers.push_back(buffer));
  }
  buffers_ = std::move(buffers);
  return {};
}

Answer<> Ring::register_event_file(Submitter& by, std::uint64_t argument, std::uint32_t count, bool async) {
  if (count != 1) return fail(Errno::Invalid);
  if (events_) return fail(Errno::Busy);
  FB_ASSIGN(const auto descriptor, by.get<std::int32_t>(argument));
  FB_ASSIGN(const auto file, by.descriptors().get(descriptor));
  auto* const events = vfs::file_as<poll::EventCount>(*file);
  if (events == nullptr) return fail(Errno::Invalid);
  events_ = Ref<poll::EventCount>(*events);
  events_async_ = async;
  return {};
}

}  // namespace fb::libos::posix::uring
