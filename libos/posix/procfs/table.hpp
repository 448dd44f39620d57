// A computed tree as a table: paths, and functions that say what is there.
#pragma once

#include "libos/posix/procfs/information.hpp"
#include "libos/posix/procfs/text.hpp"
#include "libos/posix/vfs/devices.hpp"

namespace fb::libos::posix::procfs {

/// What all files of a tree look at; outlives them.
struct Context {
  Information& information;
  vfs::RandomSource& random;
  std::array<std::byte, 16> boot_id{};
};

/// The numbers on the way to a file.
struct Key {
  Subject subject{};
  std::int32_t descriptor = 0, processor = 0;
};

/// What a row's functions get.
struct View {
  Context& context;
  Key key;

  [[nodiscard]] Information& information() const { return context.information; }
  [[nodiscard]] Pid process() const { return key.subject.process; }
  [[nodiscard]] Answer<ProcessState> state() const { return information().state(key.subject); }
};

/// Where a text goes on; 0 at its beginning. What leaves it as it is has said all.
using Cursor = std::uint64_t;
/// The next piece, of at most Text::kMost bytes.
using Write = Answer<> (*)(const View& view, Text& text, Cursor& cursor);
/// What was written to the file, up to kMostStored bytes of it.
using Store = Answer<> (*)(const View& view, std::string_view text);
using Follow = Answer<vfs::Target> (*)(const View& view);

inline constexpr std::size_t kMostStored = 4096;

/// What a '#' in the last component stands for.
enum class Wild : std::uint8_t { None, Process, Thread, Descriptor, Processor };

/// `path` is below the table's directory, which has those above it without rows of their own, with mode 0555. Rows of one
/// directory are together, its own row the first of them; a row with a `table` is a directory that goes on there.
struct Row {
  std::string_view path;
  std::uint32_t mode = vfs::mode::kRegular | 0444;
  Write write = nullptr;    ///< of files and symbolic links
  Store store = nullptr;    ///< without it, writing is an Io error
  Follow follow = nullptr;  ///< of links that lead to a file
  std::span<const Row> table{};
  Wild wild = Wild::None;
  bool process_only = false;  ///< not there for single threads
  bool again = false;         ///< goes on at the beginning of the table that it is in
};
using Table = std::span<const Row>;

inline constexpr std::uint32_t kDirectoryMode = vfs::mode::kDirectory | 0555,
                               kLinkMode = vfs::mode::kSymlink | 0777;

/// /proc and /sys.
[[nodiscard]] Table proc_table();
[[nodiscard]] Table sysfs_table();

}  // namespace fb::libos::posix::procfs
