// Reader of `newc` cpio archives in place: the format of boot images and of Linux's initramfs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::archive {

struct DeviceNumber {
  std::uint32_t major, minor;
  constexpr bool operator==(const DeviceNumber&) const = default;
};

/// One member. `name` and `contents` are views into the archive.
struct Entry {
  std::string_view name;  ///< without leading "./" and without NUL; never empty
  std::uint32_t mode{};   ///< st_mode: type and permissions
  ByteCount offset;       ///< of the contents in the archive: page-aligned in FeuerBird's boot images
  std::string_view contents;
  std::uint32_t inode{}, uid{}, gid{}, links{};  ///< inode: the same for hard links, where links is above 1
  std::uint32_t modified{};                      ///< seconds since 1970
  DeviceNumber device{};                         ///< that the inode was on
  DeviceNumber special{};                        ///< that a device file stands for

  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(contents)); }
  [[nodiscard]] constexpr bool regular() const { return (mode & 0170000) == 0100000; }
};

/// A well-formed archive up to its trailer (Linux, early-userspace/buffer-format.rst).
///
/// The memory must be Frozen or Private (DESIGN §4): were it written meanwhile, iteration could end early or
/// yield other entries, but never leave the archive. Names may be padded with NULs, as is done to align
/// contents.
class Archive {
 public:
  class Iterator;
  struct End {};

  /// Without entries.
  constexpr Archive() = default;
  /// Checks every header up to the trailer; what follows that is ignored. Errors: BadFormat.
  [[nodiscard]] static constexpr Result<Archive> parse(std::string_view bytes);
  [[nodiscard]] static Result<Archive> parse(std::span<const std::byte> bytes) {
    return parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  /// The first entry of that name, leading "./" ignored on both sides. Errors: NotFound.
  [[nodiscard]] constexpr Result<Entry> find(std::string_view name) const;
  [[nodiscard]] constexpr Iterator begin() const;
  [[nodiscard]] constexpr End end() const { return {}; }

 private:
  static constexpr std::string_view kMagic = "070701";
  static constexpr std::string_view kTrailer = "TRAILER!!!";
  static constexpr std::size_t kFields = 13;  ///< of 8 digits each
  static constexpr std::size_t kInode = 0, kMode = 1, kUid = 2, kGid = 3, kLinks = 4, kModified = 5,
                               kFileSize = 6, kDevice = 7, kSpecial = 9, kNameSize = 11;
  static constexpr std::size_t kHeaderSize = kMagic.size() + kFields * 8;

  struct Step {
    Entry entry;
    std::size_t next{};  ///< where the next header is
  };
  constexpr explicit Archive(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] constexpr Result<std::optional<Step>> decode(std::size_t at) const;
  static constexpr std::string_view plain(std::string_view name);
  /// substr() without its check, which throws: the caller has made sure.
  [[nodiscard]] constexpr std::string_view cut(std::size_t at, std::size_t size) const {
    return {bytes_.data() + at, size};
  }

  std::string_view bytes_;
};

/// A copy stands alone; ends early where the archive is no longer what parse() saw.
class Archive::Iterator {
 public:
  constexpr const Entry& operator*() const { return step_.entry; }
  constexpr const Entry* operator->() const { return &step_.entry; }
  constexpr Iterator& operator++() {
    load(step_.next);
    return *this;
  }
  constexpr bool operator==(End) const { return done_; }

 private:
  friend class Archive;
  constexpr explicit Iterator(const Archive& archive) : archive_(archive) { load(0); }
  constexpr void load(std::size_t at) {
    const auto step = archive_.decode(at).value_or(std::nullopt);
    done_ = !step;
    if (step) step_ = *step;
  }

  Archive archive_;
  Step step_;
  bool done_{};
};

constexpr Archive::Iterator Archive::begin() const { return Iterator(*this); }

constexpr std::string_view Archive::plain(std::string_view name) {
  while (name.size() > 2 && name[0] == '.' && name[1] == '/') name.remove_prefix(2);
  return name;
}

/// Nothing at the trailer. Fields are 32 bits and `at` is within the archive, so no sum here can overflow.
constexpr Result<std::optional<Archive::Step>> Archive::decode(std::size_t at) const {
  static_assert(sizeof(std::size_t) == 8);
  constexpr auto align = [](std::size_t offset) { return (offset + 3) & ~std::size_t{3}; };

  if (at > bytes_.size() || bytes_.size() - at < kHeaderSize) return fail(Error::BadFormat);
  if (cut(at, kMagic.size()) != kMagic) return fail(Error::BadFormat);
  std::uint32_t fields[kFields]{};
  for (std::size_t i = 0; i != kFields * 8; ++i) {
    const char c = bytes_[at + kMagic.size() + i];
    const char lower = static_cast<char>(c | 0x20);
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (lower < 'a' || lower > 'f')) return fail(Error::BadFormat);
    fields[i / 8] = fields[i / 8] << 4 | static_cast<std::uint32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  const std::size_t contents = align(at + kHeaderSize + fields[kNameSize]);
  const std::size_t end = contents + fields[kFileSize];
  if (end > bytes_.size()) return fail(Error::BadFormat);

  const auto padded = cut(at + kHeaderSize, fields[kNameSize]);
  std::size_t length = 0;
  while (length != padded.size() && padded[length] != '\0') ++length;
  // A second name behind a NUL would be seen by some readers and not by others.
  for (std::size_t i = length; i != padded.size(); ++i) {
    if (padded[i] != '\0') return fail(Error::BadFormat);
  }
  if (length == 0 || length == padded.size()) return fail(Error::BadFormat);
  const auto name = cut(at + kHeaderSize, length);
  if (name == kTrailer) return std::nullopt;
  return Step{.entry = {.name = plain(name),
                        .mode = fields[kMode],
                        .offset = ByteCount(contents),
                        .contents = cut(contents, fields[kFileSize]),
                        .inode = fields[kInode],
                        .uid = fields[kUid],
                        .gid = fields[kGid],
                        .links = fields[kLinks],
                        .modified = fields[kModified],
                        .device = {.major = fields[kDevice], .minor = fields[kDevice + 1]},
                        .special = {.major = fields[kSpecial], .minor = fields[kSpecial + 1]}},
              .next = align(end)};
}

constexpr Result<Archive> Archive::parse(std::string_view bytes) {
  const Archive archive(bytes);
  for (std::size_t at = 0;;) {
    FB_ASSIGN(const auto step, archive.decode(at));
    if (!step) return archive;
    at = step->next;
  }
}

constexpr Result<Entry> Archive::find(std::string_view name) const {
  for (const Entry& entry : *this) {
    if (entry.name == plain(name)) return entry;
  }
  return fail(Error::NotFound);
}

}  // namespace fb::core::archive
