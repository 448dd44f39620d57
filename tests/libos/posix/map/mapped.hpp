// A file system, a file and spaces that map it.
#pragma once

#include "libos/posix/map/file_pages.hpp"
#include "libos/posix/vfs/memory_file.hpp"
#include "tests/libos/posix/mm/machine.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::map::test {

using mm::test::at;
using mm::test::byte_at;
using mm::test::kRw;
using mm::test::pages;
using mm::test::put;
using vfs::test::error_of;

struct Mapped : testing::Test {
  /// A space over the volume's frames.
  struct Program {
    explicit Program(Frames& frames) : space(frames, machine, {}) {}
    Program(mm::Space& parent, int) : space(parent.fork(machine).value()) {}
    mm::test::Machine machine;
    mm::Space space;
  };
  vfs::test::Volume volume;
  Ref<vfs::Inode> inode = volume.root->create("file", vfs::test::regular()).value();
  Program one{volume.frames}, two{volume.frames};

  Ref<vfs::File> open(std::uint32_t flags = vfs::flag::kReadWrite) {
    return make_shared<vfs::RegularFile>(inode, flags).value();
  }
  /// Maps `count` pages of the file from `offset` on at page `where`; an errno, or none.
  Errno map(Program& program, vfs::File& file, std::uint64_t where, std::uint64_t count,
            std::uint32_t flags = mm::kMapShared, std::uint32_t protection = kRw, std::uint64_t offset = 0) {
    mm::MapRequest request{.address = at(where),
                           .length = pages(count),
                           .protection = protection,
                           .flags = flags | mm::kMapFixed,
                           .offset = pages(offset)};
    if (const auto set = set_file(request, file, volume.frames); !set) return set.error();
    return error_of(program.space.mmap(request));
  }
  std::string text(std::uint64_t offset, std::size_t count) { return vfs::test::read(*inode, offset, count); }
  mm::FaultResult touch(Program& program, std::uint64_t where, mm::Touch kind = mm::Touch::Read) {
    return program.space.fault(at(where), kind).value();
  }
  void TearDown() override {
    EXPECT_EQ(one.machine.fault_of(one.space, volume.frames), std::nullopt);
    EXPECT_EQ(two.machine.fault_of(two.space, volume.frames), std::nullopt);
  }
};

}  // namespace fb::libos::posix::map::test
