// What the processor says of itself, for /proc/cpuinfo (Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E).
#pragma once

#include "libos/posix/procfs/state.hpp"

namespace fb::libos::posix::task {

/// Asked once. The texts of model() are good as long as this.
class ProcessorModelText {
 public:
  ProcessorModelText();
  ProcessorModelText(const ProcessorModelText&) = delete;
  ProcessorModelText& operator=(const ProcessorModelText&) = delete;
  [[nodiscard]] const procfs::ProcessorModel& model() const { return model_; }

 private:
  void read_names();
  void read_family();
  void read_flags();

  std::array<char, 12> vendor_{};
  std::array<char, 48> name_{};
  std::array<char, 512> flags_{};
  procfs::ProcessorModel model_;
};

}  // namespace fb::libos::posix::task
