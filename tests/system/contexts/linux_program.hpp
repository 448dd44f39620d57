// A throw-away LibOS: as much of Linux as a static program needs to say hello. It proves the contract of carriers
// (DESIGN §6): calls served in place in the frame, pages mapped on demand, the thread pointer through the frame.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "core/elf/image.hpp"
#include "tests/system/contexts/support/guest.hpp"

namespace fb::test {

class LinuxProgram {
 public:
  /// `arguments` begin with the program's name. Errors: those of Image::parse and of the calls.
  LinuxProgram(std::span<const std::byte> elf, std::span<const std::string_view> arguments);
  LinuxProgram(const LinuxProgram&) = delete;
  LinuxProgram& operator=(const LinuxProgram&) = delete;
  ~LinuxProgram();

  /// Runs it to its end: its exit status, or -1 with a note why not.
  int run();
  [[nodiscard]] std::string_view output() const { return {output_.data(), written_}; }
  [[nodiscard]] unsigned calls() const { return calls_; }
  [[nodiscard]] unsigned faults() const { return faults_; }

 private:
  struct Page {
    std::uint64_t address = 0;
    libos::rt::Region memory;
  };
  struct Area {
    std::uint64_t start = 0, end = 0;
    bool write = false, execute = false;
  };
  static constexpr std::size_t kPages = 600, kAreas = 32;

  void prepare_stack(std::span<const std::string_view> arguments);
  bool serve_fault();
  /// The page of the guest's memory around `address`, brought in if it is not there. Null: no such memory.
  char* page(std::uint64_t address);
  void fill(std::uint64_t address, char* to);
  bool copy_out(std::uint64_t address, const void* from, std::size_t size);
  bool copy_in(void* to, std::uint64_t address, std::size_t size);
  const Area* area_of(std::uint64_t address) const;
  void add_area(std::uint64_t start, std::uint64_t end, bool write, bool execute);
  std::uint64_t serve_call(const exo_frame& f);
  std::uint64_t write(std::uint64_t address, std::uint64_t size);
  std::uint64_t writev(std::uint64_t vector, std::uint64_t count);
  std::uint64_t stat(std::uint64_t address);
  std::uint64_t set_break(std::uint64_t wanted);
  std::uint64_t map(std::uint64_t size, std::uint64_t protection);

  core::Result<core::elf::Image> image_;
  SpaceCap space_;
  libos::rt::Region frame_pages_;
  ContextCap context_;
  exo_frame* frame_;
  std::array<Area, kAreas> areas_{};
  std::size_t area_count_ = 0;
  std::array<Page, kPages>& pages_;
  std::size_t page_count_ = 0;
  std::uint64_t break_start_ = 0, break_ = 0, next_mapping_ = 0x7000'0000'0000;
  std::array<char, 1024> output_{};
  std::size_t written_ = 0;
  unsigned calls_ = 0, faults_ = 0;
  bool ended_ = false;
  int status_ = -1;
};

}  // namespace fb::test
