// Pseudo-terminals: a terminal whose far side is a program (pty(7); C4.18).
#pragma once

#include "libos/posix/tty/terminal_file.hpp"

namespace fb::libos::posix::tty {

/// The slave's side, and what both sides know of each other.
class Pty final : public Terminal {
 public:
  static constexpr std::uint32_t kSlaveMajor = 136;

  Pty(JobControl& jobs, std::uint32_t number)
      : Terminal(jobs, vfs::make_device(kSlaveMajor, number), nullptr), number_(number) {}

  [[nodiscard]] std::uint32_t number() const { return number_; }
  bool locked = true;  ///< the slave cannot be opened yet
  bool packets = false;
  /// What a master in packet mode has not been told yet; it is, by this.
  [[nodiscard]] std::uint8_t news() const { return packets ? news_ : 0; }
  std::uint8_t take_news() { return std::exchange(news_, 0); }
  void forget_news() { news_ = 0; }
  /// The slave has been open, and is no more.
  [[nodiscard]] bool abandoned() const { return ever_opened_ && slaves_ == 0; }
  void master_closed();

  Answer<> opened() override;
  void closed() override;
  [[nodiscard]] bool far_side_gone() const override { return master_gone_; }

 private:
  void happened(std::uint8_t what) override;

  std::uint32_t number_;
  std::uint32_t slaves_ = 0;
  bool ever_opened_ = false, master_gone_ = false;
  std::uint8_t news_ = 0;
};

/// Where pseudo-terminals have their names.
class PtyNames {
 public:
  /// The inode of a slave. None when it is gone.
  [[nodiscard]] virtual Ref<vfs::Inode> slave(std::uint32_t number) const = 0;
  virtual void remove(std::uint32_t number) = 0;

 protected:
  ~PtyNames() = default;
};

/// Opened once for each pseudo-terminal, which ends with it.
class MasterFile final : public vfs::File {
 public:
  /// `names`, which has it by now, and `jobs` outlive it.
  MasterFile(const Ref<vfs::Inode>& ptmx, std::uint32_t flags, const Ref<Pty>& pty, PtyNames& names,
             JobControl& jobs)
      : File(ptmx, flags), pty_(pty), names_(names), jobs_(jobs) {}
  ~MasterFile() override;

  [[nodiscard]] vfs::PollState poll() override;
  Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument,
                              vfs::IoctlCaller& caller) override;

 private:
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override;
  Answer<std::size_t> take(vfs::Output& out, std::size_t count);
  Answer<std::uint64_t> master_ioctl(Request request, const Asked& asked);
  Answer<std::uint64_t> flush(std::uint64_t which);
  Answer<std::uint64_t> open_peer(std::uint32_t flags, vfs::IoctlCaller& caller);

  Ref<Pty> pty_;
  PtyNames& names_;
  JobControl& jobs_;
};

}  // namespace fb::libos::posix::tty
