#include "libos/posix/vfs/cpio_writer.hpp"

#include <array>
#include <memory>
#include <string_view>

#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::uint64_t kMostBytes = 0xffff'ffff;

/// The parts of make_device().
constexpr std::uint64_t major_of(std::uint64_t device) {
  return (device >> 8 & 0xfff) | (device >> 32 & ~std::uint64_t{0xfff});
}
constexpr std::uint64_t minor_of(std::uint64_t device) {
  return (device & 0xff) | (device >> 12 & 0xffff'ff00);
}

class Writer {
 public:
  explicit Writer(Output& out) : out_(out) {}

  Answer<> tree(const Ref<Inode>& top);
  Answer<> trailer() { return entry("TRAILER!!!", {}, 0); }

 private:
  struct Level {
    Ref<Inode> directory;
    std::uint64_t cookie;
    std::size_t path_size;
  };

  Answer<> node(Inode& inode);
  Answer<> entry(std::string_view name, const Attributes& of, std::uint64_t size);
  Answer<> contents(Inode& file, std::uint64_t size);
  Answer<> text(std::string_view bytes) { return out_.put(std::as_bytes(std::span(bytes))); }
  Answer<> align(std::uint64_t size) { return text({"\0\0\0", static_cast<std::size_t>(-size & 3)}); }
  Answer<> enter(const Ref<Inode>& directory) {
    return levels_.push_back({.directory = directory, .cookie = 0, .path_size = path_size_});
  }
  Answer<> append(std::string_view name);

  Output& out_;
  std::array<char, kPathMax> path_{};
  std::size_t path_size_ = 0;
  std::uint32_t number_ = 0;
  Vector<Level> levels_;
};

Answer<> Writer::entry(std::string_view name, const Attributes& of, std::uint64_t size) {
  const std::uint64_t fields[] = {++number_,
                                  of.mode,
                                  of.uid,
                                  of.gid,
                                  1,
                                  of.modified.raw() / 1'000'000'000,
                                  size,
                                  0,
                                  0,
                                  major_of(of.rdev),
                                  minor_of(of.rdev),
                                  name.size() + 1,
                                  0};
  std::array<char, 6 + 8 * std::size(fields)> header{'0', '7', '0', '7', '0', '1'};
  std::size_t at = 6;
  for (const auto field : fields) {
    for (unsigned shift = 32; shift != 0; shift -= 4)
      header[at++] = "0123456789abcdef"[field >> (shift - 4) & 0xf];
  }
  FB_TRY(text({header.data(), header.size()}));
  FB_TRY(text(name));
  FB_TRY(text({"\0", 1}));
  return align(header.size() + name.size() + 1);
}

/// What has gone since its size was taken is zero.
Answer<> Writer::contents(Inode& file, std::uint64_t size) {
  std::array<std::byte, 1024> room;
  for (std::uint64_t done = 0; done != size;) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), size - done));
    BytesOutput piece(std::span(room).first(now));
    FB_ASSIGN(const std::size_t read, file.read(done, piece, now));
    std::ranges::fill(std::span(room).subspan(read, now - read), std::byte{0});
    FB_TRY(out_.put(std::span(room).first(now)));
    done += now;
  }
  return align(size);
}

Answer<> Writer::node(Inode& inode) {
  const std::string_view name = path_size_ == 0 ? "." : std::string_view(path_.data(), path_size_);
  if (inode.is(mode::kSymlink)) {
    FB_ASSIGN(const auto target, inode.readlink());
    FB_TRY(entry(name, inode.attributes(), target.size()));
    FB_TRY(text(target));
    return align(target.size());
  }
  if (!inode.is(mode::kRegular)) return entry(name, inode.attributes(), 0);
  const std::uint64_t size = inode.attributes().size;
  if (size > kMostBytes) return fail(Errno::FileTooLarge);
  FB_TRY(entry(name, inode.attributes(), size));
  return contents(inode, size);
}

Answer<> Writer::append(std::string_view name) {
  const std::size_t slash = path_size_ == 0 ? 0 : 1;
  if (path_size_ + slash + name.size() >= path_.size()) return fail(Errno::NameTooLong);
  if (slash != 0) path_[path_size_++] = '/';
  std::ranges::copy(name, path_.data() + path_size_);
  path_size_ += name.size();
  return {};
}

Answer<> Writer::tree(const Ref<Inode>& top) {
  FB_TRY(node(*top));
  if (top->is_directory()) FB_TRY(enter(top));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    path_size_ = level.path_size;
    FB_ASSIGN(const auto next, level.directory->entry_after(level.cookie));
    if (!next) {
      levels_.pop_back();
      continue;
    }
    level.cookie = next->cookie;
    FB_TRY(append(next->name));
    FB_ASSIGN(const auto inode, level.directory->lookup(next->name));
    FB_TRY(node(*inode));
    if (inode->is_directory()) FB_TRY(enter(inode));
  }
  return trailer();
}

}  // namespace

Answer<> write_cpio(const Ref<Inode>& top, Output& out) {
  const std::unique_ptr<Writer> writer(new (std::nothrow) Writer(out));  // too large for a fibre's stack
  if (!writer) return fail(Errno::NoMemory);
  return writer->tree(top);
}

Answer<> write_empty_cpio(Output& out) { return Writer(out).trailer(); }

}  // namespace fb::libos::posix::vfs
