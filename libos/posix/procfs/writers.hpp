// What the rows of /proc and /sys say, in files by subject. Formats are those of proc(5) and of Linux 6.12.
#pragma once

#include "libos/posix/procfs/table.hpp"

namespace fb::libos::posix::procfs {

inline constexpr std::uint64_t kTicksPerSecond = 100, kNanosecondsPerTick = 10'000'000;

/// What the clock ticks of times(2) and /proc are.
constexpr std::uint64_t ticks(core::Nanoseconds time) { return time.raw() / kNanosecondsPerTick; }

/// A file that always says the same.
template <const char* kText>
Answer<> write_fixed(const View& /*view*/, Text& text, Cursor& /*cursor*/) {
  text.put(kText);
  return {};
}

// system_files.cpp, processor_files.cpp
Answer<> write_uptime(const View& view, Text& text, Cursor& cursor);
Answer<> write_load(const View& view, Text& text, Cursor& cursor);
Answer<> write_memory(const View& view, Text& text, Cursor& cursor);
Answer<> write_system_stat(const View& view, Text& text, Cursor& cursor);
Answer<> write_version(const View& view, Text& text, Cursor& cursor);
Answer<> write_command_line(const View& view, Text& text, Cursor& cursor);
Answer<> write_interrupts(const View& view, Text& text, Cursor& cursor);
Answer<> write_paging(const View& view, Text& text, Cursor& cursor);
Answer<> write_release(const View& view, Text& text, Cursor& cursor);
Answer<> write_build(const View& view, Text& text, Cursor& cursor);
Answer<> write_host(const View& view, Text& text, Cursor& cursor);
Answer<> write_new_uuid(const View& view, Text& text, Cursor& cursor);
Answer<> write_boot_id(const View& view, Text& text, Cursor& cursor);
Answer<> write_processors(const View& view, Text& text, Cursor& cursor);
Answer<> write_processor_list(const View& view, Text& text, Cursor& cursor);
Answer<> write_processor_mask(const View& view, Text& text, Cursor& cursor);
Answer<> write_core(const View& view, Text& text, Cursor& cursor);
Answer<> write_core_mask(const View& view, Text& text, Cursor& cursor);
Answer<> write_core_frequency(const View& view, Text& text, Cursor& cursor);

// process_stat.cpp, process_status.cpp, process_files.cpp
Answer<> write_stat(const View& view, Text& text, Cursor& cursor);
Answer<> write_statm(const View& view, Text& text, Cursor& cursor);
Answer<> write_status(const View& view, Text& text, Cursor& cursor);
Answer<> write_comm(const View& view, Text& text, Cursor& cursor);
Answer<> store_comm(const View& view, std::string_view text);
Answer<> write_arguments(const View& view, Text& text, Cursor& cursor);
Answer<> write_environment(const View& view, Text& text, Cursor& cursor);
Answer<> write_auxiliary(const View& view, Text& text, Cursor& cursor);
Answer<> write_limits(const View& view, Text& text, Cursor& cursor);
Answer<> write_transfers(const View& view, Text& text, Cursor& cursor);
Answer<> write_oom_adjustment(const View& view, Text& text, Cursor& cursor);
Answer<> store_oom_adjustment(const View& view, std::string_view text);
Answer<> write_schedule(const View& view, Text& text, Cursor& cursor);

// map_files.cpp
Answer<> write_maps(const View& view, Text& text, Cursor& cursor);
Answer<> write_detailed_maps(const View& view, Text& text, Cursor& cursor);

// links.cpp
Answer<> write_self(const View& view, Text& text, Cursor& cursor);
Answer<> write_thread_self(const View& view, Text& text, Cursor& cursor);
Answer<vfs::Target> follow_executable(const View& view);
Answer<> write_executable(const View& view, Text& text, Cursor& cursor);
Answer<vfs::Target> follow_directory(const View& view);
Answer<> write_directory(const View& view, Text& text, Cursor& cursor);
Answer<vfs::Target> follow_root(const View& view);
Answer<> write_root(const View& view, Text& text, Cursor& cursor);
Answer<vfs::Target> follow_descriptor(const View& view);
Answer<> write_descriptor(const View& view, Text& text, Cursor& cursor);
Answer<> write_descriptor_state(const View& view, Text& text, Cursor& cursor);

// mount_files.cpp
Answer<> write_mounts(const View& view, Text& text, Cursor& cursor);
Answer<> write_mount_states(const View& view, Text& text, Cursor& cursor);

}  // namespace fb::libos::posix::procfs
