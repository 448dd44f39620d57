// From an inode to an open file description, by what kind of file it is.
#pragma once

#include "libos/posix/vfs/devices.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "libos/posix/vfs/pipe.hpp"

namespace fb::libos::posix::vfs {

/// What open_inode() has found and allowed. With O_PATH a file that can only be looked at. Waits for the other end of a FIFO.
/// Errors: NoDeviceOrAddress for sockets, block devices and devices that `devices` does not know; of open_fifo().
Answer<Ref<File>> open_file(const Ref<Inode>& inode, std::uint32_t flags, Devices& devices, Frames& frames,
                            Waiter& waiter);
/// And it remembers by what name.
Answer<Ref<File>> open_file(const Opened& opened, std::uint32_t flags, Devices& devices, Frames& frames,
                            Waiter& waiter);

}  // namespace fb::libos::posix::vfs
