#include "tests/system/contexts/linux_program.hpp"

#include <algorithm>

namespace fb::test {
namespace {

using abi::Stop;
using core::PageCount;
using core::VirtAddr;
using core::cap::Right;

constexpr std::uint64_t kStackEnd = 0x7fff'0000'0000, kStackBytes = 256 * 1024, kBreakBytes = 16 << 20;

// Linux x86-64: numbers of calls and errors, entries of the auxiliary vector (System V ABI, 3.4.3).
enum Call : std::uint64_t {
  kRead = 0,
  kWrite = 1,
  kFstat = 5,
  kPoll = 7,
  kMmap = 9,
  kMprotect = 10,
  kMunmap = 11,
  kBrk = 12,
  kSigaction = 13,
  kSigprocmask = 14,
  kIoctl = 16,
  kWritev = 20,
  kGetpid = 39,
  kExit = 60,
  kUname = 63,
  kFcntl = 72,
  kReadlink = 89,
  kGetuid = 102,
  kGetgid = 104,
  kGeteuid = 107,
  kGetegid = 108,
  kPrctl = 157,
  kArchPrctl = 158,
  kSetTidAddress = 218,
  kExitGroup = 231,
  kNewfstatat = 262,
  kReadlinkat = 267,
  kSetRobustList = 273,
  kPrlimit = 302,
  kGetrandom = 318,
  kRseq = 334,
};
constexpr std::uint64_t kNoEntry = ~std::uint64_t{1}, kFault = ~std::uint64_t{13},
                        kInvalid = ~std::uint64_t{21}, kNoMemory = ~std::uint64_t{11},
                        kNotTerminal = ~std::uint64_t{24}, kNoCall = ~std::uint64_t{37};
constexpr std::uint64_t kSetFs = 0x1002, kPageFault = 14, kProtectionWrite = 2;

/// Too large for a stack; one program at a time.
template <class Pages>
Pages& page_table() {
  static Pages pages;
  return pages;
}

}  // namespace

LinuxProgram::LinuxProgram(std::span<const std::byte> elf, std::span<const std::string_view> arguments)
    : image_(core::elf::Image::parse(elf)), pages_(page_table<std::array<Page, kPages>>()) {
  if (!CHECK_OK(image_)) return;
  space_ = need(abi::calls::address_space_create());
  frame_pages_ = need(libos::rt::allocate(PageCount(1)));
  context_ = need(abi::calls::alloc_cpu_context({}, space_, frame_pages_.pages.get(), kReflectingVector));
  frame_ = &frame_pages_.mapping.as<exo_area>()->frame;
  for (const auto& segment : image_->segments()) {
    const auto start = segment.first_page().raw();
    add_area(start, start + core::bytes_of(segment.pages()).raw(), segment.rights.has(Right::Write),
             segment.rights.has(Right::Execute));
    break_start_ = areas_[area_count_ - 1].end;
  }
  break_start_ += 16 * core::kPageSize;
  break_ = break_start_;
  add_area(break_start_, break_start_ + kBreakBytes, true, false);
  add_area(kStackEnd - kStackBytes, kStackEnd, true, false);
  frame_->rip = image_->entry().raw();
  prepare_stack(arguments);
}

LinuxProgram::~LinuxProgram() {
  if (!context_.none()) static_cast<void>(abi::calls::cap_drop(context_));
  if (!space_.none()) static_cast<void>(abi::calls::cap_drop(space_));
  while (page_count_ != 0) pages_[--page_count_] = {};
}

void LinuxProgram::add_area(std::uint64_t start, std::uint64_t end, bool write, bool execute) {
  REQUIRE(area_count_ < kAreas);
  areas_[area_count_++] = {start, end, write, execute};
}

const LinuxProgram::Area* LinuxProgram::area_of(std::uint64_t address) const {
  for (std::size_t i = 0; i != area_count_; ++i) {
    if (address >= areas_[i].start && address < areas_[i].end) return &areas_[i];
  }
  return nullptr;
}

/// argc, argv, envp and the auxiliary vector, as the ABI has them.
void LinuxProgram::prepare_stack(std::span<const std::string_view> arguments) {
  std::uint64_t at = kStackEnd - 64;
  const auto random = at -= 16;
  std::array<std::uint64_t, 64> words{};
  std::size_t used = 0;
  words[used++] = arguments.size();
  for (const auto argument : arguments) {
    at -= argument.size() + 1;
    CHECK(copy_out(at, argument.data(), argument.size()));
    words[used++] = at;
  }
  words[used++] = 0;
  words[used++] = 0;
  const std::uint64_t auxiliary[][2] = {{3, image_->header_address().value_or(VirtAddr(0)).raw()},
                                        {4, 56},
                                        {5, image_->header_count()},
                                        {6, core::kPageSize},
                                        {9, image_->entry().raw()},
                                        {11, 0},
                                        {12, 0},
                                        {13, 0},
                                        {14, 0},
                                        {16, 0},
                                        {17, 100},
                                        {23, 0},
                                        {25, random},
                                        {26, 0},
                                        {0, 0}};
  for (const auto& entry : auxiliary) {
    words[used++] = entry[0];
    words[used++] = entry[1];
  }
  at = (at - used * 8) & ~std::uint64_t{15};
  CHECK(copy_out(at, words.data(), used * 8));
  frame_->rsp = at;
}

void LinuxProgram::fill(std::uint64_t address, char* to) {
  for (const auto& segment : image_->segments()) {
    const auto begin = segment.address.raw(), end = begin + segment.bytes.size();
    const auto from = std::max(begin, address), until = std::min(end, address + core::kPageSize);
    if (from >= until) continue;
    std::copy_n(reinterpret_cast<const char*>(segment.bytes.data()) + (from - begin), until - from,
                to + (from - address));
  }
}

char* LinuxProgram::page(std::uint64_t address) {
  address &= ~core::kPageMask;
  for (std::size_t i = 0; i != page_count_; ++i) {
    if (pages_[i].address == address) return pages_[i].memory.mapping.as<char>();
  }
  const Area* area = area_of(address);
  if (area == nullptr || page_count_ == kPages) return nullptr;
  Page& fresh = pages_[page_count_++];
  fresh.address = address;
  fresh.memory = need(libos::rt::allocate(PageCount(1)));
  fill(address, fresh.memory.mapping.as<char>());
  abi::Access access{abi::AccessBit::Read};
  if (area->write) access = access | abi::AccessBit::Write;
  if (area->execute) access = access | abi::AccessBit::Execute;
  need(abi::calls::map_pages(space_, fresh.memory.pages.get(), VirtAddr(address), PageCount(0), PageCount(1),
                             access));
  return fresh.memory.mapping.as<char>();
}

bool LinuxProgram::copy_out(std::uint64_t address, const void* from, std::size_t size) {
  for (std::size_t i = 0; i != size; ++i) {
    char* to = page(address + i);
    if (to == nullptr) return false;
    to[(address + i) & core::kPageMask] = static_cast<const char*>(from)[i];
  }
  return true;
}

bool LinuxProgram::copy_in(void* to, std::uint64_t address, std::size_t size) {
  for (std::size_t i = 0; i != size; ++i) {
    const char* from = page(address + i);
    if (from == nullptr) return false;
    static_cast<char*>(to)[i] = from[(address + i) & core::kPageMask];
  }
  return true;
}

int LinuxProgram::run() {
  if (!image_) return -1;
  while (!ended_) {
    const auto stop = abi::calls::context_run(context_, abi::kNever, 0);
    if (!CHECK_OK(stop)) return -1;
    if (*stop == Stop::Preempted) continue;
    if (*stop == Stop::Syscall) {
      calls_ += 1;
      frame_->rax = serve_call(*frame_);
      continue;
    }
    if (*stop == Stop::Fault && serve_fault()) continue;
    diag("stop ", static_cast<std::uint64_t>(*stop), " vector ", frame_->vector, " error ",
         frame_->error_code, " address ", core::text::hex(frame_->address), " rip ",
         core::text::hex(frame_->rip));
    return -1;
  }
  return status_;
}

/// Only pages that are not there yet (error code bit 0 clear, bit 2 set: from ring 3).
bool LinuxProgram::serve_fault() {
  if (frame_->vector != kPageFault || (frame_->error_code & 5) != 4) return false;
  faults_ += 1;
  return page(frame_->address) != nullptr;
}

std::uint64_t LinuxProgram::write(std::uint64_t address, std::uint64_t size) {
  const auto count = std::min<std::uint64_t>(size, output_.size() - written_);
  if (!copy_in(output_.data() + written_, address, count)) return kFault;
  written_ += count;
  return size;
}

std::uint64_t LinuxProgram::writev(std::uint64_t vector, std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i != count; ++i) {
    std::uint64_t piece[2];
    if (!copy_in(piece, vector + i * sizeof piece, sizeof piece)) return kFault;
    if (write(piece[0], piece[1]) != piece[1]) return kFault;
    sum += piece[1];
  }
  return sum;
}

