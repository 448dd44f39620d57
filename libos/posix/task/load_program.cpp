#include "libos/posix/task/load_program.hpp"

#include "libos/posix/exec/script.hpp"
#include "libos/posix/task/executable_file.hpp"

namespace fb::libos::posix::task {
namespace {

/// Open, with a head that says what it is. Kept on the heap: fibres have small stacks.
struct Opened {
  vfs::Target target;
  std::unique_ptr<ExecutableFile> file;
};

Answer<Opened> open_executable(const Loader& loader, std::string_view path) {
  FB_ASSIGN(const auto target, vfs::locate(loader.place, path));
  FB_TRY(vfs::check_access(target.inode->attributes(), loader.place.who, vfs::Want::Execute));
  Opened opened{.target = target,
                .file = std::unique_ptr<ExecutableFile>(new (std::nothrow)
                                                            ExecutableFile(target, loader.system.frames))};
  if (!opened.file) return fail(Errno::NoMemory);
  FB_TRY(opened.file->open());
  return opened;
}

Credentials ids_with(const vfs::Attributes& file, Credentials ids) {
  constexpr std::uint32_t kRunsAsGroup = vfs::mode::kSetGid | vfs::mode::kGroupExecute;
  if ((file.mode & vfs::mode::kSetUid) != 0) ids.user.effective = file.uid;
  if ((file.mode & kRunsAsGroup) == kRunsAsGroup) ids.group.effective = file.gid;
  ids.user.saved = ids.user.file_system = ids.user.effective;
  ids.group.saved = ids.group.file_system = ids.group.effective;
  return ids;
}

std::array<char, 16> name_of(std::string_view path) {
  std::array<char, 16> name{};
  const auto base = path.substr(path.rfind('/') + 1);
  std::ranges::copy(base.substr(0, name.size() - 1), name.data());
  return name;
}

Answer<Loaded> load_image(const Loader& loader, mm::Space& space, const Opened& opened,
                          const exec::StartText& text) {
  FB_ASSIGN(const auto image, exec::image_of(*opened.file));
  Opened interpreter;
  std::optional<core::elf::Image> interpreter_image;
  if (const auto wanted = image.interpreter(); !wanted.empty()) {
    FB_ASSIGN(interpreter, open_executable(loader, wanted));
    FB_ASSIGN(interpreter_image, exec::image_of(*interpreter.file));
  }
  FB_ASSIGN(const auto placed, exec::place_image(space, *opened.file, image, exec::kProgramBase));
  std::optional<exec::Placed> placed_interpreter;
  if (interpreter_image) {
    FB_ASSIGN(placed_interpreter,
              exec::place_image(space, *interpreter.file, *interpreter_image, core::VirtAddr(0)));
  }
  FB_ASSIGN(const auto vdso, vdso::map(space, loader.system.vdso));
  const auto ids = loader.may_gain ? ids_with(opened.target.inode->attributes(), loader.ids) : loader.ids;
  std::array<std::byte, 16> random;
  loader.system.random.fill(random);
  FB_ASSIGN(const auto start,
            exec::prepare_start(space, placed, placed_interpreter ? &*placed_interpreter : nullptr,
                                {.text = text,
                                 .random = random,
                                 .ids = {.user = ids.user.real,
                                         .effective_user = ids.user.effective,
                                         .group = ids.group.real,
                                         .effective_group = ids.group.effective},
                                 .vdso = vdso}));
  return Loaded{.start = start, .program = opened.target, .ids = ids, .name = name_of(text.path)};
}

/// The words of a script's interpreter come before those that follow the script's own name.
Answer<Vector<std::string_view>> script_arguments(const exec::Script& script, const exec::StartText& text,
                                                  std::string_view path) {
  Vector<std::string_view> words;
  FB_TRY(words.push_back(script.interpreter()));
  if (!script.argument().empty()) FB_TRY(words.push_back(script.argument()));
  FB_TRY(words.push_back(path));
  for (std::size_t i = 1; i < text.arguments.size(); ++i) FB_TRY(words.push_back(text.arguments[i]));
  return words;
}

Answer<Loaded> load(const Loader& loader, mm::Space& space, std::string_view path,
                    const exec::StartText& text, unsigned depth) {
  constexpr unsigned kDeepest = 5;
  std::optional<exec::Script> script;
  {
    FB_ASSIGN(const auto opened, open_executable(loader, path));
    FB_ASSIGN(script, exec::script_of(opened.file->head()));
    if (!script) return load_image(loader, space, opened, text);
  }
  if (depth == kDeepest) return fail(Errno::Loop);
  FB_ASSIGN(const auto words, script_arguments(*script, text, path));
  const exec::StartText its{.arguments = words.view(), .environment = text.environment, .path = text.path};
  return load(loader, space, script->interpreter(), its, depth + 1);
}

}  // namespace

Answer<Loaded> load_program(const Loader& loader, mm::Space& space, std::string_view path,
                            const exec::StartText& text) {
  return load(loader, space, path, text, 0);
}

}  // namespace fb::libos::posix::task
