#include "libos/posix/task/process.hpp"

#include "libos/posix/task/executable_file.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::task {

Answer<> Process::open() {
  FB_TRY(tables_.open());
  space_.emplace(system.frames, tables_, mm::Limits{});
  FB_ASSIGN(context_, machine::ProgramContext::make(tables_.cap()));
  return {};
}

Answer<> Process::copy(Process& other, core::VirtAddr stack) {
  FB_TRY(tables_.open());
  FB_ASSIGN(auto space, other.space_->fork(tables_));
  space_.emplace(std::move(space));
  FB_ASSIGN(context_, machine::ProgramContext::make(tables_.cap()));
  FB_TRY(context_.copy_vector(other.context_));
  auto& frame = context_.frame();
  frame = other.context_.frame();
  frame.rax = 0;
  if (stack != core::VirtAddr(0)) frame.rsp = stack.raw();
  context_.resume_from_frame();
  FB_ASSIGN(descriptors, other.descriptors.copy());
  directory = other.directory;
  umask = other.umask;
  return {};
}

void Process::finish() {
  descriptors.close_all();
  if (space_) space_->clear();
  finished = true;
  system.processes.ended(*this);
}

Answer<> Process::execute(std::string_view path, const exec::StartText& text) {
  FB_ASSIGN(const auto inode, vfs::resolve(place(), path, true));
  FB_TRY(vfs::check_access(inode->attributes(), place().who, vfs::Want::Execute));
  ExecutableFile file(inode, system.frames);
  FB_TRY(file.open());
  FB_ASSIGN(const auto image, exec::image_of(file));

  replaced = true;
  space_->clear();
  FB_ASSIGN(const auto placed, exec::place_image(*space_, file, image, exec::kProgramBase));
  std::optional<exec::Placed> interpreter;
  if (const auto wanted = image.interpreter(); !wanted.empty()) {
    FB_ASSIGN(const auto found, vfs::resolve(place(), wanted, true));
    ExecutableFile loader(found, system.frames);
    FB_TRY(loader.open());
    FB_ASSIGN(const auto loader_image, exec::image_of(loader));
    FB_ASSIGN(interpreter, exec::place_image(*space_, loader, loader_image, core::VirtAddr(0)));
  }
  std::array<std::byte, 16> random;
  system.random.fill(random);
  FB_ASSIGN(const auto start, exec::prepare_start(*space_, placed, interpreter ? &*interpreter : nullptr,
                                                  {.text = text, .random = random}));
  FB_TRY(context_.reset(tables_.cap()));
  auto& frame = context_.frame();
  frame.rip = start.entry.raw();
  frame.rsp = start.stack.raw();
  context_.resume_from_frame();
  return {};
}

}  // namespace fb::libos::posix::task