/// Standard output is a pipe.
std::uint64_t LinuxProgram::stat(std::uint64_t address) {
  std::array<std::uint32_t, 36> status{};
  status[6] = 0x1180;  // st_mode: S_IFIFO, 0600
  return copy_out(address, status.data(), sizeof status) ? 0 : kFault;
}

std::uint64_t LinuxProgram::set_break(std::uint64_t wanted) {
  if (wanted >= break_start_ && wanted <= break_start_ + kBreakBytes) break_ = wanted;
  return break_;
}

std::uint64_t LinuxProgram::map(std::uint64_t size, std::uint64_t protection) {
  if (size == 0 || size > (std::uint64_t{1} << 30) || area_count_ == kAreas) return kNoMemory;
  const auto start = next_mapping_;
  const auto end = start + ((size + core::kPageMask) & ~core::kPageMask);
  add_area(start, end, (protection & kProtectionWrite) != 0, false);
  next_mapping_ = end + core::kPageSize;
  return start;
}

std::uint64_t LinuxProgram::serve_call(const exo_frame& f) {
  switch (f.rax) {
    case kWrite:
      return f.rdi == 1 || f.rdi == 2 ? write(f.rsi, f.rdx) : kInvalid;
    case kWritev:
      return f.rdi == 1 || f.rdi == 2 ? writev(f.rsi, f.rdx) : kInvalid;
    case kRead:
      return 0;
    case kFstat:
      return stat(f.rsi);
    case kBrk:
      return set_break(f.rdi);
    case kMmap:
      return f.rdi == 0 ? map(f.rsi, f.rdx) : kInvalid;
    case kArchPrctl:
      if (f.rdi != kSetFs) return kInvalid;
      frame_->fs_base = f.rsi;
      return 0;
    case kExit:
    case kExitGroup:
      ended_ = true;
      status_ = static_cast<int>(f.rdi & 0xff);
      return 0;
    case kGetrandom: {
      for (std::uint64_t i = 0; i != f.rsi; ++i) {
        const char byte = static_cast<char>(i * 37 + 11);
        if (!copy_out(f.rdi + i, &byte, 1)) return kFault;
      }
      return f.rsi;
    }
    case kMprotect:
    case kMunmap:
    case kSigaction:
    case kSigprocmask:
    case kSetRobustList:
    case kGetuid:
    case kGetgid:
    case kGeteuid:
    case kGetegid:
    case kPoll:
    case kPrctl:
    case kPrlimit:
    case kFcntl:
      return 0;
    case kGetpid:
    case kSetTidAddress:
      return 100;
    case kIoctl:
      return kNotTerminal;
    case kReadlink:
    case kReadlinkat:
    case kNewfstatat:
      return kNoEntry;
    default:
      return kNoCall;
  }
}

}  // namespace fb::test
